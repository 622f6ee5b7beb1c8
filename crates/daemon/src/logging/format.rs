//! The shape of a log line: `2026/11/22 21:32:29 INFO message key=value key="two words"`; or, if
//! wanted, `{"time":"2026-11-22T21:32:29.25Z","level":"INFO","msg":"message","key":"value"}`.
//!
//! It is what Go's `log/slog` writes by default and what people's parsers know. Values come from
//! other machines (an API server's errors, a Lease's holder): they are quoted where they could be
//! taken for something else, and cut where they are long.

use std::borrow::Cow;
use std::fmt::{self, Write};

use jiff::Timestamp;
use serde_json::Value;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use super::stderr::READY;
use crate::settings::config::LogFormat;

/// What the targets of this program's own lines begin with.
pub(super) const OWN: &str = "kube_vip";

/// So much of one value is written, in bytes.
const VALUE: usize = 600;

/// So much of a line, without its end: what stderr takes at once.
const LINE: usize = READY - 1;

/// Formats one event as one line.
pub(super) struct Line {
    pub(super) time: fn() -> Timestamp,
    pub(super) format: LogFormat,
}

impl<S, N> FormatEvent<S, N> for Line
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        if self.format == LogFormat::Json {
            return writeln!(writer, "{}", json((self.time)(), event));
        }
        let time = (self.time)().strftime("%Y/%m/%d %H:%M:%S");
        let mut fields = Fields::default();
        event.record(&mut fields);
        let metadata = event.metadata();
        if !metadata.target().starts_with(OWN) {
            fields.pair("source", metadata.target());
        }
        let (message, pairs) = (fields.message, fields.pairs);
        let mut line = format!("{time} {} {message}{pairs}", metadata.level());
        line.truncate(line.floor_char_boundary(LINE));
        writeln!(writer, "{line}")
    }
}

/// The keys of Go's `slog.JSONHandler`, in its order, then the event's own.
fn json(time: Timestamp, event: &Event<'_>) -> Object {
    let metadata = event.metadata();
    let mut object = Object::default();
    object.put("time", time.to_string());
    object.put("level", metadata.level().to_string());
    // In this place whenever it is recorded.
    object.put("msg", String::new());
    if !metadata.target().starts_with(OWN) {
        object.put("source", metadata.target());
    }
    event.record(&mut object);
    // Half an object would be none. Escapes make values longer, and there may be several.
    let mut most = VALUE;
    while object.to_string().len() > LINE && most > 0 {
        most /= 2;
        object.shorten(most);
    }
    object
}

/// What is told in the place of lines that were lost.
pub(super) fn lost(format: LogFormat, time: Timestamp, lines: u64) -> String {
    if format == LogFormat::Text {
        return format!("({lines} log lines were lost: nobody read stderr)\n");
    }
    let mut object = Object::default();
    object.put("time", time.to_string());
    object.put("level", "WARN");
    object.put("msg", "log lines were lost: nobody read stderr");
    object.put("lines", lines);
    format!("{object}\n")
}

/// One JSON object on one line, its keys in the order in which they came.
#[derive(Default)]
struct Object(Vec<(&'static str, Value)>);

impl Object {
    fn put(&mut self, key: &'static str, value: impl Into<Value>) {
        self.0.push((key, value.into()));
    }

    /// Leaves at most so many bytes of each text.
    fn shorten(&mut self, most: usize) {
        for (_, value) in &mut self.0 {
            if let Value::String(text) = value {
                *text = cut(text, most).into_owned();
            }
        }
    }

    fn add(&mut self, field: &Field, value: impl Into<Value>) {
        let message = field.name() == "message";
        match self.0.iter_mut().find(|(key, _)| message && *key == "msg") {
            Some((_, known)) => *known = value.into(),
            None => self.put(field.name(), value),
        }
    }
}

impl Visit for Object {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, cut(value, VALUE));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.add(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.add(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.add(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.add(field, cut(&format!("{value:?}"), VALUE));
    }
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (key, value)) in self.0.iter().enumerate() {
            let before = if index == 0 { '{' } else { ',' };
            write!(f, "{before}{}:{value}", Value::from(*key))?;
        }
        f.write_char('}')
    }
}

#[derive(Default)]
struct Fields {
    message: String,
    pairs: String,
}

impl Fields {
    fn add(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            self.message = escaped(&cut(value, VALUE));
        } else {
            self.pair(field.name(), value);
        }
    }

    fn pair(&mut self, key: &str, value: &str) {
        let value = cut(value, VALUE);
        // Writing to a String cannot fail.
        let _ = if needs_quotes(&value) {
            write!(self.pairs, " {key}=\"{}\"", quoted(&value))
        } else {
            write!(self.pairs, " {key}={value}")
        };
    }
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.add(field, &format!("{value:?}"));
    }
}

/// At most so many bytes of a value, and a mark where it was cut.
fn cut(value: &str, most: usize) -> Cow<'_, str> {
    if value.len() <= most {
        Cow::Borrowed(value)
    } else {
        let kept = &value[..value.floor_char_boundary(most)];
        Cow::Owned(format!("{kept}…"))
    }
}

/// The conditions of `needsQuoting` in Go's log/slog/text_handler.go.
fn needs_quotes(value: &str) -> bool {
    let odd = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '"' | '=' | '\\');
    value.is_empty() || value.contains(odd)
}

/// Control characters as escapes, so that no value can begin a line of its own.
fn escaped(text: &str) -> String {
    text.chars().fold(String::new(), |mut line, c| {
        if c.is_control() {
            line.extend(c.escape_default());
        } else {
            line.push(c);
        }
        line
    })
}

/// As [`escaped`], and what would end the quotation as well.
fn quoted(text: &str) -> String {
    escaped(&text.replace('\\', "\\\\").replace('"', "\\\""))
}
