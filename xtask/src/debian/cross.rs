//! The tools that build for the other architecture, and run what was built: Debian's cross gcc,
//! a rustc with the other standard library where rustup has not installed it, and QEMU.
//!
//! All of it is unpacked in the cache. gcc finds its own parts relative to itself; it needs
//! `--sysroot`, or it would look at the machine's headers too, and like rustc it needs
//! `LD_LIBRARY_PATH` for its shared libraries. Small wrappers see to both, so that one path is all
//! that cargo and the `cc` crate must know.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Architecture, DebianError, Dependencies, PackageSet, quote, unpack};
use crate::cache::{Cache, fingerprint};
use crate::console;
use crate::workspace;

const HELLO_C: &str = "\
#include <stdio.h>
int main(void) { return puts(\"hello\") < 0; }
";
const HELLO_RUST: &str = "fn main() { println!(\"hello from {}\", std::env::consts::ARCH); }\n";

/// What builds for `target` on this machine. Shown to work: a C and a Rust program were linked
/// statically and run before it was handed out the first time.
#[derive(Debug)]
pub(crate) struct Toolchain {
    /// What it builds for.
    pub(crate) target: Architecture,
    /// `gcc`, `ar`, `rustc` and `qemu`.
    wrappers: PathBuf,
    /// Whether rustc is the one from the package, and not the one that runs cargo here.
    rustc: Rustc,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rustc {
    /// The pinned one, since rustup has installed its standard library for the target.
    Pinned,
    /// Debian's. Its release may differ from the pinned one's.
    Packaged,
}

impl Toolchain {
    /// Unpacks and checks what is not there yet.
    pub(crate) fn make(cache: &Cache, target: Architecture) -> Result<Self, DebianError> {
        let pinned = pinned_library(target).is_some_and(|library| library.is_dir());
        let rustc = if pinned { Rustc::Pinned } else { Rustc::Packaged };
        let gcc = unpack(cache, &compiler(target))?;
        let qemu = unpack(cache, &emulator(target))?;
        let mut scripts = vec![
            ("gcc", script(&gcc, &format!("{}-gcc", target.triplet()), Sysroot::Own)),
            ("ar", script(&gcc, &format!("{}-ar", target.triplet()), Sysroot::None)),
            ("qemu", script(&qemu, &format!("qemu-{}-static", target.machine()), Sysroot::None)),
        ];
        if rustc == Rustc::Packaged {
            scripts.push(("rustc", script(&unpack(cache, &rust(target))?, "rustc", Sysroot::None)));
        }
        let print = fingerprint(scripts.iter().map(|(_, text)| text.as_bytes()));
        let key = format!("cross/{}-{print}", target.debian());
        let wrappers = cache.make(&key, |directory| {
            for (name, text) in &scripts {
                write(&directory.join(name), text, 0o755)?;
            }
            let fresh = Self { target, wrappers: directory.to_owned(), rustc };
            fresh.check(cache)
        })?;
        Ok(Self { target, wrappers, rustc })
    }

    /// What cargo needs in its environment to build static programs with `--target`
    /// [`Architecture::rust_target`], and to run and test them under QEMU.
    pub(crate) fn environment(&self) -> Vec<(String, OsString)> {
        let target = self.target.rust_target();
        let lower = target.replace('-', "_");
        let cargo = format!("CARGO_TARGET_{}", lower.to_uppercase());
        let tool = |name: &str| self.wrappers.join(name).into_os_string();
        let mut variables = vec![
            (format!("{cargo}_LINKER"), tool("gcc")),
            (format!("{cargo}_RUNNER"), tool("qemu")),
            (format!("{cargo}_RUSTFLAGS"), "-C target-feature=+crt-static".into()),
            (format!("CC_{lower}"), tool("gcc")),
            (format!("AR_{lower}"), tool("ar")),
        ];
        if self.rustc == Rustc::Packaged {
            variables.push(("RUSTC".to_owned(), tool("rustc")));
        }
        variables
    }

    /// The program that runs programs for [`Toolchain::target`].
    pub(crate) fn emulator(&self) -> PathBuf {
        self.wrappers.join("qemu")
    }

    fn check(&self, cache: &Cache) -> Result<(), DebianError> {
        let (c, rust) = (self.wrappers.join("hello.c"), self.wrappers.join("hello.rs"));
        write(&c, HELLO_C, 0o644)?;
        write(&rust, HELLO_RUST, 0o644)?;
        let gcc = self.wrappers.join("gcc");
        let mut compile = Command::new(&gcc);
        compile.arg("-static").arg("-o").arg(self.wrappers.join("hello-c")).arg(c);
        let rustc = match self.rustc {
            Rustc::Pinned => PathBuf::from("rustc"),
            Rustc::Packaged => self.wrappers.join("rustc"),
        };
        let mut build = Command::new(rustc);
        build.args(["--target", &self.target.rust_target(), "-C", "target-feature=+crt-static"]);
        build.arg("-C").arg(linker(&gcc)).arg("-o").arg(self.wrappers.join("hello-rust")).arg(rust);
        let mut run_c = Command::new(self.wrappers.join("qemu"));
        run_c.arg(self.wrappers.join("hello-c"));
        let mut run_rust = Command::new(self.wrappers.join("qemu"));
        run_rust.arg(self.wrappers.join("hello-rust"));
        let label = |what: &str| format!("{what} for {}", self.target.debian());
        for (what, command) in [
            ("build C", &mut compile),
            ("build Rust", &mut build),
            ("run C", &mut run_c),
            ("run Rust", &mut run_rust),
        ] {
            console::quietly(&label(what), command, &cache.log("cross")?)?;
        }
        Ok(())
    }
}

/// Makes the tools for the other architecture, and prints the environment that uses them.
pub(crate) fn command() -> Result<(), DebianError> {
    let host = Architecture::host().ok_or(DebianError::Processor(std::env::consts::ARCH))?;
    let toolchain = Toolchain::make(&Cache::open()?, host.other())?;
    for (name, value) in toolchain.environment() {
        console::result(&format!("export {name}={}", quote(&value.to_string_lossy())));
    }
    Ok(())
}

fn compiler(target: Architecture) -> PackageSet {
    let name = target.triplet().replace('_', "-");
    PackageSet {
        name: "cross-gcc",
        packages: vec![format!("gcc-{name}"), format!("libc6-dev-{}-cross", target.debian())],
        dependencies: Dependencies::Libraries,
        provides: vec![format!("usr/bin/{}-gcc", target.triplet())],
    }
}

fn rust(target: Architecture) -> PackageSet {
    PackageSet {
        name: "cross-rust",
        packages: vec![
            "rustc-web".to_owned(),
            "libstd-rust-web-dev".to_owned(),
            format!("libstd-rust-web-dev:{}", target.debian()),
        ],
        dependencies: Dependencies::Libraries,
        provides: vec![format!("usr/lib/rustlib/{}", target.rust_target())],
    }
}

fn emulator(target: Architecture) -> PackageSet {
    PackageSet {
        name: "emulator",
        packages: vec!["qemu-user-static".to_owned()],
        dependencies: Dependencies::None,
        provides: vec![format!("usr/bin/qemu-{}-static", target.machine())],
    }
}

/// Where rustup puts the pinned toolchain's standard library for `target`.
fn pinned_library(target: Architecture) -> Option<PathBuf> {
    let mut command = Command::new("rustc");
    command.args(["--print", "sysroot"]).current_dir(workspace::root());
    let output = command.output().ok()?;
    let sysroot = PathBuf::from(String::from_utf8(output.stdout).ok()?.trim_end());
    Some(sysroot.join("lib/rustlib").join(target.rust_target()))
}

enum Sysroot {
    /// The program takes headers and libraries from where it is unpacked.
    Own,
    /// The program has no such option, or finds everything by itself.
    None,
}

fn script(root: &Path, program: &str, sysroot: Sysroot) -> String {
    let host = Architecture::host().map(Architecture::triplet).unwrap_or_default();
    let libraries = quote(&root.join("usr/lib").join(host).to_string_lossy());
    let program = quote(&root.join("usr/bin").join(program).to_string_lossy());
    let option = match sysroot {
        Sysroot::Own => format!(" --sysroot={}", quote(&root.to_string_lossy())),
        Sysroot::None => String::new(),
    };
    format!(
        "#!/bin/sh\n\
         export LD_LIBRARY_PATH={libraries}\"${{LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}}\"\n\
         exec {program}{option} \"$@\"\n"
    )
}

fn linker(gcc: &Path) -> OsString {
    let mut option = OsString::from("linker=");
    option.push(gcc);
    option
}

fn write(path: &Path, text: &str, mode: u32) -> Result<(), DebianError> {
    fs::write(path, text)
        .and_then(|()| fs::set_permissions(path, fs::Permissions::from_mode(mode)))
        .map_err(|source| DebianError::File { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests;
