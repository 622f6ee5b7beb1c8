//! docs/how-to/troubleshoot.md: each marked block is run as it stands there, on a holder's node in
//! the situation that its mark names.
//!
//! A mark is `<!-- run: SITUATION; exit code CODE -->`, and the code that of the last command. Of
//! what a block shows each line must be among what the commands wrote, in that order; `…` stands
//! for anything, and blanks for blanks.
//!
//! `KUBE_VIP_BIN` names the daemon; `cargo xtask test kernel` builds and names it.

#[expect(dead_code, reason = "other tests need more of it")]
#[path = "support/commands.rs"]
mod commands;

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use kube_vip_lab::stage::Stage;

use commands::{PATIENCE, Run, end_all, leave_as_the_original, program, run, stage, start_command};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/how-to/troubleshoot.md");

/// A block that is to be run.
#[derive(Debug)]
struct Block {
    situation: String,
    code: i32,
    /// Each with the lines that it shows.
    commands: Vec<(String, Vec<String>)>,
}

fn blocks() -> Vec<Block> {
    let page = fs::read_to_string(PAGE).expect("the page is there");
    let mut found = Vec::new();
    for part in page.split("<!-- run: ").skip(1) {
        let (mark, rest) = part.split_once(" -->\n```console\n").expect("a block after its mark");
        let (situation, code) = mark.split_once("; exit code ").expect("a situation and a code");
        let (text, _) = rest.split_once("\n```").expect("the end of the block");
        let mut commands: Vec<(String, Vec<String>)> = Vec::new();
        for line in text.lines() {
            match (line.strip_prefix("$ "), commands.last_mut()) {
                (Some(command), _) => commands.push((command.to_owned(), Vec::new())),
                (None, Some((_, shown))) => shown.push(line.to_owned()),
                (None, None) => panic!("no command before {line:?}"),
            }
        }
        let code = code.parse().expect("a number");
        found.push(Block { situation: situation.to_owned(), code, commands });
    }
    found
}

fn squeezed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether a line is as it is shown.
fn is_like(line: &str, shown: &str) -> bool {
    let (line, shown) = (squeezed(line), squeezed(shown));
    let parts: Vec<_> = shown.split('…').map(str::trim).collect();
    let (first, last) = (parts[0], parts[parts.len() - 1]);
    if parts.len() == 1 {
        return line == shown;
    }
    let mut rest = line.as_str();
    for part in &parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    line.starts_with(first) && line.ends_with(last)
}

fn check(command: &str, shown: &[String], run: &Run) {
    let text = [run.out.as_str(), run.err.as_str()].concat();
    let mut lines = text.lines();
    for expected in shown {
        let found = lines.any(|line| is_like(line, expected));
        assert!(found, "`{command}` does not write {expected:?}, or not there:\n{text}");
    }
}

/// Runs all blocks of one situation, one after the other, on that node.
fn perform(stage: &Stage, node: usize, other: usize, situation: &str) {
    let bin = stage.spec().directory.join("bin");
    fs::create_dir_all(&bin).expect("writable");
    symlink(program(), bin.join("kube-vip")).expect("writable");
    let mut count = 0;
    for block in blocks().into_iter().filter(|block| block.situation == situation) {
        let mut last = 0;
        for (command, shown) in &block.commands {
            let mut shell = Command::new("/bin/sh");
            shell.args(["-c", command]);
            let started = start_command(
                stage,
                node,
                shell,
                &[
                    ("PATH", &bin.display().to_string()),
                    ("OTHER", stage.world().node(other).name()),
                ],
            );
            let run = started.end();
            check(command, shown, &run);
            last = run.code;
        }
        assert_eq!(last, block.code, "{block:?}");
        count += 1;
    }
    assert!(count > 0, "the page has no block for {situation:?}");
}

/// Waits until a command's JSON is as wanted: situations take a moment to be noticed.
fn until(stage: &Stage, node: usize, arguments: &[&str], part: &str) {
    let arguments = [&["status"], arguments].concat();
    let waited = stage.wait(part, PATIENCE, || run(stage, node, &arguments).out.contains(part));
    waited.unwrap_or_else(|error| panic!("{error}\n{}", run(stage, node, &arguments).out));
}

#[test]
fn every_situation_is_tested() {
    let tested = ["well", "nobody", "stranger", "left", "away"];
    for block in blocks() {
        assert!(tested.contains(&block.situation.as_str()), "{block:?}");
    }
}

#[test]
fn all_is_well() {
    let (stage, owner, _directory) = stage();
    until(&stage, owner, &[], "all is well");
    perform(&stage, owner, (owner + 1) % 3, "well");
}

#[test]
fn a_stranger_answers() {
    let (stage, owner, _directory) = stage();
    stage.steal().expect("a stranger");
    until(&stage, owner, &[], "no node of the election");
    perform(&stage, owner, owner, "stranger");
}

#[test]
fn the_api_is_away() {
    let (stage, owner, _directory) = stage();
    // Whom to ask whether the segment is alive, the holder knows from the others' Leases.
    let peers = |run: &Run| run.json()["elections"][0]["nodes"][0]["status"]["candidates"].clone();
    let known = || peers(&run(&stage, owner, &["status", "--local", "-o", "json"]))[1].is_object();
    stage.wait("the holder knows the others", PATIENCE, known).expect("they are there");
    for node in 0..3 {
        stage.control_plane().freeze(node).expect("it runs");
    }
    until(&stage, owner, &["--local"], "HoldingOn");
    perform(&stage, owner, owner, "away");
}

#[test]
fn nobody_holds_it_and_then_something_is_left() {
    let (stage, owner, _directory) = stage();
    end_all(&stage);
    perform(&stage, owner, owner, "nobody");
    leave_as_the_original(stage.world().node(owner));
    fs::remove_dir_all(stage.spec().directory.join("bin")).expect("it was made");
    perform(&stage, owner, owner, "left");
}
