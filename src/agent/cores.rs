//! Which cores a model is to run on, as people say it, and as this board has them.

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;

use crate::base::SysRoot;
use crate::board::{self, Cluster};
use crate::model::{Affinity, Candidate};

/// Which cores a model is to run on.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(try_from = "String")]
pub enum Cores {
    /// Wherever the kernel puts it.
    #[default]
    All,
    /// Those of the fastest cluster.
    Big,
    /// One of the fastest cluster: its last, since the first serves the interrupts.
    One,
    /// These logical processors.
    These(Vec<u32>),
}

/// Cores that this board does not have, or does not tell apart.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CoresError {
    /// Not a choice of cores.
    #[error("{0:?} is no choice of cores")]
    Unknown(String),
    /// Named cores are not there, or not for this process.
    #[error("processor {0} is not there, or not for this process")]
    Missing(u32),
    /// The clusters' highest clocks are the same, or not known.
    #[error("the board does not tell which of its clusters is the fastest")]
    Alike,
    /// Nothing is known of the processors.
    #[error("the board does not tell which processors it has")]
    Untold,
}

impl CoresError {
    /// What to do next.
    #[must_use]
    pub fn help(&self) -> &'static str {
        match self {
            Self::Unknown(_) => "all, big, one, or processors such as 2,3 or 0-3",
            Self::Missing(_) | Self::Untold => "`umbra probe --json` lists them (cpu.clusters)",
            Self::Alike => "name the processors, such as --affinity 4-7",
        }
    }
}

impl FromStr for Cores {
    type Err = CoresError;

    fn from_str(text: &str) -> Result<Self, CoresError> {
        match text {
            "all" | "any" => Ok(Self::All),
            "big" => Ok(Self::Big),
            "one" => Ok(Self::One),
            list => board::cpu_list(list)
                .map(Self::These)
                .ok_or_else(|| CoresError::Unknown(list.to_owned())),
        }
    }
}

impl TryFrom<String> for Cores {
    type Error = CoresError;

    fn try_from(text: String) -> Result<Self, CoresError> {
        text.parse()
    }
}

impl fmt::Display for Cores {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::Big => f.write_str("big"),
            Self::One => f.write_str("one"),
            Self::These(cpus) => f.write_str(&Affinity::Cpus(cpus.clone()).name()),
        }
    }
}

impl Cores {
    /// As this board has them: `all`, and `big` where all cores are alike, leave the choice to
    /// the kernel.
    ///
    /// # Errors
    /// [`CoresError`]: the board has no such cores, or does not tell.
    pub fn on(&self, sys: &SysRoot) -> Result<Affinity, CoresError> {
        let clusters = clusters(sys);
        let fastest = || clusters.first().map(|cluster| cluster.cpus.clone());
        let cpus = match self {
            Self::All => return Ok(Affinity::Any),
            Self::Big if clusters.len() == 1 => return Ok(Affinity::Any),
            Self::Big => {
                told_apart(&clusters)?;
                fastest().ok_or(CoresError::Untold)?
            }
            Self::One => {
                vec![fastest().and_then(|cpus| cpus.last().copied()).ok_or(CoresError::Untold)?]
            }
            Self::These(cpus) => {
                let known = |cpu: &u32| clusters.iter().any(|cluster| cluster.cpus.contains(cpu));
                if let Some(missing) = cpus.iter().find(|cpu| !known(cpu)) {
                    return Err(CoresError::Missing(*missing));
                }
                cpus.clone()
            }
        };
        Ok(Affinity::Cpus(cpus))
    }

    /// Makes these candidates run there.
    ///
    /// # Errors
    /// As [`Cores::on`].
    pub fn give(&self, candidates: &mut [Candidate], sys: &SysRoot) -> Result<(), CoresError> {
        let affinity = self.on(sys)?;
        for candidate in candidates {
            candidate.config.affinity = affinity.clone();
        }
        Ok(())
    }
}

/// The clusters, fastest first, without processors that this process may not use.
fn clusters(sys: &SysRoot) -> Vec<Cluster> {
    let allowed = board::allowed_cpus(sys);
    let mut clusters = board::clusters(sys);
    for cluster in &mut clusters {
        cluster.cpus.retain(|cpu| allowed.value().is_none_or(|allowed| allowed.contains(cpu)));
    }
    clusters.retain(|cluster| !cluster.cpus.is_empty());
    clusters
}

fn told_apart(clusters: &[Cluster]) -> Result<(), CoresError> {
    let mut clocks = clusters.iter().map(|cluster| cluster.max_hz.value().copied());
    let (first, second) = (clocks.next().flatten(), clocks.next().flatten());
    if first.is_some() && first > second { Ok(()) } else { Err(CoresError::Alike) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two little cores, then two big ones where `big` gives their highest clock.
    fn board(big: Option<u32>, allowed: &str) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        let write = |path: &str, text: String| {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        let core = |cpu: u32, part: &str| {
            format!("processor\t: {cpu}\nCPU implementer\t: 0x41\nCPU part\t: {part}\n\n")
        };
        let parts = ["0xd03", "0xd03", "0xd09", "0xd09"];
        let cpuinfo: String = (0..).zip(parts).map(|(cpu, part)| core(cpu, part)).collect();
        write("proc/cpuinfo", cpuinfo);
        write("proc/self/status", format!("Name:\tumbra\nCpus_allowed_list:\t{allowed}\n"));
        let policy = "sys/devices/system/cpu/cpufreq/policy";
        write(&format!("{policy}0/related_cpus"), "0 1".into());
        write(&format!("{policy}0/cpuinfo_max_freq"), "1400000".into());
        write(&format!("{policy}2/related_cpus"), "2 3".into());
        if let Some(khz) = big {
            write(&format!("{policy}2/cpuinfo_max_freq"), khz.to_string());
        }
        root
    }

    fn on(text: &str, root: &tempfile::TempDir) -> Result<String, CoresError> {
        let cores: Cores = text.parse()?;
        Ok(cores.on(&SysRoot::new(root.path()))?.name())
    }

    #[test]
    fn each_choice_becomes_processors_of_the_board() {
        let root = board(Some(2_200_000), "0-3");
        for (text, name) in [("all", "any"), ("any", "any"), ("big", "cpu2+3"), ("one", "cpu3")] {
            assert_eq!(on(text, &root).as_deref(), Ok(name), "{text}");
        }
        assert_eq!(on("0,2-3", &root).as_deref(), Ok("cpu0+2+3"));
        assert_eq!(on("4", &root), Err(CoresError::Missing(4)));
        assert_eq!(on("fast", &root), Err(CoresError::Unknown("fast".to_owned())));
    }

    #[test]
    fn processors_of_others_are_not_chosen() {
        let root = board(Some(2_200_000), "0-2");
        assert_eq!(on("big", &root).as_deref(), Ok("cpu2"));
        assert_eq!(on("one", &root).as_deref(), Ok("cpu2"));
        assert_eq!(on("3", &root), Err(CoresError::Missing(3)));
        let little = board(Some(2_200_000), "0-1");
        assert_eq!(on("big", &little).as_deref(), Ok("any"), "all that are left are alike");
    }

    #[test]
    fn a_board_that_does_not_tell_is_asked_no_more() {
        let alike = board(Some(1_400_000), "0-3");
        assert_eq!(on("big", &alike), Err(CoresError::Alike));
        let empty = tempfile::tempdir().unwrap();
        assert_eq!(on("one", &empty), Err(CoresError::Untold));
        assert_eq!(on("all", &empty).as_deref(), Ok("any"));
    }
}
