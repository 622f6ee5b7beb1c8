//! The lines of an answer that has no end.

use http_body_util::BodyExt;
use hyper::body::Incoming;
use thiserror::Error;

use crate::drivers::lease::connection::chain;

/// The longest line, in bytes.
const LONGEST: usize = 2 << 20;

/// Why there is no next line.
#[derive(Debug, Error)]
pub(crate) enum LinesError {
    #[error("{}", chain(.0))]
    Http(#[from] hyper::Error),
    #[error("a line is longer than 2 MiB")]
    Long,
}

/// The lines of a body.
pub(super) struct Lines {
    body: Incoming,
    buffer: Vec<u8>,
}

impl Lines {
    pub(super) fn new(body: Incoming) -> Self {
        Self { body, buffer: Vec::new() }
    }

    /// The next line without its end; none: the body has ended. An unfinished last line is dropped.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<u8>>, LinesError> {
        loop {
            if let Some(end) = self.buffer.iter().position(|byte| *byte == b'\n') {
                let rest = self.buffer.split_off(end + 1);
                let mut line = std::mem::replace(&mut self.buffer, rest);
                line.truncate(end);
                if line.trim_ascii().is_empty() {
                    continue;
                }
                return Ok(Some(line));
            }
            if self.buffer.len() > LONGEST {
                return Err(LinesError::Long);
            }
            match self.body.frame().await {
                None => return Ok(None),
                Some(frame) => {
                    if let Some(data) = frame?.data_ref() {
                        self.buffer.extend_from_slice(data);
                    }
                }
            }
        }
    }
}
