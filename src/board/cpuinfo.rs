//! `/proc/cpuinfo`: one paragraph per processor, other words on every architecture.

use super::cores;
use super::text::{hex, line, some_line};

/// What one paragraph says.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Processor {
    /// Number.
    pub(super) number: u32,
    /// Core name, where the paragraph (or, on old ARM kernels, the tail) tells it.
    pub(super) core: Option<String>,
    /// `cpu MHz`, which x86 kernels give where there is no cpufreq.
    pub(super) mhz: Option<f64>,
}

/// Nobody's board has more; a file that goes on is not one of the kernel's.
const MOST: usize = 4096;

/// All processors that the text lists.
pub(super) fn processors(text: &str) -> Vec<Processor> {
    let mut found: Vec<Processor> = paragraphs(text).filter_map(processor).take(MOST).collect();
    let shared = arm_core(text);
    for processor in found.iter_mut().filter(|processor| processor.core.is_none()) {
        processor.core.clone_from(&shared);
    }
    found
}

/// Instruction-set extensions: `Features` on ARM, `flags` on x86.
pub(super) fn flags(text: &str) -> Option<Vec<String>> {
    ["Features", "flags"].iter().find_map(|key| {
        let value = value(text, key)?;
        Some(value.split_whitespace().take(1024).map(line).collect())
    })
}

fn paragraphs(text: &str) -> impl Iterator<Item = &str> {
    text.split("\n\n").filter(|paragraph| !paragraph.trim().is_empty())
}

fn processor(paragraph: &str) -> Option<Processor> {
    let number = value(paragraph, "processor")?.parse().ok()?;
    let core = arm_core(paragraph).or_else(|| value(paragraph, "model name").and_then(some_line));
    let mhz = value(paragraph, "cpu MHz").and_then(|mhz| mhz.parse().ok());
    Some(Processor { number, core, mhz: mhz.filter(|mhz: &f64| mhz.is_finite() && *mhz > 0.0) })
}

fn arm_core(text: &str) -> Option<String> {
    let implementer = hex(value(text, "CPU implementer")?)?;
    Some(cores::name(implementer, hex(value(text, "CPU part")?)?))
}

fn value<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    super::text::field(text, key, ':').filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arm_cores_are_named_by_part_and_unknown_ones_by_number() {
        let text = "processor\t: 0\nCPU implementer\t: 0x41\nCPU part\t: 0xd0b\n\n\
                    processor\t: 1\nCPU implementer\t: 0x99\nCPU part\t: 0x1\n\nModel\t: Pi\n";
        let cores: Vec<_> = processors(text).into_iter().map(|p| p.core).collect();
        assert_eq!(cores, [Some("Cortex-A76".into()), Some("implementer 0x99 part 0x001".into())]);
    }

    #[test]
    fn old_arm_kernels_tell_the_part_once_at_the_end() {
        let text = "processor : 0\nBogoMIPS : 3.5\n\nprocessor : 1\nBogoMIPS : 3.5\n\n\
                    Features : neon vfpv4\nCPU implementer : 0x41\nCPU part : 0xc07\n";
        assert!(processors(text).iter().all(|p| p.core.as_deref() == Some("Cortex-A7")));
        assert_eq!(flags(text), Some(vec!["neon".into(), "vfpv4".into()]));
    }

    #[test]
    fn x86_gives_a_model_name_and_a_clock() {
        let text = "processor\t: 0\nmodel name\t: AMD EPYC\ncpu MHz\t\t: 2600.000\n\n";
        let found = processors(text);
        assert_eq!(found[0].core.as_deref(), Some("AMD EPYC"));
        assert_eq!(found[0].mhz, Some(2600.0));
    }
}
