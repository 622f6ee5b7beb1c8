//! Which paths there are, and their answers.

use std::sync::Arc;

use axum::Router;
use axum::body::HttpBody;
use axum::extract::{Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use tokio::sync::watch;

use super::view::View;
use super::{Shared, health, page};
use crate::clock::Wall;
use crate::metrics::{self, Process};
use crate::resolve::Unresolved;

/// Everything, for `prometheus_server`.
pub(super) fn everything(shared: &Arc<Shared>) -> Router {
    let shown = Router::new()
        .route("/", get(index))
        .route("/metrics", get(scrape))
        .route("/status", get(status));
    finish(shown.merge(probes()), Arc::clone(shared))
}

/// The probes alone, for `health_check_port`.
pub(super) fn health(shared: &Arc<Shared>) -> Router {
    finish(probes(), Arc::clone(shared))
}

/// The probes of a process that waits for names; what is at `later` will be there when it has them.
pub(super) fn waiting(unresolved: watch::Receiver<Unresolved>, later: &[&str]) -> Router {
    let not_yet = get(|State(unresolved): State<watch::Receiver<Unresolved>>| async move {
        probe(Err(health::waiting(&unresolved.borrow())))
    });
    let healthy = get(|| async { probe(Ok(())) });
    let mut router = Router::new()
        .route("/healthz", healthy.clone())
        .route("/livez", healthy)
        .route("/readyz", not_yet.clone());
    for path in later {
        router = router.route(path, not_yet.clone());
    }
    finish(router, unresolved)
}

fn probes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/healthz", get(live))
        .route("/livez", get(live))
        .route("/readyz", get(ready))
}

fn finish<S: Clone + Send + Sync + 'static>(router: Router<S>, state: S) -> Router {
    router
        .fallback(|| async { (StatusCode::NOT_FOUND, "no such path\n") })
        .with_state(state)
        .layer(middleware::from_fn(guard))
}

/// Nothing here takes a body; and nothing of it is to be kept, guessed at or run by a browser.
async fn guard(request: Request, next: Next) -> Response {
    let mut response = if request.body().is_end_stream() {
        next.run(request).await
    } else {
        (StatusCode::PAYLOAD_TOO_LARGE, "no body is accepted\n").into_response()
    };
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    let policy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    response
}

async fn index(State(shared): State<Arc<Shared>>) -> Html<String> {
    Html(page::page(&view(&shared)))
}

async fn status(State(shared): State<Arc<Shared>>) -> Response {
    match view(&shared).to_json() {
        Ok(json) => ([(CONTENT_TYPE, "application/json")], json).into_response(),
        Err(error) => failed(&error),
    }
}

async fn scrape(State(shared): State<Arc<Shared>>) -> Response {
    let process = Process::read().ok();
    let published = shared.published.borrow();
    let now = shared.clock.now();
    match shared.metrics.scrape(&published, now, process.as_ref()) {
        Ok(text) => ([(CONTENT_TYPE, metrics::CONTENT_TYPE)], text).into_response(),
        Err(error) => failed(&error),
    }
}

async fn live(State(shared): State<Arc<Shared>>) -> Response {
    probe(health::healthy(&shared.published.borrow(), shared.clock.now()))
}

async fn ready(State(shared): State<Arc<Shared>>) -> Response {
    probe(health::ready(&shared.published.borrow(), shared.clock.now()))
}

fn probe(outcome: Result<(), String>) -> Response {
    match outcome {
        Ok(()) => "OK".into_response(),
        Err(why) => (StatusCode::SERVICE_UNAVAILABLE, why + "\n").into_response(),
    }
}

fn failed(error: &dyn std::error::Error) -> Response {
    (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response()
}

fn view(shared: &Shared) -> View {
    let wall = Wall::read(shared.clock);
    View::new(&shared.published.borrow(), &shared.plan, shared.release, wall)
}
