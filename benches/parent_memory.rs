//! Resident memory of the agent while a worker runs (aim: under 12 MB).
//!
//! Watches the agent's `VmRSS` and `RssAnon` every few milliseconds during an uncached
//! `select` on the bundled zoo and prints the largest of each.
//!
//!     cargo bench --bench parent_memory

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::print_stdout)]

use std::process::{Command, Stdio};
use std::time::Duration;

fn main() {
    let state = tempfile::tempdir().expect("a temporary state folder");
    let mut agent = Command::new(env!("CARGO_BIN_EXE_umbra"))
        .args(["select", "--json", "--quick", "--state"])
        .arg(state.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("umbra starts");
    let status = format!("/proc/{}/status", agent.id());
    let (mut resident, mut anonymous, mut looks) = (0, 0, 0);
    while agent.try_wait().expect("the agent can be waited for").is_none() {
        if let Ok(text) = std::fs::read_to_string(&status) {
            resident = resident.max(kib(&text, "VmRSS:"));
            anonymous = anonymous.max(kib(&text, "RssAnon:"));
            looks += 1;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    println!("agent while workers run: VmRSS   {:.2} MB (largest of {looks} looks)", mb(resident));
    println!("                         RssAnon {:.2} MB", mb(anonymous));
}

fn kib(status: &str, key: &str) -> u64 {
    status
        .lines()
        .find_map(|line| line.strip_prefix(key))
        .and_then(|rest| rest.split_whitespace().next())
        .and_then(|number| number.parse().ok())
        .unwrap_or(0)
}

fn mb(kib: u64) -> f64 {
    kib as f64 * 1024.0 / 1e6
}
