//! What the settings say about health, preference and holding on.

use std::path::PathBuf;

use kube_vip_core::plan::{Conduct, HealthPlan};

use super::Check;
use crate::settings::config::HealthCheck;
use crate::settings::definitions::conduct::{HEALTH_ADDRESS, HEALTH_CA_PATH, HEALTH_TIMEOUT};
use crate::settings::parse;

impl Check<'_> {
    pub(super) fn conduct(&mut self) -> Conduct {
        let values = self.values();
        let (period, mut timeout) = (values.health_period, values.health_timeout);
        let conduct = Conduct {
            health: HealthPlan {
                period,
                timeout,
                fall: values.health_fall,
                ..HealthPlan::default()
            },
            hold_on_api_loss: values.hold_on_api_loss,
            priority: values.priority,
            fail_back: values.fail_back,
        };
        if timeout > period {
            timeout = period;
            let text = format!(
                "longer than control_plane_health_check_period_seconds, which is {}; {} is used",
                period.as_secs(),
                timeout.as_secs()
            );
            self.warn(&HEALTH_TIMEOUT, text);
        }
        Conduct { health: HealthPlan { timeout, ..conduct.health }, ..conduct }
    }

    pub(super) fn health_check(&mut self) -> HealthCheck {
        let values = self.values();
        let given = |text: &String| (!text.is_empty()).then(|| text.clone());
        let check = HealthCheck {
            url: given(&values.health_url),
            authority: given(&values.health_ca_path).map(PathBuf::from),
        };
        match &check.url {
            Some(url) => {
                let right = "a URL such as https://127.0.0.1:6443/readyz";
                if let Err(wrong) = parse::url(url, right) {
                    self.problem(&HEALTH_ADDRESS, wrong);
                } else if check.authority.is_some() && !url.starts_with("https") {
                    self.warn(&HEALTH_CA_PATH, "it has no effect: the URL is not of https");
                }
            }
            None if check.authority.is_some() => {
                let text = "it has no effect without control_plane_health_check_address";
                self.warn(&HEALTH_CA_PATH, text);
            }
            None => {}
        }
        check
    }
}
