//! Whether the node's container runtime has an image: asked by CRI (`runtime.v1.ImageService`), the
//! kubelet's own way.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use http::{Method, Request};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use thiserror::Error;
use tokio::net::UnixStream;
use tokio::time::timeout;

#[cfg(test)]
mod tests;

/// Where runtimes listen: k3s and RKE2, containerd, CRI-O.
const SOCKETS: [&str; 3] =
    ["run/k3s/containerd/containerd.sock", "run/containerd/containerd.sock", "run/crio/crio.sock"];

/// What a question may take.
const PATIENCE: Duration = Duration::from_secs(3);

/// Why a runtime did not answer.
#[derive(Debug, Error)]
enum RuntimeError {
    #[error("{0}")]
    Socket(#[from] io::Error),
    #[error("{0}")]
    Http(#[from] hyper::Error),
    #[error("{0}")]
    Request(#[from] http::Error),
    #[error("no answer within {PATIENCE:?}")]
    Slow,
    #[error("it answers {0}")]
    Refused(String),
}

/// Whether the node's runtime has an image; where it listens, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Presence {
    There(String),
    Absent(String),
    /// No runtime that is known listens here.
    NoRuntime,
}

/// Asks the runtime of the host with that root.
///
/// # Errors
/// If it does not say: what it said, and what to do.
pub(super) async fn presence(root: &Path, image: &str) -> Result<Presence, (String, &'static str)> {
    let found = SOCKETS.iter().map(|path| root.join(path)).find(|path| path.exists());
    let Some(socket) = found else { return Ok(Presence::NoRuntime) };
    told(&socket, has(&socket, image).await)
}

fn told(
    socket: &Path,
    has: Result<bool, RuntimeError>,
) -> Result<Presence, (String, &'static str)> {
    let at = socket.display().to_string();
    match has {
        Ok(true) => Ok(Presence::There(at)),
        Ok(false) => Ok(Presence::Absent(at)),
        Err(RuntimeError::Socket(error)) if error.kind() == io::ErrorKind::PermissionDenied => {
            Err((format!("{at}: {error}"), "run it as root"))
        }
        Err(error) => Err((format!("{at}: {error}"), "crictl images")),
    }
}

/// Asks `ImageStatus` (k8s.io/cri-api, `api.proto`).
async fn has(socket: &PathBuf, image: &str) -> Result<bool, RuntimeError> {
    let question = timeout(PATIENCE, ask(socket, image));
    let answer = question.await.map_err(|_| RuntimeError::Slow)??;
    // `ImageStatusResponse`: field 1 is the image, and absent where there is none.
    Ok(answer.get(HEADER).is_some_and(|first| *first == field(1)))
}

async fn ask(socket: &PathBuf, image: &str) -> Result<Bytes, RuntimeError> {
    let stream = TokioIo::new(UnixStream::connect(socket).await?);
    let (mut sender, connection) = http2::handshake(TokioExecutor::new(), stream).await?;
    let driver = tokio::spawn(async move { drop(connection.await) });
    let request = Request::builder()
        .method(Method::POST)
        .uri("http://localhost/runtime.v1.ImageService/ImageStatus")
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(Full::new(Bytes::from(message(image))))?;
    let response = sender.send_request(request).await?;
    let at_once = response.headers().get("grpc-status").cloned();
    let body = response.into_body().collect().await?;
    let trailer = body.trailers().and_then(|trailers| trailers.get("grpc-status").cloned());
    driver.abort();
    match at_once.or(trailer) {
        Some(status) if status != "0" => {
            let status = status.to_str().unwrap_or("nonsense").to_owned();
            Err(RuntimeError::Refused(format!("grpc-status {status}")))
        }
        _ => Ok(body.to_bytes()),
    }
}

/// What stands before a message: whether it is compressed, and its length in four bytes.
const HEADER: usize = 5;

/// The tag of a field with a length (protobuf's encoding).
const fn field(number: u8) -> u8 {
    number << 3 | 2
}

/// `ImageStatusRequest { image: ImageSpec { image } }` in gRPC's frame.
fn message(image: &str) -> Vec<u8> {
    let spec = delimited(image.as_bytes());
    let request = delimited(&spec);
    let length = u32::try_from(request.len()).expect("an image's name is short");
    let mut message = vec![0];
    message.extend(length.to_be_bytes());
    message.extend(request);
    message
}

/// Field 1 with these bytes.
fn delimited(bytes: &[u8]) -> Vec<u8> {
    let mut all = vec![field(1)];
    let mut length = bytes.len();
    while length >= 0x80 {
        all.push(u8::try_from(length & 0x7f).expect("seven bits") | 0x80);
        length >>= 7;
    }
    all.push(u8::try_from(length).expect("seven bits"));
    all.extend(bytes);
    all
}
