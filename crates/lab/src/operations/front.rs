//! The front: HAProxy on an address of another network, through which the API is reached before
//! there is a virtual one.

use std::fmt::Write as _;
use std::process::{Command, Stdio};
use std::time::Duration;

use super::{FRONT, FRONT_HOST, Operations, OperationsError, PATH, standin};
use crate::stage::PORT;

const CONFIGURATION: &str = "/etc/haproxy/haproxy.cfg";

/// How long HAProxy may take to end.
const GRACE: Duration = Duration::from_secs(5);

impl Operations {
    /// Starts HAProxy on the front.
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn start_front(&mut self) -> Result<(), OperationsError> {
        let mut servers = String::new();
        for node in 0..self.cluster.size() {
            let machine = self.cluster.machine(node);
            // Writing to a String cannot fail.
            let _ = writeln!(servers, "  server {} {}:{PORT}", machine.name(), machine.address());
        }
        let (front, layout) = self.cluster.beside(FRONT_HOST);
        let written = layout.write(CONFIGURATION, &configuration(&servers));
        written.map_err(OperationsError::machine("write haproxy.cfg"))?;
        let log = std::fs::File::create(layout.beside("haproxy.log"));
        let log = log.map_err(OperationsError::machine("write haproxy.log"))?;
        let mut command = Command::new(self.tools.join("haproxy"));
        command.args(["-db", "-f", CONFIGURATION]).env_clear().env("PATH", PATH);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        self.front = Some(front.spawn(command)?);
        standin::activate(self.cluster.beside(FRONT_HOST).1, true)
    }

    /// Does what `systemctl start haproxy` and `stop` on the front asked for. The address goes and
    /// comes with HAProxy.
    pub(super) fn attend_to_the_front(&mut self) -> Result<(), OperationsError> {
        for order in standin::orders(self.cluster.beside(FRONT_HOST).1) {
            let answer = match (order.verb.as_str(), self.front.is_some()) {
                ("stop", true) => self.remove_front(),
                ("start", false) => self.lead_to_the_front().and_then(|()| self.start_front()),
                ("start" | "stop", _) => Ok(()),
                (verb, _) => Err(OperationsError::machine(format!("{verb} HAProxy"))(
                    std::io::Error::other("the lab starts and stops it only"),
                )),
            };
            let active = self.front.is_some();
            standin::activate(self.cluster.beside(FRONT_HOST).1, active)?;
            order.answer(answer.map_err(|error| error.to_string()))?;
        }
        Ok(())
    }

    /// Ends HAProxy on the front, and takes its address away.
    ///
    /// # Errors
    /// If it cannot be told, or the address was not there.
    fn remove_front(&mut self) -> Result<(), OperationsError> {
        if let Some(mut haproxy) = self.front.take() {
            haproxy.terminate()?;
            haproxy.wait(GRACE)?;
        }
        let (front, _) = self.cluster.beside(FRONT_HOST);
        self.ip(front, &["address", "del", &format!("{FRONT}/32"), "dev", front.interface()])
    }
}

/// TCP through to whichever API server accepts connections. One that goes away takes its
/// connections along, and who connects meanwhile is sent to another one.
fn configuration(servers: &str) -> String {
    format!(
        "global\n  maxconn 200\n\
         defaults\n  mode tcp\n  timeout connect 1s\n  timeout client 10m\n  timeout server 10m\n  \
         timeout check 500ms\n  option redispatch 1\n  retries 5\n\
         listen api\n  bind {FRONT}:{PORT}\n  balance roundrobin\n  \
         default-server check inter 200ms fall 1 rise 2 on-marked-down shutdown-sessions\n{servers}"
    )
}
