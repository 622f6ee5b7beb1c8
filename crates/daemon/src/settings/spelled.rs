//! Settings as they are written down for another process.

use super::definition::{Definition, Kind};
use super::{Given, Settings, parse};

impl Settings {
    /// What was written for a setting; none: it has its default.
    pub(crate) fn given(&self, definition: &Definition) -> Option<&Given> {
        self.given.get(definition.name())
    }

    /// The value that was written for a setting, in the spelling to write it in; none: nothing
    /// was.
    pub(crate) fn written(&self, definition: &Definition) -> Option<String> {
        let text = &self.given(definition)?.text;
        let plain = match &definition.kind {
            Kind::Switch(_) => parse::switch(text).map(|on| on.to_string()),
            Kind::Number(bounds, _) => {
                parse::number(text, *bounds).map(|number| number.to_string())
            }
            Kind::Port(_) => parse::port(text).map(|port| port.to_string()),
            Kind::Text(..) | Kind::Choice(..) | Kind::Form(..) => Ok(text.clone()),
        };
        Some(plain.unwrap_or_else(|_| text.clone()))
    }
}
