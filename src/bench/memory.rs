//! The worker's own memory.

use crate::base::{Bytes, SysRoot};

/// Peak resident memory of this process since its start (`VmHWM`).
pub(super) fn peak(sys: &SysRoot) -> Option<Bytes> {
    let status = sys.text("/proc/self/status");
    field(status.value()?, "VmHWM:")
}

/// Memory that is this process's alone: the private parts of `smaps_rollup`.
pub(super) fn private(sys: &SysRoot) -> Option<Bytes> {
    let rollup = sys.text("/proc/self/smaps_rollup");
    let rollup = rollup.value()?;
    let (clean, dirty) = (field(rollup, "Private_Clean:")?, field(rollup, "Private_Dirty:")?);
    Some(Bytes(clean.0 + dirty.0))
}

/// `Name:   1234 kB`.
fn field(text: &str, name: &str) -> Option<Bytes> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok().map(Bytes::from_kib)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kernel_files_are_read_in_kibibytes() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("proc/self")).unwrap();
        let write = |name: &str, text: &str| {
            std::fs::write(dir.path().join("proc/self").join(name), text).unwrap();
        };
        let sys = SysRoot::new(dir.path());
        assert_eq!(peak(&sys), None);
        write("status", "Name:\tumbra\nVmPeak:\t   9000 kB\nVmHWM:\t    2048 kB\n");
        write("smaps_rollup", "Rss: 9 kB\nPrivate_Clean:    4 kB\nPrivate_Dirty:  1020 kB\n");
        assert_eq!(peak(&sys), Some(Bytes(2 << 20)));
        assert_eq!(private(&sys), Some(Bytes(1 << 20)));
    }
}
