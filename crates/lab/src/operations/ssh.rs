//! sshd on the nodes and the front, with keys made for this run, and the workstation's side of it.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::{OperationsError, PATH, standin};
use crate::cluster::layout::HOME;
use crate::net::{Host, Process};

/// sshd listens within this time, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// Starts sshd on each of these hosts; only the workstation's root may come in, as root.
pub(super) fn start(operations: &super::Operations) -> Result<Vec<Process>, OperationsError> {
    let keygen = operations.tools.join("ssh-keygen");
    let (_, workstation) = operations.workstation();
    let own = workstation.outside(HOME).join(".ssh");
    key(&keygen, &own.join("id_ed25519"))?;
    let public = read(&own.join("id_ed25519.pub"))?;
    let mut known = String::new();
    let mut daemons = Vec::new();
    for (host, layout) in operations.reachable() {
        let host_key = layout.outside("/etc/ssh/ssh_host_ed25519_key");
        key(&keygen, &host_key)?;
        let address = host.address().unwrap_or(Ipv4Addr::UNSPECIFIED);
        let host_public = read(&host_key.with_extension("pub"))?;
        known.push_str(&format!("{},{address} {host_public}", host.name()));
        let files = [
            ("/etc/ssh/authorized_keys", public.clone()),
            ("/etc/ssh/sshd_config", configuration()),
            ("/run/sshd/.keep", String::new()),
        ];
        for (path, text) in files {
            let written = layout.write(path, &text);
            written.map_err(OperationsError::machine(format!("write {path}")))?;
        }
        let log = fs::File::create(layout.beside("sshd.log"));
        let log = log.map_err(OperationsError::machine("write sshd.log"))?;
        let mut command = Command::new(operations.tools.join("sshd"));
        command.args(["-D", "-e", "-f", "/etc/ssh/sshd_config"]).env_clear().env("PATH", PATH);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        daemons.push(host.spawn(command)?);
    }
    for (host, _) in operations.reachable() {
        listens(host)?;
    }
    let path = own.join("known_hosts");
    fs::write(&path, known).map_err(OperationsError::machine("write known_hosts"))?;
    Ok(daemons)
}

/// Waits until sshd on a host accepts connections.
fn listens(host: &Host) -> Result<(), OperationsError> {
    let place = SocketAddr::from((Ipv4Addr::LOCALHOST, 22));
    let until = Instant::now() + PATIENCE;
    loop {
        match host.run(|| TcpStream::connect(place))? {
            Ok(_) => return Ok(()),
            Err(error) if Instant::now() > until => {
                let step = format!("reach sshd on {}", host.name());
                return Err(OperationsError::machine(step)(error));
            }
            Err(_) => thread::sleep(Duration::from_millis(20)),
        }
    }
}

fn configuration() -> String {
    format!(
        "ListenAddress 0.0.0.0\n\
         HostKey /etc/ssh/ssh_host_ed25519_key\n\
         AuthorizedKeysFile /etc/ssh/authorized_keys\n\
         PasswordAuthentication no\n\
         KbdInteractiveAuthentication no\n\
         PermitRootLogin prohibit-password\n\
         UsePAM no\n\
         StrictModes no\n\
         PidFile none\n\
         Subsystem sftp internal-sftp\n\
         SetEnv PATH={}:{PATH} LC_ALL=C.UTF-8\n",
        standin::PROGRAMS,
    )
}

/// Makes a key pair.
fn key(keygen: &Path, path: &Path) -> Result<(), OperationsError> {
    let made = fs::create_dir_all(path.parent().unwrap_or(path));
    made.map_err(OperationsError::machine("make a directory for keys"))?;
    let mut command = Command::new(keygen);
    command.args(["-q", "-t", "ed25519", "-N", "", "-C", "lab", "-f"]).arg(path);
    let output = command.output().map_err(OperationsError::machine("run ssh-keygen"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(OperationsError::Failed {
        command: "ssh-keygen".to_owned(),
        how: output.status.to_string(),
        said: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}

fn read(path: &PathBuf) -> Result<String, OperationsError> {
    fs::read_to_string(path).map_err(OperationsError::machine(format!("read {}", path.display())))
}
