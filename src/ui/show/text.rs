//! Lines of text for a serial terminal: 79 columns of ASCII, numbers with the digits
//! that mean something.

use crate::model::Preprocess;

pub use crate::base::units::significant as number;

/// Columns of every answer.
pub const WIDTH: usize = 79;

/// The lines as one text, made safe for any terminal: ASCII, no control characters,
/// nothing wider than [`WIDTH`].
#[must_use]
pub fn page<S: AsRef<str>>(lines: &[S]) -> String {
    let mut page = String::new();
    for line in lines {
        page.push_str(end(&ascii(line.as_ref()), WIDTH).trim_end());
        page.push('\n');
    }
    page
}

/// The text with the usual typographic signs spelt out, anything else foreign as `?`.
#[must_use]
pub fn ascii(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            ' '..='~' => out.push(c),
            '±' => out.push_str("+-"),
            'µ' | 'μ' => out.push('u'),
            '×' => out.push('x'),
            '°' => (),
            '–' | '—' | '−' => out.push('-'),
            '‘' | '’' => out.push('\''),
            '“' | '”' => out.push('"'),
            '…' => out.push_str("..."),
            '≤' => out.push_str("<="),
            '≥' => out.push_str(">="),
            '→' => out.push_str("->"),
            c if c.is_whitespace() || c.is_control() => out.push(' '),
            _ => out.push('?'),
        }
    }
    out
}

/// A candidate's name in at most `width` characters; where it names a configuration
/// (`lenet@ort-cpu/t2`), the model's part gives way, if that leaves anything of it.
#[must_use]
pub fn name(id: &str, width: usize) -> String {
    let cut = id.split_once('@').and_then(|(model, way)| {
        let room = width.checked_sub(way.chars().count() + 1).filter(|room| *room >= 6)?;
        Some(format!("{}@{way}", middle(model, room)))
    });
    cut.unwrap_or_else(|| middle(id, width))
}

/// At most `width` characters; a longer text loses its middle, so that both the
/// family and the variant at the end stay visible.
#[must_use]
pub fn middle(text: &str, width: usize) -> String {
    let length = text.chars().count();
    if length <= width {
        return text.to_owned();
    }
    let kept = width.saturating_sub(2);
    let head: String = text.chars().take(kept / 2).collect();
    let tail: String = text.chars().skip(length - (kept - kept / 2)).collect();
    let dots = ".".repeat(width.min(2));
    format!("{head}{dots}{tail}")
}

/// At most `width` characters; a longer text ends in `...`.
#[must_use]
pub fn end(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let head: String = text.chars().take(width.saturating_sub(3)).collect();
    format!("{head}{}", ".".repeat(width.min(3)))
}

/// `label` and `text` over at most `most` lines, continued under the text.
#[must_use]
pub fn wrap(label: &str, text: &str, most: usize) -> Vec<String> {
    let text = ascii(text);
    let room = WIDTH.saturating_sub(label.len()).max(8);
    let mut lines: Vec<String> = vec![String::new()];
    for word in text.split_whitespace().flat_map(|word| chunks(word, room)) {
        let Some(line) = lines.last_mut() else { break };
        if line.is_empty() {
            *line = word;
        } else if line.len() + 1 + word.len() <= room {
            line.push(' ');
            line.push_str(&word);
        } else {
            lines.push(word);
        }
    }
    shorten(&mut lines, most.max(1), room);
    let indent = " ".repeat(label.len());
    let lead = |at| if at == 0 { label } else { indent.as_str() };
    lines.iter().enumerate().map(|(at, line)| format!("{}{line}", lead(at))).collect()
}

/// A word no terminal line can hold (a path, a digest) is cut into pieces.
fn chunks(word: &str, room: usize) -> Vec<String> {
    word.as_bytes().chunks(room).map(|piece| String::from_utf8_lossy(piece).into_owned()).collect()
}

fn shorten(lines: &mut Vec<String>, most: usize, room: usize) {
    if lines.len() <= most {
        return;
    }
    lines.truncate(most);
    if let Some(last) = lines.last_mut() {
        *last = end(&format!("{last} ..."), room);
    }
}

/// The number, or `-`.
#[must_use]
pub fn or_dash(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), number)
}

/// Bytes as a technician says them: `950 B`, `12.3 kB`, `4.02 MB`, `3.97 GB`.
#[must_use]
pub fn bytes(count: u64) -> String {
    let count = count as f64;
    let (value, unit) = match count {
        n if n >= 1e9 => (n / 1e9, "GB"),
        n if n >= 1e6 => (n / 1e6, "MB"),
        n if n >= 1e3 => (n / 1e3, "kB"),
        n => return format!("{n:.0} B"),
    };
    format!("{} {unit}", number(value))
}

/// A large count: `950`, `12.3 k`, `4.02 M`.
#[must_use]
pub fn count(count: u64) -> String {
    let value = count as f64;
    match value {
        n if n >= 1e9 => format!("{} G", number(n / 1e9)),
        n if n >= 1e6 => format!("{} M", number(n / 1e6)),
        n if n >= 1e3 => format!("{} k", number(n / 1e3)),
        n => format!("{n:.0}"),
    }
}

/// `92.1+-2.0`: a fraction as a percentage with the larger half of its interval.
#[must_use]
pub fn percent(value: f64, low: f64, high: f64) -> String {
    let half = (value - low).max(high - value);
    format!("{:.1}+-{:.1}", value * 100.0, half * 100.0)
}

/// `1 model`, `3 models`.
#[must_use]
pub fn plural(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// UTC date and time of seconds since the epoch: `2026-11-21 02:10`.
#[must_use]
pub fn date(unix_seconds: u64) -> String {
    let (days, seconds) = (unix_seconds / 86_400, unix_seconds % 86_400);
    let (year, month, day) = civil(days);
    format!("{year:04}-{month:02}-{day:02} {:02}:{:02}", seconds / 3600, seconds / 60 % 60)
}

/// Year, month and day of a count of days since 1970-01-01, in the proleptic Gregorian
/// calendar (Howard Hinnant's `civil_from_days`, for days that are not negative).
fn civil(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let era = shifted / 146_097;
    let day_of_era = shifted % 146_097;
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + u64::from(month <= 2), month, day)
}

/// What is done to a pixel, such as `(pixel - 127.5) / 127.5`.
pub(crate) fn range(preprocess: &Preprocess) -> String {
    let each = |values: &[f32]| values.first().copied().map_or(0.0, f64::from);
    format!("(pixel - {}) / {}", number(each(&preprocess.mean)), number(each(&preprocess.std)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_have_three_digits_and_a_unit() {
        assert_eq!(bytes(999), "999 B");
        assert_eq!(bytes(4_020_000), "4.02 MB");
        assert_eq!(percent(0.921, 0.9, 0.94), "92.1+-2.1");
    }

    #[test]
    fn long_names_lose_their_middle_and_long_lines_their_end() {
        assert_eq!(middle("mobilenetv2-cifar10-int8-qdq", 16), "mobilen..nt8-qdq");
        assert_eq!(middle("short", 16), "short");
        assert_eq!(name("mobilenetv2-cifar10@ort-cpu/t2", 20), "mob..ar10@ort-cpu/t2");
        assert_eq!(name("mobilenetv2-cifar10@ort-cpu/t2", 14), "mobile..cpu/t2");
        assert_eq!(end("abcdefghij", 6), "abc...");
        for width in 0..5 {
            assert!(middle("abcdefgh", width).len() <= width);
            assert!(end("abcdefgh", width).len() <= width);
        }
    }

    #[test]
    fn wrapping_keeps_to_its_lines_and_cuts_what_cannot_break() {
        let lines = wrap("why     ", &"word ".repeat(60), 2);
        assert_eq!(lines.len(), 2);
        assert!(lines[1].ends_with("...") && lines[1].starts_with("        word"));
        let lines = wrap("path  ", &"x".repeat(300), 9);
        assert!(lines.iter().all(|line| line.len() <= WIDTH) && lines.len() == 5);
        assert_eq!(wrap("a ", "", 3), ["a "]);
    }

    #[test]
    fn a_page_is_ascii_without_control_characters() {
        let page = page(&["a\x1b[31m±2 µs\tüber"]);
        assert_eq!(page, "a [31m+-2 us ?ber\n");
    }

    #[test]
    fn dates_agree_with_the_calendar() {
        assert_eq!(date(0), "1970-01-01 00:00");
        assert_eq!(date(951_782_400 + 86_399), "2000-02-29 23:59");
        assert_eq!(date(1_795_227_000), "2026-11-21 02:10");
    }
}
