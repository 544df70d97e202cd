//! Small readers of the text that kernel files hold.
//!
//! Files of a board are input: every reader here takes any text and gives `None`
//! or less rather than panic, and nothing it returns can move a cursor.

/// Longest text that is passed on from a file.
const LONGEST: usize = 160;

/// One printable line, shortened.
pub(super) fn line(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(LONGEST).collect::<String>().trim().to_owned()
}

/// As [`line()`], where an empty line is no answer.
pub(super) fn some_line(text: &str) -> Option<String> {
    Some(line(text)).filter(|text| !text.is_empty())
}

/// A kernel list of processor numbers: `0-3,6` or, in cpufreq, `0 1 2 3`.
/// Numbers from 4096 on are nobody's processors and end the list.
#[must_use]
pub fn cpu_list(text: &str) -> Option<Vec<u32>> {
    let mut cpus = Vec::new();
    for part in text.split([',', ' ', '\t', '\n']).filter(|part| !part.is_empty()) {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last): (u32, u32) = (first.parse().ok()?, last.parse().ok()?);
        if last >= 4096 {
            return None;
        }
        cpus.extend(first..=last);
    }
    cpus.sort_unstable();
    cpus.dedup();
    Some(cpus).filter(|cpus| !cpus.is_empty())
}

/// `0xd08` or `d08`.
pub(super) fn hex(text: &str) -> Option<u32> {
    let text = text.trim();
    u32::from_str_radix(text.strip_prefix("0x").unwrap_or(text), 16).ok()
}

/// The value of `key: value` (or `key=value`) in a text of such lines.
pub(super) fn field<'a>(text: &'a str, key: &str, separator: char) -> Option<&'a str> {
    text.lines().find_map(|line| {
        let (name, value) = line.split_once(separator)?;
        (name.trim() == key).then(|| value.trim())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_both_forms_of_processor_lists_and_refuses_the_rest() {
        assert_eq!(cpu_list("0-3,6"), Some(vec![0, 1, 2, 3, 6]));
        assert_eq!(cpu_list("4 5\n"), Some(vec![4, 5]));
        assert_eq!(cpu_list("0-4294967295"), None);
        assert_eq!(cpu_list("a-b"), None);
        assert_eq!(cpu_list(""), None);
        assert_eq!(cpu_list("3-1"), None);
    }

    #[test]
    fn a_line_cannot_move_the_cursor() {
        assert_eq!(line("Pi\u{1b}[2J\0 4\n"), "Pi[2J 4");
    }
}
