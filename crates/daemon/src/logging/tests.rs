//! Lines as they come out.

use std::io::{self, Read, Write, pipe};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};

use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use serde_json::{Value, json};
use tracing::{debug, error, info, warn};

use super::stderr::READY;
use super::*;

#[derive(Clone, Default)]
struct Buffer(Arc<Mutex<Vec<u8>>>);

impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What `say` writes at a level of `log/slog`.
fn written(level: impl Into<Wanted>, say: impl FnOnce()) -> String {
    let buffer = Buffer::default();
    let writer = buffer.clone();
    let time = || Timestamp::from_second(1_795_383_149).expect("a timestamp");
    let lines = lines(level, move || writer.clone(), time);
    subscriber::with_default(lines, say);
    let bytes = buffer.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
    String::from_utf8(bytes).expect("lines are UTF-8")
}

#[test]
fn a_line_has_the_shape_of_slog() {
    let line = written(LogLevel(0), || info!(count = 3, name = "two words", "a message"));
    let want = "2026/11/22 21:32:29 INFO a message count=3 name=\"two words\"\n";
    assert_eq!(line, want);
}

#[test]
fn values_are_quoted_where_slog_quotes_them() {
    let value = |text: &str| {
        let line = written(LogLevel(0), || info!(value = text, "m"));
        line.trim_end().split_once(" m value=").expect("the message").1.to_owned()
    };
    assert_eq!(value("plain-1.2/3:4"), "plain-1.2/3:4");
    assert_eq!(value(""), "\"\"");
    assert_eq!(value("a=b"), "\"a=b\"");
    assert_eq!(value("say \"hi\""), "\"say \\\"hi\\\"\"");
    assert_eq!(value("Zürich"), "Zürich");
}

#[test]
fn a_json_line_is_one_object_with_the_keys_of_slog() {
    let wanted = Wanted { level: LogLevel(0), format: LogFormat::Json };
    let say = || {
        warn!(count = 3, good = true, cause = "a\n\"b\"\u{1b}", "a message");
        warn!(target: "hyper", "theirs");
    };
    let text = written(wanted, say);
    let want = concat!(
        r#"{"time":"2026-11-22T21:32:29Z","level":"WARN","msg":"a message","count":3,"#,
        r#""good":true,"cause":"a\n\"b\"\u001b"}"#,
        "\n",
        r#"{"time":"2026-11-22T21:32:29Z","level":"WARN","msg":"theirs","source":"hyper"}"#,
        "\n",
    );
    assert_eq!(text, want);
}

#[test]
fn no_value_begins_a_line_of_its_own() {
    let forged = "x\n2026/11/22 21:32:29 ERROR forged \u{1b}[31m";
    let text = written(LogLevel(0), || {
        warn!(cause = forged, "m");
        warn!("{forged}");
    });
    assert_eq!(text.lines().count(), 2, "{text}");
    assert!(!text.contains('\u{1b}'), "{text}");
    assert!(text.contains("cause=\"x\\n2026"), "{text}");
}

#[test]
fn a_long_value_is_cut() {
    let line = written(LogLevel(0), || warn!(cause = "ä".repeat(100_000), "m"));
    assert!(line.len() < 1000, "{}", line.len());
    assert!(line.contains("ä…"), "{line}");
}

#[test]
fn a_line_of_long_values_is_cut_to_what_stderr_takes_at_once() {
    let (odd, message) = ("\u{1b}".repeat(600), "ä".repeat(300));
    let odd = odd.as_str();
    let say = || warn!(a = odd, b = odd, c = odd, d = odd, "{message}");
    let line = written(Wanted { level: LogLevel(0), format: LogFormat::Json }, say);
    assert!(line.len() <= READY, "{}", line.len());
    let object: Value = serde_json::from_str(&line).expect("a whole object");
    assert_eq!(
        (&object["level"], &object["time"]),
        (&json!("WARN"), &json!("2026-11-22T21:32:29Z"))
    );
    assert!(object["d"].as_str().is_some_and(|d| d.ends_with("\u{1b}…")), "{line}");

    let line = written(LogLevel(0), say);
    assert_eq!((line.len(), line.lines().count()), (READY, 1), "{line}");
}

#[test]
fn levels_are_those_of_slog() {
    let all = || {
        debug!("debug");
        info!("info");
        warn!("warn");
        error!("error");
    };
    let words = |level| written(LogLevel(level), all).lines().count();
    assert_eq!((words(-4), words(0), words(4), words(8)), (4, 3, 2, 1));
}

#[test]
fn others_speak_when_something_is_wrong() {
    let say = || {
        debug!(target: "kube_client::client", "debug");
        info!(target: "kube_client::client", "info");
        warn!(target: "kube_client::client", "warn");
    };
    let line = written(LogLevel(0), say);
    let want = "2026/11/22 21:32:29 WARN warn source=kube_client::client\n";
    assert_eq!(line, want);
    assert_eq!(written(LogLevel(-4), say).lines().count(), 2);
    assert_eq!(written(LogLevel(8), say), "");
}

#[test]
fn odd_settings_are_told_at_every_level() {
    let warning = Warning {
        setting: "vip_loglevel".to_owned(),
        text: "greater numbers mean fewer lines".to_owned(),
    };
    let line = written(LogLevel(12), || odd_settings(&[warning]));
    let want = "2026/11/22 21:32:29 WARN greater numbers mean fewer lines setting=vip_loglevel\n";
    assert_eq!(line, want);
}

#[test]
fn a_pipe_that_nobody_reads_keeps_nobody_waiting() {
    static LOST: [AtomicU64; 2] = [const { AtomicU64::new(0) }; 2];
    for (format, lost) in [LogFormat::Text, LogFormat::Json].into_iter().zip(&LOST) {
        nobody_reads(format, lost);
    }
}

fn nobody_reads(format: LogFormat, lost: &'static AtomicU64) {
    let (mut reader, writer) = pipe().expect("a pipe");
    let mut stderr = Stderr::to(writer, format, lost);
    // More than a pipe holds: a writer that waits would never come out of this loop.
    for _ in 0..2_000 {
        stderr.write_all(&[b'x'; 100]).expect("it never fails");
    }
    let flags = fcntl_getfl(&reader).expect("an open file");
    fcntl_setfl(&reader, flags | OFlags::NONBLOCK).expect("an open file");
    // Its writer is still open: the end is what would block.
    let mut held = Vec::new();
    assert!(reader.read_to_end(&mut held).is_err());
    assert!(held.len() < 200_000);
    stderr.write_all(b"again\n").expect("it never fails");
    let mut rest = Vec::new();
    assert!(reader.read_to_end(&mut rest).is_err());
    let lost = 2_000 - held.len() / 100;
    let rest = String::from_utf8_lossy(&rest);
    let note = rest.strip_suffix("\nagain\n").expect("one line before the next");
    if format == LogFormat::Text {
        assert_eq!(note, format!("({lost} log lines were lost: nobody read stderr)"));
        return;
    }
    let note: Value = serde_json::from_str(note).expect("one object");
    assert_eq!((&note["level"], &note["lines"]), (&json!("WARN"), &json!(lost)));
    assert_eq!(note["msg"], "log lines were lost: nobody read stderr");
    assert!(note["time"].as_str().is_some_and(|time| time.ends_with('Z')), "{note}");
}

#[test]
fn a_reader_that_is_gone_is_no_error() {
    static LOST: AtomicU64 = AtomicU64::new(0);
    let (reader, writer) = pipe().expect("a pipe");
    drop(reader);
    let mut stderr = Stderr::to(writer, LogFormat::Text, &LOST);
    stderr.write_all(b"line\n").expect("it never fails");
}
