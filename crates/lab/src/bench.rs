//! Measurements: each fault many times, one binary beside the other in the same run, with what the
//! daemons use at rest. Absolute times on a busy machine are noise: runs in which an untouched host
//! was disturbed as well are counted and left out.

mod figures;

use std::io::{self, Write};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use clap::ValueEnum;
use thiserror::Error;

use self::figures::{Bound, Figures, Rest};
use crate::interrupt::Interrupt;
use crate::stage::act::{
    API_FREEZE, API_KILL, Act, CUT, DEAF, DRAIN, FREEZE, KILL, MOVE, MUTE, OVERLOAD, SPLIT, STOP,
    STORE_FROZEN, UNPLUG, apis_frozen,
};
use crate::stage::{
    Audience, ControlPlaneKind, Reach, Stage, StageError, StageSpec, Take, perform,
};

/// How long API servers are frozen.
const MINUTE: Duration = Duration::from_secs(60);

/// What to measure.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// A daemon to measure; twice or more to compare: any program with kube-vip's interface
    #[arg(long, value_name = "PATH", required = true)]
    pub kube_vip: Vec<PathBuf>,
    /// How often each fault strikes each daemon; those that last long, less often
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub times: u32,
    /// Which faults; default: all
    #[arg(long, value_enum, value_delimiter = ',')]
    pub faults: Vec<FaultKind>,
    /// Lease duration, renew deadline and retry period in seconds
    #[arg(long, value_name = "D,R,P", default_value = "5,3,1", value_parser = seconds)]
    pub seconds: Seconds,
    /// The API servers: `embedded` in this program, or `real` (etcd and kube-apiserver)
    #[arg(long, value_enum, default_value = "embedded")]
    pub control_plane: ControlPlaneKind,
    /// The addresses that they keep, IPv4 on 192.168.20.0/24 and IPv6 on fd00:14::/64; the client
    /// uses the first
    #[arg(long, value_name = "ADDRESSES", value_delimiter = ',', default_value = "192.168.20.140")]
    pub addresses: Vec<IpAddr>,
    /// For how long to measure what the daemons use at rest, in seconds; 0: not at all
    #[arg(long, value_name = "S", default_value_t = 20)]
    pub rest: u64,
    /// Print each run as a timeline, to stderr
    #[arg(long)]
    pub timelines: bool,
    /// Keep the daemons' logs and kubeconfigs in this directory
    #[arg(long, value_name = "DIR")]
    pub keep: Option<PathBuf>,
}

/// Three times of an election.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seconds(pub [u32; 3]);

fn seconds(text: &str) -> Result<Seconds, String> {
    let parts: Result<Vec<u32>, _> = text.split(',').map(str::parse).collect();
    let parts = parts.map_err(|_| "three whole numbers, as in 5,3,1".to_owned())?;
    let three = <[u32; 3]>::try_from(parts).map_err(|_| "three numbers, as in 5,3,1".to_owned())?;
    Ok(Seconds(three))
}

/// A fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FaultKind {
    /// SIGTERM
    Stop,
    /// The Node is cordoned
    Drain,
    /// `kube-vip move`
    Move,
    /// SIGKILL
    Kill,
    /// SIGSTOP, later SIGCONT
    Freeze,
    /// The switch port passes nothing, later it does again
    Cut,
    /// The cable is pulled, and put back
    Unplug,
    /// The switch port passes nothing to the node
    Deaf,
    /// The switch port passes nothing of the node
    Mute,
    /// The segment falls into two, and is joined
    Split,
    /// The API server beside it is killed, and started again
    ApiKill,
    /// The API server beside it answers nothing, later it does again
    ApiFreeze,
    /// No API server answers for a minute
    ApisFreeze,
    /// etcd has no quorum for 20 s
    Store,
    /// Every processor is busy
    Overload,
}

impl FaultKind {
    /// How often it strikes if `times` are asked for: what takes a minute, less often.
    fn times(self, times: u32) -> u32 {
        match self {
            Self::ApisFreeze => times.min(1),
            Self::Store | Self::Overload => times.min(3),
            _ => times,
        }
    }

    /// The owner gives the address up because its API server is not well.
    const fn is_about_health(self) -> bool {
        matches!(self, Self::ApiKill | Self::ApiFreeze)
    }

    /// What it may cost, with a Lease of this duration.
    fn bound(self, lease: Duration) -> Bound {
        match self {
            Self::Stop | Self::Drain | Self::Move => Bound::HandOver,
            Self::Kill | Self::Cut | Self::Unplug | Self::Mute => Bound::Outage(lease),
            Self::Deaf => Bound::Alone,
            Self::Freeze => Bound::Silence(lease),
            Self::ApisFreeze | Self::Store | Self::Overload => Bound::Calm,
            Self::ApiKill => Bound::Refused,
            Self::ApiFreeze => Bound::Outage(lease),
            Self::Split => Bound::Meeting,
        }
    }

    const fn act(self) -> Act {
        match self {
            Self::Stop => STOP,
            Self::Drain => DRAIN,
            Self::Move => MOVE,
            Self::Kill => KILL,
            Self::Freeze => FREEZE,
            Self::Cut => CUT,
            Self::Unplug => UNPLUG,
            Self::Deaf => DEAF,
            Self::Mute => MUTE,
            Self::Split => SPLIT,
            Self::ApiKill => API_KILL,
            Self::ApiFreeze => API_FREEZE,
            Self::ApisFreeze => apis_frozen(MINUTE),
            Self::Store => STORE_FROZEN,
            Self::Overload => OVERLOAD,
        }
    }
}

/// Why there are no figures.
#[derive(Debug, Error)]
pub enum BenchError {
    /// No such program.
    #[error("{0} is not there")]
    NoDaemon(PathBuf),
    /// The stage.
    #[error(transparent)]
    Stage(#[from] StageError),
    /// Files or the terminal.
    #[error("cannot write: {0}")]
    Output(#[from] io::Error),
}

/// One program, with a cluster of its own.
struct Contender {
    name: String,
    stage: Stage,
}

/// Measures; whether every guarantee was kept. Progress goes to stderr, figures to stdout.
///
/// # Errors
/// If it cannot be measured.
pub fn cli(args: &Args, interrupt: &Interrupt) -> Result<bool, BenchError> {
    let scratch = tempfile::tempdir()?;
    let mut contenders = Vec::new();
    for (index, program) in args.kube_vip.iter().enumerate() {
        let directory = args.keep.as_deref().unwrap_or(scratch.path()).join(index.to_string());
        contenders.push(contender(program, &directory, args)?);
    }
    let mut rest = Vec::new();
    if args.rest > 0 {
        progress(&format!("at rest for {} s", args.rest))?;
        rest = at_rest(&contenders, Duration::from_secs(args.rest), interrupt)?;
    }
    let all = FaultKind::value_variants();
    let faults = if args.faults.is_empty() { all } else { &args.faults[..] };
    let mut figures = Vec::new();
    let mut struck = Ok(());
    for fault in faults {
        struck = strike(*fault, args, (&mut contenders, &mut figures), interrupt);
        if struck.is_err() {
            break;
        }
    }
    let mut out = io::stdout();
    writeln!(out, "{}", figures::table(&figures))?;
    if !rest.is_empty() {
        writeln!(out, "\n{}", figures::rest_table(&rest))?;
    }
    for broken in figures.iter().flat_map(|figures| &figures.broken) {
        writeln!(out, "not kept: {broken}")?;
    }
    struck?;
    Ok(figures.iter().all(|figures| figures.broken.is_empty()))
}

fn contender(program: &Path, directory: &Path, args: &Args) -> Result<Contender, BenchError> {
    let missing = |_| BenchError::NoDaemon(program.to_owned());
    let path = program.canonicalize().map_err(missing)?;
    std::fs::create_dir_all(directory)?;
    let (seconds, control_plane) = (args.seconds.0, args.control_plane);
    let addresses = args.addresses.clone();
    let six = addresses.iter().any(IpAddr::is_ipv6);
    let reach = if six { Reach::DualStack } else { Reach::default() };
    let spec =
        StageSpec { seconds, control_plane, addresses, reach, ..StageSpec::of(&path, directory) };
    progress(&format!("a cluster with {}", program.display()))?;
    let mut stage = Stage::build(spec, &mut |_| {})?;
    stage.start_all()?;
    Ok(Contender { name: program.display().to_string(), stage })
}

/// Strikes one contender after the other, so that what disturbs one disturbs all alike.
fn strike(
    fault: FaultKind,
    args: &Args,
    (contenders, all): (&mut [Contender], &mut Vec<Figures>),
    interrupt: &Interrupt,
) -> Result<(), BenchError> {
    let act = &fault.act();
    let bound = fault.bound(Duration::from_secs(args.seconds.0[0].into()));
    let first = all.len();
    all.extend(contenders.iter().map(|c| Figures::new(act.title, &c.name, bound)));
    let times = fault.times(args.times);
    for time in 1..=times {
        for (contender, figures) in contenders.iter_mut().zip(&mut all[first..]) {
            progress(&format!("{} {time}/{times}: {}", act.title, contender.name))?;
            if fault.is_about_health() {
                // Too many moves of this kind within three minutes are held back.
                contender.stage.start_all()?;
            }
            let performance = perform(&mut contender.stage, act, &mut Patient(interrupt))?;
            if args.timelines {
                progress(&performance.run.timeline.text(|_| true))?;
            }
            figures.add(&performance);
        }
    }
    Ok(())
}

/// What holder and candidates use when nothing happens.
fn at_rest(
    contenders: &[Contender],
    span: Duration,
    interrupt: &Interrupt,
) -> Result<Vec<Rest>, BenchError> {
    // The first announcements and requests are over.
    thread::sleep(Duration::from_secs(3));
    let before: Vec<Vec<Duration>> = contenders.iter().map(cpu_times).collect::<Result<_, _>>()?;
    let began = Instant::now();
    while began.elapsed() < span && !interrupt.happened() {
        thread::sleep(Duration::from_millis(100));
    }
    let took = began.elapsed();
    let mut rest = Vec::new();
    for (contender, before) in contenders.iter().zip(before) {
        let mut resident = Vec::new();
        for daemon in daemons(contender) {
            resident.push(daemon.process().resident().map_err(StageError::from)?);
        }
        let used = cpu_times(contender)?.into_iter().zip(before).map(|(after, b)| after - b);
        let name = contender.name.clone();
        rest.push(Rest { name, resident, used: used.collect(), span: took });
    }
    Ok(rest)
}

fn cpu_times(contender: &Contender) -> Result<Vec<Duration>, StageError> {
    daemons(contender).map(|daemon| Ok(daemon.process().cpu_time()?)).collect()
}

fn daemons(contender: &Contender) -> impl Iterator<Item = &crate::net::Daemon> {
    (0..contender.stage.spec().nodes).filter_map(|node| contender.stage.daemon(node))
}

fn progress(text: &str) -> io::Result<()> {
    writeln!(io::stderr(), "{text}")
}

/// Somebody who only wants to know when to stop.
struct Patient<'a>(&'a Interrupt);

impl Audience for Patient<'_> {
    fn begins(&mut self, _: &Stage, _: &Take) {}
    fn waits_for(&mut self, _: &str) {}
    fn strikes(&mut self, _: &Act, _: &str) {}
    fn looks(&mut self, _: &Stage, _: &Take) -> bool {
        !self.0.happened()
    }
}
