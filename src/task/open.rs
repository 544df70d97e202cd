//! Opening a task: a folder with task.toml, a bare folder of class folders, an `.npz`.

use std::collections::HashSet;
use std::path::Path;

use super::description::{Description, default_policy};
use super::samples::{Labelled, Share, from_folders, from_npz};
use super::tree::{Tree, read_file};
use super::{Policy, Sample, Task, TaskError};
use crate::base::Digest;

const DESCRIPTION: &str = "task.toml";

/// Opens a task.
///
/// # Errors
/// [`TaskError`] names the file or folder, what is wrong, and what to do.
pub fn open(path: &Path) -> Result<Task, TaskError> {
    match kind(path)? {
        Kind::Archive => {
            let name = path.display().to_string();
            let labelled = from_npz(&read_file(path)?, &name, None, Share::Device)?;
            finish(name_of(path), String::new(), labelled, default_policy(), &name)
        }
        Kind::Described(folder) => described(&Tree::Folder(folder)),
        Kind::Folders => {
            let labelled = from_folders(&Tree::Folder(path), "", None, Share::Device)?;
            let place = path.display().to_string();
            finish(name_of(path), String::new(), labelled, default_policy(), &place)
        }
    }
}

/// Opens a test split: all samples of an `.npz`, of class folders, or of the `test` of a
/// task folder. The labels must be these.
///
/// # Errors
/// As [`open`].
pub fn open_samples(path: &Path, labels: &[String]) -> Result<Vec<Sample>, TaskError> {
    let name = path.display().to_string();
    let (_, samples, _) = match kind(path)? {
        Kind::Archive => from_npz(&read_file(path)?, &name, Some(labels), Share::All)?,
        Kind::Folders => from_folders(&Tree::Folder(path), "", Some(labels), Share::All)?,
        Kind::Described(folder) => {
            let tree = Tree::Folder(folder);
            let place = tree.place(DESCRIPTION);
            let (found, _) = Description::parse(&tree.read(DESCRIPTION)?, &place)?;
            let test = found.test.ok_or_else(|| TaskError::Description {
                path: place,
                reason: "names no `test`".to_owned(),
            })?;
            labelled(&tree, &test, labels, Share::All)?
        }
    };
    if samples.is_empty() {
        return Err(TaskError::Size { place: name, found: "no sample".to_owned() });
    }
    Ok(samples)
}

/// What a path is.
enum Kind<'a> {
    Archive,
    /// The folder of a task.toml.
    Described(&'a Path),
    Folders,
}

fn kind(path: &Path) -> Result<Kind<'_>, TaskError> {
    let found = std::fs::metadata(path).map_err(|error| TaskError::Unreadable {
        path: path.to_owned(),
        reason: error.to_string(),
    })?;
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    if found.is_dir() {
        let described = Tree::Folder(path).has(DESCRIPTION);
        return Ok(if described { Kind::Described(path) } else { Kind::Folders });
    }
    if path.file_name().is_some_and(|name| name == DESCRIPTION) {
        return Ok(Kind::Described(parent.unwrap_or(Path::new("."))));
    }
    let archive = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("npz"));
    if archive { Ok(Kind::Archive) } else { Err(TaskError::NotATask(path.to_owned())) }
}

/// A task with a task.toml.
pub(super) fn described(tree: &Tree<'_>) -> Result<Task, TaskError> {
    let place = tree.place(DESCRIPTION);
    let (found, policy) = Description::parse(&tree.read(DESCRIPTION)?, &place)?;
    let labelled = labelled(tree, &found.samples, &found.labels, Share::Device)?;
    let place = place.display().to_string();
    finish(found.name, found.description, labelled, policy, &place)
}

/// Samples at a path within a task's folder.
fn labelled(
    tree: &Tree<'_>,
    path: &str,
    labels: &[String],
    share: Share,
) -> Result<Labelled, TaskError> {
    if path.to_ascii_lowercase().ends_with(".npz") {
        let name = tree.place(path).display().to_string();
        return from_npz(&tree.read(path)?, &name, Some(labels), share);
    }
    from_folders(tree, path, Some(labels), share)
}

fn finish(
    name: String,
    description: String,
    (labels, samples, targets): Labelled,
    policy: Policy,
    place: &str,
) -> Result<Task, TaskError> {
    if samples.len() < 2 {
        let found = if samples.is_empty() { "no sample" } else { "one sample" };
        return Err(TaskError::Size { place: place.to_owned(), found: found.to_owned() });
    }
    let digest = digest(&labels, &samples, &targets);
    Ok(Task { name, description, labels, samples, targets, policy, digest })
}

/// Hash of labels and samples; the policy is no part of it, for it changes no evidence.
fn digest(labels: &[String], samples: &[Sample], targets: &[f64]) -> Digest {
    let heads: Vec<[u8; 16]> = samples
        .iter()
        .map(|Sample { image, label }| {
            let mut head = [0; 16];
            let numbers = [*label, image.height, image.width, image.channels];
            for (bytes, number) in head.chunks_exact_mut(4).zip(numbers) {
                bytes.copy_from_slice(&number.to_le_bytes());
            }
            head
        })
        .collect();
    let numbers: Vec<u8> = targets.iter().flat_map(|target| target.to_le_bytes()).collect();
    let samples = heads
        .iter()
        .zip(samples)
        .flat_map(|(head, sample)| [head.as_slice(), sample.image.pixels.as_slice()]);
    let count = (labels.len() as u64).to_le_bytes();
    let labels = labels.iter().map(String::as_bytes);
    let numbers = (!targets.is_empty()).then_some(numbers.as_slice());
    Digest::of_parts(std::iter::once(count.as_slice()).chain(labels).chain(samples).chain(numbers))
}

impl Task {
    /// Those of some samples whose image is none of the task's: the others prove nothing of it.
    #[must_use]
    pub fn unseen(&self, samples: Vec<Sample>) -> Vec<Sample> {
        let hash = |sample: &Sample| Digest::of(&sample.image.pixels);
        let known: HashSet<Digest> = self.samples.iter().map(hash).collect();
        samples.into_iter().filter(|sample| !known.contains(&hash(sample))).collect()
    }

    /// The same task with the first so many samples of each class.
    #[must_use]
    pub fn at_most(self, per_class: usize) -> Self {
        let mut taken = vec![0; self.labels.len()];
        let mut samples = self.samples;
        samples.retain(|sample| {
            let Some(count) = taken.get_mut(sample.label as usize) else { return false };
            *count += 1;
            *count <= per_class
        });
        // Samples with real targets are of one class: the first of them stay.
        let mut targets = self.targets;
        targets.truncate(samples.len());
        Self { digest: digest(&self.labels, &samples, &targets), samples, targets, ..self }
    }
}

fn name_of(path: &Path) -> String {
    let stem = path.file_stem().or_else(|| path.file_name());
    stem.map_or_else(|| "task".to_owned(), |stem| stem.to_string_lossy().into_owned())
}
