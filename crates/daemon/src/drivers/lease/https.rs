//! Requests to HTTPS servers that are no API server, such as a registry of images: they prove who
//! they are to authorities that are given, and nobody is presented to them.

use std::sync::Arc;
use std::time::Duration;

use http::header::{HOST, USER_AGENT};
use http::{HeaderMap, HeaderName, Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Bytes;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::lookup_host;
use tokio::time::timeout;

use super::client::AGENT;
use super::connection::{Connection, chain};
use super::tls::{self, Trust};

/// What one request may take.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// The longest answer that is read, in bytes.
const LONGEST: usize = 256 << 10;

/// The port of HTTPS.
const PORT: u16 = 443;

/// An answer.
#[derive(Clone, Debug)]
pub struct Reply {
    /// Its status.
    pub status: StatusCode,
    /// Its header fields.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
}

/// Somebody who asks.
#[derive(Debug)]
pub struct Https(Arc<ClientConfig>);

impl Https {
    /// One that trusts these authorities, certificates in PEM.
    ///
    /// # Errors
    /// If there is none among them; the text is for people.
    pub fn trusting(pem: &[u8]) -> Result<Self, String> {
        let config = tls::client(&Trust::Roots(pem), None).map_err(|error| error.to_string())?;
        Ok(Self(Arc::new(config)))
    }

    /// Sends a request without a body to that URL.
    ///
    /// # Errors
    /// If there is no answer, or the URL is none of HTTPS; the text is for people.
    pub async fn ask(
        &self,
        method: Method,
        url: &str,
        headers: &[(HeaderName, &str)],
    ) -> Result<Reply, String> {
        let uri: Uri = url.parse().map_err(|error| format!("{url}: {error}"))?;
        let (Some("https"), Some(host)) = (uri.scheme_str(), uri.host()) else {
            return Err(format!("{url} is no URL of HTTPS"));
        };
        let answer = timeout(PATIENCE, self.exchange((method, &uri, host), headers)).await;
        answer.unwrap_or_else(|_| Err(format!("no answer within {PATIENCE:?}")))
    }

    async fn exchange(
        &self,
        (method, uri, host): (Method, &Uri, &str),
        headers: &[(HeaderName, &str)],
    ) -> Result<Reply, String> {
        // An address of IPv6 stands in brackets there, and nowhere else.
        let bare = host.trim_matches(['[', ']']).to_owned();
        let found = lookup_host((bare.as_str(), uri.port_u16().unwrap_or(PORT))).await;
        let found: Vec<_> = found.map_err(|error| format!("{host}: {error}"))?.collect();
        let name = ServerName::try_from(bare).map_err(|error| format!("{host}: {error}"))?;
        let connection = Connection::open(&found, Some(&(Arc::clone(&self.0), name))).await;
        let mut connection = connection.map_err(|error| error.to_string())?;
        let mut request = Request::builder()
            .method(method)
            .uri(uri.path_and_query().map_or("/", |path| path.as_str()))
            .header(HOST, uri.authority().map_or(host, |authority| authority.as_str()))
            .header(USER_AGENT, AGENT);
        for (field, value) in headers {
            request = request.header(field, *value);
        }
        let request = request.body(Full::<Bytes>::default()).map_err(|error| error.to_string())?;
        let response = connection.send(request).await.map_err(|error| chain(&error))?;
        let (head, body) = response.into_parts();
        let body = Limited::new(body, LONGEST).collect().await;
        let body = body.map_err(|error| chain(error.as_ref()))?.to_bytes();
        Ok(Reply { status: head.status, headers: head.headers, body })
    }
}
