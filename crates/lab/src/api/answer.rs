//! Requests to answers: who may, what is meant, what the store says.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use k8s_openapi::List;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{Event, Node};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{DeleteOptions, ListMeta};
use serde_json::Value;

use super::access::Peer;
use super::failure::{Failure, deleted, json};
use super::front::Front;
use super::kind::{Kind, Part, decode, from_value, to_value};
use super::route::{Address, ListOptions, Query, Route};
use super::store::{Key, Preconditions, Store, Updated};
use super::watching::watch;
use crate::pki::User;

/// No body is larger, as on a real server.
const LARGEST_BODY: usize = 3 << 20;

/// How long a real server waits for a version from the future.
const FUTURE: Duration = Duration::from_secs(3);

/// How long the health check of the store waits for it.
const STORE_HEALTH: Duration = Duration::from_secs(2);

/// Answers one request.
pub(crate) async fn answer(
    front: Arc<Front>,
    peer: Arc<Peer>,
    request: Request<Body>,
) -> Response<Body> {
    front.admit().await;
    respond(front, &peer, request).await.unwrap_or_else(Failure::into_response)
}

type Answer = Result<Response<Body>, Failure>;

async fn respond(front: Arc<Front>, peer: &Peer, request: Request<Body>) -> Answer {
    let user = front.access.user(peer, request.headers())?;
    let path = request.uri().path().to_owned();
    match Route::of(&path) {
        Route::Health(name) => Ok(health(&front, name).await),
        Route::Version => Ok(version()),
        Route::Leases(address) => Call { front, user, address }.answer::<Lease>(request).await,
        Route::Nodes(address) => Call { front, user, address }.answer::<Node>(request).await,
        Route::Events(address) => Call { front, user, address }.answer::<Event>(request).await,
        Route::Slices(address) => {
            Call { front, user, address }.answer::<EndpointSlice>(request).await
        }
        Route::Unknown if front.rights().may_do_everything(&user) => {
            Ok(text(StatusCode::NOT_FOUND, "404 page not found\n".into()))
        }
        Route::Unknown => {
            let verb = request.method().as_str().to_ascii_lowercase();
            Err(Failure::forbidden_path(&user.name, &verb, &path))
        }
    }
}

async fn health(front: &Front, name: &str) -> Response<Body> {
    // Readiness asks twice.
    let patience = if name == "readyz" { STORE_HEALTH * 2 } else { STORE_HEALTH };
    if front.store_within(patience).await.is_some() {
        return text(StatusCode::OK, "ok".into());
    }
    let body = format!("[+]ping ok\n[-]etcd failed: reason withheld\n{name} check failed\n");
    text(StatusCode::INTERNAL_SERVER_ERROR, body)
}

fn version() -> Response<Body> {
    let body = serde_json::json!({
        "major": "1",
        "minor": "34",
        "gitVersion": concat!("v1.34.0+kube-vip-lab-", env!("CARGO_PKG_VERSION")),
        "gitCommit": "",
        "gitTreeState": "",
        "buildDate": "",
        "goVersion": "",
        "compiler": "rustc",
        "platform": format!("{}/{}", std::env::consts::OS, std::env::consts::ARCH),
    });
    json(StatusCode::OK, &body)
}

fn text(code: StatusCode, body: String) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = code;
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, plain);
    response
}

/// One request about objects of a kind.
struct Call {
    front: Arc<Front>,
    user: User,
    address: Address,
}

impl Call {
    async fn answer<K: Kind>(self, request: Request<Body>) -> Answer {
        let query = Query::of(request.uri().query());
        let verb = self.verb(request.method(), &query);
        if !self.front.rights().may_do_everything(&self.user) {
            // Rights can be limited to a name, so the one that is selected counts.
            let name = self.address.name.clone().or_else(|| query.selected_name());
            let address = Address { name, ..self.address };
            return Err(Failure::forbidden::<K>(&self.user.name, verb, &address));
        }
        takes_json(request.headers())?;
        let named = self.address.name.is_some();
        let status = self.address.part == Part::Status;
        let placed = !K::NAMESPACED || self.address.namespace.is_some();
        match verb {
            "watch" => {
                watch::<K>(Arc::clone(&self.front), ListOptions::of::<K>(&query, &self.address)?)
            }
            "list" => self.list::<K>(&query).await,
            "get" => self.get::<K>(&query).await,
            verb if !K::WRITTEN_BY_CLIENTS => Err(Failure::not_allowed::<K>(verb)),
            "create" if placed && !named => self.create::<K>(&query, request).await,
            "update" if named => self.update::<K>(&query, request).await,
            "patch" if named => self.patch::<K>(&query, request).await,
            "delete" if !status => self.delete::<K>(&query, request).await,
            other => Err(Failure::not_allowed::<K>(other)),
        }
    }

    /// What a request wants, in the words of Kubernetes.
    fn verb(&self, method: &Method, query: &Query) -> &'static str {
        let named = self.address.name.is_some();
        match *method {
            Method::GET if named => "get",
            Method::GET if query.flag("watch") == Some(true) => "watch",
            Method::GET => "list",
            Method::POST => "create",
            Method::PUT => "update",
            Method::PATCH => "patch",
            Method::DELETE if named => "delete",
            Method::DELETE => "deletecollection",
            _ => "",
        }
    }

    fn key(&self) -> Key {
        let name = self.address.name.as_deref().unwrap_or_default();
        Key::new(self.address.namespace.as_deref(), name)
    }

    async fn get<K: Kind>(&self, query: &Query) -> Answer {
        let store = self.front.to_read().await?;
        catch_up(store, query.version()?).await?;
        let key = self.key();
        let object = store.get::<K>(&key).ok_or_else(|| Failure::not_found::<K>(key.name()))?;
        Ok(json(StatusCode::OK, object.as_ref()))
    }

    async fn list<K: Kind>(&self, query: &Query) -> Answer {
        let options = ListOptions::of::<K>(query, &self.address)?;
        let store = self.front.to_read().await?;
        catch_up(store, options.version).await?;
        let (revision, objects) = store.list::<K>(&options.selection);
        let list = List::<K> {
            items: objects.iter().map(|object| object.as_ref().clone()).collect(),
            metadata: ListMeta {
                resource_version: Some(revision.to_string()),
                ..ListMeta::default()
            },
        };
        let mut list = to_value(&list);
        // The items of a typed list do not repeat what they are.
        for item in list["items"].as_array_mut().into_iter().flatten() {
            if let Some(item) = item.as_object_mut() {
                item.remove("apiVersion");
                item.remove("kind");
            }
        }
        Ok(json(StatusCode::OK, &list))
    }

    async fn create<K: Kind>(&self, query: &Query, request: Request<Body>) -> Answer {
        query.refuse(&["dryRun"])?;
        let body = json_body(request).await?;
        let decoded = decode::<K>(&body)?;
        self.check_namespace(&decoded.object)?;
        let warnings = unknown_fields(query, &decoded.unknown)?;
        let store = self.front.to_write().await?;
        let object = store.create(self.address.namespace.as_deref(), decoded.object)?;
        Ok(warn(json(StatusCode::CREATED, object.as_ref()), &warnings))
    }

    async fn update<K: Kind>(&self, query: &Query, request: Request<Body>) -> Answer {
        query.refuse(&["dryRun"])?;
        let body = json_body(request).await?;
        let decoded = decode::<K>(&body)?;
        self.check_namespace(&decoded.object)?;
        self.check_name(&decoded.object)?;
        let warnings = unknown_fields(query, &decoded.unknown)?;
        let store = self.front.to_write().await?;
        let updated = store.update(&self.key(), self.address.part, |_| Ok(decoded.object))?;
        Ok(warn(updated_response(&updated), &warnings))
    }

    async fn patch<K: Kind>(&self, query: &Query, request: Request<Body>) -> Answer {
        query.refuse(&["dryRun"])?;
        if media_type(request.headers()) != Some("application/merge-patch+json") {
            return Err(Failure::unsupported_patch("application/merge-patch+json"));
        }
        let body = whole_body(request).await?;
        let patch: Value = serde_json::from_slice(&body)
            .map_err(|error| Failure::bad_request(format!("error decoding patch: {error}")))?;
        let key = self.key();
        let store = self.front.to_write().await?;
        let mut dropped = Vec::new();
        let updated = store.update::<K>(&key, self.address.part, |old| {
            let old = old.ok_or_else(|| Failure::not_found::<K>(key.name()))?;
            let mut merged = to_value(old);
            merge(&mut merged, &patch);
            let decoded = from_value::<K>(merged)?;
            self.check_namespace(&decoded.object)?;
            self.check_name(&decoded.object)?;
            dropped = unknown_fields(query, &decoded.unknown)?;
            Ok(decoded.object)
        })?;
        Ok(warn(updated_response(&updated), &dropped))
    }

    async fn delete<K: Kind>(&self, query: &Query, request: Request<Body>) -> Answer {
        query.refuse(&["dryRun"])?;
        let body = whole_body(request).await?;
        let options: DeleteOptions = if body.is_empty() {
            DeleteOptions::default()
        } else {
            serde_json::from_slice(&body)
                .map_err(|error| Failure::bad_request(format!("DeleteOptions: {error}")))?
        };
        if options.dry_run.is_some_and(|stages| !stages.is_empty()) {
            return Err(Failure::bad_request("dryRun is not supported by this API server"));
        }
        let conditions = options.preconditions.map_or_else(Preconditions::default, |conditions| {
            Preconditions { uid: conditions.uid, resource_version: conditions.resource_version }
        });
        let key = self.key();
        let object = self.front.to_write().await?.delete::<K>(&key, &conditions)?;
        Ok(deleted::<K>(key.name(), object.metadata().uid.clone()))
    }

    fn check_namespace<K: Kind>(&self, object: &K) -> Result<(), Failure> {
        let namespace = object.metadata().namespace.as_deref().filter(|name| !name.is_empty());
        if namespace.is_some() && namespace != self.address.namespace.as_deref() {
            return Err(Failure::bad_request(
                "the namespace of the provided object does not match the namespace sent on the \
                 request",
            ));
        }
        Ok(())
    }

    fn check_name<K: Kind>(&self, object: &K) -> Result<(), Failure> {
        let asked = self.address.name.as_deref().unwrap_or_default();
        match object.metadata().name.as_deref().unwrap_or_default() {
            "" => Err(Failure::bad_request("name must be provided")),
            name if name != asked => Err(Failure::bad_request(format!(
                "the name of the object ({name}) does not match the name on the URL ({asked})"
            ))),
            _ => Ok(()),
        }
    }
}

/// Waits a little for a version that is not there yet.
async fn catch_up(store: &Store, version: Option<u64>) -> Result<(), Failure> {
    let Some(version) = version else { return Ok(()) };
    let mut revision = store.revision();
    let reached = revision.wait_for(|&revision| revision >= version);
    if tokio::time::timeout(FUTURE, reached).await.is_ok() {
        return Ok(());
    }
    let current = *store.revision().borrow();
    Err(Failure::too_large_version(version, current))
}

fn updated_response<K: Kind>(updated: &Updated<K>) -> Response<Body> {
    match updated {
        Updated::Created(object) => json(StatusCode::CREATED, object.as_ref()),
        Updated::Changed(object) => json(StatusCode::OK, object.as_ref()),
    }
}

/// Fields that nobody knows are dropped and warned of, or refused where the client wants that.
fn unknown_fields(query: &Query, unknown: &[String]) -> Result<Vec<String>, Failure> {
    let texts = unknown.iter().map(|path| format!("unknown field {path:?}"));
    match query.get("fieldValidation") {
        Some("Ignore") => Ok(Vec::new()),
        Some("Strict") if !unknown.is_empty() => {
            let list = texts.collect::<Vec<_>>().join(", ");
            Err(Failure::bad_request(format!("strict decoding error: {list}")))
        }
        _ => Ok(texts.collect()),
    }
}

fn warn(mut response: Response<Body>, warnings: &[String]) -> Response<Body> {
    for warning in warnings {
        if let Ok(value) = HeaderValue::from_str(&format!("299 - {warning:?}")) {
            response.headers_mut().append(header::WARNING, value);
        }
    }
    response
}

/// RFC 7386.
fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(serde_json::Map::new());
    }
    let Some(target) = target.as_object_mut() else { return };
    for (name, value) in patch {
        if value.is_null() {
            target.remove(name);
        } else {
            merge(target.entry(name).or_insert(Value::Null), value);
        }
    }
}

fn takes_json(headers: &HeaderMap) -> Result<(), Failure> {
    let Some(accept) = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()) else {
        return Ok(());
    };
    let mut types = accept.split(',').map(|kind| kind.split(';').next().unwrap_or("").trim());
    if types.any(|kind| matches!(kind, "application/json" | "application/*" | "*/*" | "")) {
        return Ok(());
    }
    Err(Failure::not_acceptable())
}

fn media_type(headers: &HeaderMap) -> Option<&str> {
    let text = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    text.split(';').next().map(str::trim)
}

/// The body of a request that says it is JSON, or says nothing.
async fn json_body(request: Request<Body>) -> Result<Bytes, Failure> {
    if !matches!(media_type(request.headers()), None | Some("application/json")) {
        return Err(Failure::unsupported_media("application/json"));
    }
    whole_body(request).await
}

async fn whole_body(request: Request<Body>) -> Result<Bytes, Failure> {
    let body = axum::body::to_bytes(request.into_body(), LARGEST_BODY).await;
    body.map_err(|_| Failure::too_large())
}
