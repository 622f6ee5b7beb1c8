//! Log lines on stderr: one for each change of state, in the shape of kube-vip's own.

mod format;
mod notice;
mod stderr;

pub(crate) use notice::span;
pub use notice::tell;
pub use stderr::Stderr;

use jiff::Timestamp;
use tracing::level_filters::LevelFilter;
use tracing::{Subscriber, subscriber, warn};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;

use crate::settings::config::{Config, LogFormat, LogLevel, Warning};

/// The target of what is odd about the settings: shown at every level, because one of the odd
/// things is a level that shows nothing.
const SETTINGS: &str = "kube_vip::settings";

/// Which lines, and in which form.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wanted {
    /// The lowest level.
    pub level: LogLevel,
    /// The form.
    pub format: LogFormat,
}

impl From<LogLevel> for Wanted {
    /// As text.
    fn from(level: LogLevel) -> Self {
        Self { level, format: LogFormat::Text }
    }
}

impl From<&Config> for Wanted {
    fn from(config: &Config) -> Self {
        Self { level: config.log_level, format: config.log_format }
    }
}

/// Sends the lines of the whole process to stderr. To be called once, before anything is logged;
/// a second call changes nothing.
pub fn init(wanted: Wanted) {
    let lines = lines(wanted, move || Stderr::new(wanted.format), Timestamp::now);
    // An error says that this was called before: whoever came first decides.
    let _ = subscriber::set_global_default(lines);
}

/// Tells what is odd about the settings, one line each, whatever the level.
pub fn odd_settings(warnings: &[Warning]) {
    for Warning { setting, text } in warnings {
        warn!(target: SETTINGS, setting, "{text}");
    }
}

/// Writes lines of the wanted level and above to `writer`, each with the time of day that `time`
/// tells.
///
/// Other crates (kube, hyper, rustls) speak from warnings up, and from information up while this
/// program's own level is debug: below that they would repeat what goes over the wire.
pub fn lines<W>(wanted: impl Into<Wanted>, writer: W, time: fn() -> Timestamp) -> impl Subscriber
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let Wanted { level, format } = wanted.into();
    let own = level.filter();
    let others =
        if own >= LevelFilter::DEBUG { LevelFilter::INFO } else { own.min(LevelFilter::WARN) };
    let targets = Targets::new()
        .with_default(others)
        .with_target(format::OWN, own)
        .with_target(SETTINGS, own.max(LevelFilter::WARN));
    let layer = tracing_subscriber::fmt::layer()
        .event_format(format::Line { time, format })
        .with_writer(writer)
        // Its way of telling that a line was not written panics where stderr is closed.
        .log_internal_errors(false)
        .with_filter(targets);
    tracing_subscriber::registry().with(layer)
}

#[cfg(test)]
mod tests;
