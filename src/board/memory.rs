//! Main memory and the limit of our control group.

use std::path::{Component, Path, PathBuf};

use super::facts::Memory;
use super::text::field;
use crate::base::{Bytes, Reading, SysRoot};

const CGROUP: &str = "/sys/fs/cgroup";
/// "No limit" in cgroup v1 is the largest number of whole pages, which depends on
/// the page size; nothing near it is a limit.
const UNLIMITED: u64 = 1 << 62;

/// Main memory, read now.
#[must_use]
pub fn memory(sys: &SysRoot) -> Memory {
    let meminfo = sys.text("/proc/meminfo");
    Memory {
        total: kib(&meminfo, "MemTotal"),
        available: kib(&meminfo, "MemAvailable"),
        cgroup_limit: cgroup_limit(sys),
    }
}

impl Memory {
    /// What one more process may use: what is available, within the control group's limit.
    #[must_use]
    pub fn usable(&self) -> Option<Bytes> {
        let both = [self.available.value(), self.cgroup_limit.value()];
        both.into_iter().flatten().copied().min()
    }
}

fn kib(meminfo: &Reading<String>, key: &str) -> Reading<Bytes> {
    meminfo.clone().and_then(|text| {
        let number = field(&text, key, ':')?.split_whitespace().next()?;
        Some(Bytes::from_kib(number.parse().ok()?))
    })
}

/// The tightest limit from our group up to the root; absent where none is set.
fn cgroup_limit(sys: &SysRoot) -> Reading<Bytes> {
    let groups = sys.text("/proc/self/cgroup");
    let Some(text) = groups.value() else { return groups.and_then(|_| None) };
    let (folder, file, group) = match (v1(text), v2(text)) {
        (Some(group), _) => (format!("{CGROUP}/memory"), "memory.limit_in_bytes", group),
        (None, Some(group)) => (CGROUP.to_owned(), "memory.max", group),
        (None, None) => return Reading::Absent,
    };
    tightest(sys, Path::new(&folder), Path::new(group.trim_start_matches('/')), file)
}

fn tightest(sys: &SysRoot, folder: &Path, group: &Path, file: &str) -> Reading<Bytes> {
    // Seen from inside a namespace the group may be `/../..`; above its root is not ours.
    let inside = group.components().all(|part| matches!(part, Component::Normal(_)));
    let group = if inside { group } else { Path::new("") };
    let limits = group.ancestors().map(|group| limit(sys, folder.join(group).join(file)));
    limits.fold(Reading::Absent, |tightest, limit| match (tightest.value(), limit.value()) {
        (Some(known), Some(new)) if known <= new => tightest,
        (_, Some(_)) | (None, None) => limit.or_else(|| tightest),
        (Some(_), None) => tightest,
    })
}

fn limit(sys: &SysRoot, path: PathBuf) -> Reading<Bytes> {
    match sys.text(path) {
        Reading::Value { value, .. } if value == "max" => Reading::Absent,
        reading => match reading.and_then(|text| text.parse().ok()) {
            Reading::Value { value, .. } if value >= UNLIMITED => Reading::Absent,
            bytes => bytes.map(Bytes),
        },
    }
}

/// The group of the v1 memory controller: `4:memory:/path`.
fn v1(text: &str) -> Option<&str> {
    text.lines().find_map(|line| {
        let (_, rest) = line.split_once(':')?;
        let (controllers, group) = rest.split_once(':')?;
        controllers.split(',').any(|name| name == "memory").then_some(group)
    })
}

/// The group of the v2 hierarchy: `0::/path`.
fn v2(text: &str) -> Option<&str> {
    text.lines().find_map(|line| line.strip_prefix("0::"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[(&str, &str)]) -> (tempfile::TempDir, SysRoot) {
        let dir = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = dir.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let sys = SysRoot::new(dir.path());
        (dir, sys)
    }

    #[test]
    fn the_tightest_of_all_groups_above_us_counts() {
        let (_dir, sys) = tree(&[
            ("proc/self/cgroup", "0::/a/b\n"),
            ("sys/fs/cgroup/a/memory.max", "1048576\n"),
            ("sys/fs/cgroup/a/b/memory.max", "max\n"),
        ]);
        let limit = cgroup_limit(&sys);
        assert_eq!(limit, Reading::of(Bytes(1 << 20), "/sys/fs/cgroup/a/memory.max"));
    }

    #[test]
    fn a_v1_limit_counts_and_its_idea_of_infinity_does_not() {
        let group = "4:memory:/app\n0::/\n";
        let path = "sys/fs/cgroup/memory/app/memory.limit_in_bytes";
        let (_dir, sys) = tree(&[("proc/self/cgroup", group), (path, "9223372036854771712\n")]);
        assert_eq!(cgroup_limit(&sys), Reading::Absent);
        let (_dir, sys) = tree(&[("proc/self/cgroup", group), (path, "268435456\n")]);
        assert_eq!(cgroup_limit(&sys).value(), Some(&Bytes(256 << 20)));
    }
}
