//! From what should be true to what is to be done.

use std::time::Duration;

use crate::desired::{Desired, may_stay};
use crate::event::{Effect, Held, Voice};
use crate::facts::{Applied, Facts};
use crate::moment::Moment;
use crate::plan::Plan;
use crate::status::Notice;

/// What the kernel may be late with when it removes an address whose lifetime has ended (measured:
/// 0.01 to 0.4 s on Linux 6.18).
const KERNEL_IS_LATE: Duration = Duration::from_millis(500);

/// What may pass until the kernel is asked.
const ORDERED: Duration = Duration::from_millis(200);

/// The valid lifetime to give an address now, in whole seconds, so that the kernel removes it
/// before the term ends even if nobody renews it; none: the rest of the term is too short for the
/// kernel, which refuses a lifetime of zero.
#[must_use]
pub fn address_lifetime(until: Moment, now: Moment) -> Option<Duration> {
    let seconds = until.since(now).saturating_sub(KERNEL_IS_LATE).as_secs();
    (seconds > 0).then(|| Duration::from_secs(seconds))
}

/// What is to be done so that the host becomes as desired. Doing it twice is harmless.
pub fn changes(plan: &Plan, desired: Desired, facts: &mut Facts, now: Moment) -> Vec<Effect> {
    let mut effects = removals(plan, desired, facts, now);
    if let Desired::Here { until, voice } = desired {
        effects.extend(additions(plan, (until, voice), facts, now));
    } else {
        facts.forget_absent();
    }
    effects
}

/// No address of the plan is on this host, as far as the kernel was looked at, and none is about to
/// come.
#[must_use]
pub fn settled(facts: &Facts) -> bool {
    facts.is_known() && facts.held().next().is_none() && !facts.is_busy()
}

fn additions(
    plan: &Plan,
    (until, voice): (Moment, Voice),
    facts: &mut Facts,
    now: Moment,
) -> Vec<Effect> {
    let mut effects = Vec::new();
    for vip in plan.vips.iter() {
        let address = vip.address();
        let given = facts.given(address);
        let renewed = given.is_none_or(|given| given.until < until);
        let Some(lifetime) = address_lifetime(until, now) else {
            continue;
        };
        let hold = Effect::Hold { vip, until, voice };
        let wanted = renewed || !facts.has(plan, vip) || !facts.speaks(vip, voice);
        if wanted && !facts.is_told(&hold) && !facts.is_paused(&hold, now) {
            // A whole second may fall between now and the system call.
            let expires = address_lifetime(until, now + ORDERED).unwrap_or(lifetime);
            facts.applied(address, Applied { until, expires: now + expires });
            facts.tell(&hold);
            effects.push(hold);
        }
    }
    effects
}

fn removals(plan: &Plan, desired: Desired, facts: &mut Facts, now: Moment) -> Vec<Effect> {
    let stays = |held: &Held| match desired {
        Desired::Here { .. } => {
            held.link == plan.link && plan.vips.iter().any(|vip| vip == held.vip)
        }
        Desired::AsFound => may_stay(held, plan.lease.timings.duration()),
        Desired::NotHere => false,
    };
    let gone: Vec<Held> = facts.held().filter(|held| !stays(held)).cloned().collect();
    let mut effects = Vec::new();
    for held in gone {
        let drop = Effect::Drop(held.clone());
        if facts.is_told(&drop) || facts.is_paused(&drop, now) {
            continue;
        }
        facts.tell(&drop);
        if facts.given(held.vip.address()).is_none() && !facts.was_refused(&drop, now) {
            effects.push(Effect::Tell(Notice::Leftover(held)));
        }
        effects.push(drop);
    }
    effects
}

#[cfg(test)]
mod tests;
