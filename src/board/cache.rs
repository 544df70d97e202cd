//! Caches of the first processor.

use std::path::Path;

use super::facts::Cache;
use super::text::line;
use crate::base::{Bytes, SysRoot};

/// Empty where the firmware does not describe them (Raspberry Pi kernels until 6.6).
pub(super) fn caches(sys: &SysRoot) -> Vec<Cache> {
    let folders = sys.list("/sys/devices/system/cpu/cpu0/cache").into_iter();
    folders.filter_map(|folder| cache(sys, &folder)).take(16).collect()
}

fn cache(sys: &SysRoot, folder: &Path) -> Option<Cache> {
    let size = sys.text(folder.join("size")).and_then(|text| size(&text));
    Some(Cache {
        level: *sys.number(folder.join("level")).value()?,
        kind: line(sys.text(folder.join("type")).value()?),
        size: *size.value()?,
    })
}

/// `64K`, `2M` or plain bytes.
fn size(text: &str) -> Option<Bytes> {
    let digits = text.trim_end_matches(['K', 'M', 'G']);
    let scale = match text.get(digits.len()..)? {
        "" => 1,
        "K" => 1 << 10,
        "M" => 1 << 20,
        "G" => 1 << 30,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(scale).map(Bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_the_kernels_suffixes() {
        assert_eq!(size("64K"), Some(Bytes(65_536)));
        assert_eq!(size("32768K"), Some(Bytes(32 << 20)));
        assert_eq!(size("99999999999999999999K"), None);
        assert_eq!(size("KK"), None);
    }
}
