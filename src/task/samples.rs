//! Labelled images from class folders or an `.npz`.
//!
//! A device needs few samples: of each class at most [`PER_CLASS`] are taken, chosen
//! by a fixed seed, so that the same files give the same task everywhere.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::decode::{LONGEST_SIDE, decode};
use super::tree::Tree;
use super::{Sample, TaskError};
use crate::base::parallel;
use crate::base::random::SplitMix64;
use crate::model::npz::read_npz;
use crate::model::{Dtype, Image, Tensor};

/// Samples of one class that a task takes.
pub(super) const PER_CLASS: usize = 50;
/// Samples of a task, and classes, at most.
const MOST_SAMPLES: usize = 2000;
const MOST_CLASSES: usize = 1000;
/// Samples with real targets that a task takes.
const MOST_TARGETS: usize = 500;
/// What a real target is called.
const TARGET: &str = "value";
/// Samples of a test split, at most.
const MOST_TEST_SAMPLES: usize = 100_000;
/// Pixels of all images together, in bytes: a folder of photographs as they come from a camera
/// would fill any board.
const MOST_PIXELS: usize = 1 << 30;
/// Fixed, so that a task is the same wherever it is opened.
const SEED: u64 = 0x7461_736b;

/// How many samples of each class to take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Share {
    /// Few, for the device.
    Device,
    /// All, for an evaluation.
    All,
}

impl Share {
    fn per_class(self, classes: usize) -> usize {
        match self {
            Self::Device => PER_CLASS.min((MOST_SAMPLES / classes.max(1)).max(2)),
            Self::All => MOST_TEST_SAMPLES / classes.max(1),
        }
    }

    /// The members of a class to take, in their own order.
    fn choose<T>(self, members: Vec<T>, classes: usize) -> Vec<T> {
        draw(members, self.per_class(classes))
    }
}

/// So many of them, by the fixed seed, in their own order.
fn draw<T>(mut members: Vec<T>, wanted: usize) -> Vec<T> {
    if members.len() <= wanted {
        return members;
    }
    let mut order: Vec<usize> = (0..members.len()).collect();
    SplitMix64::new(SEED).shuffle(&mut order);
    order.truncate(wanted);
    let mut at = 0;
    members.retain(|_| {
        at += 1;
        order.contains(&(at - 1))
    });
    members
}

/// Samples with the names of their classes, and their real targets where they have those instead.
pub(super) type Labelled = (Vec<String>, Vec<Sample>, Vec<f64>);

/// From a folder of one folder of images per class. `labels` gives the order of the
/// classes and must be the folders' names; without it they are in alphabetical order.
pub(super) fn from_folders(
    tree: &Tree<'_>,
    root: &str,
    labels: Option<&[String]>,
    share: Share,
) -> Result<Labelled, TaskError> {
    let place = tree.place(root).display().to_string();
    let folders = tree.folders(root)?;
    let labels = labels.unwrap_or(&folders);
    check_classes(labels.len(), &place)?;
    same_names(labels, &folders, &place)?;
    let mut files = Vec::new();
    for (class, label) in labels.iter().enumerate() {
        let folder = if root.is_empty() { label.clone() } else { format!("{root}/{label}") };
        let images = images(tree, &folder)?;
        if images.is_empty() {
            let place = tree.place(&folder).display().to_string();
            return Err(TaskError::EmptyClass { class: label.clone(), place });
        }
        for name in share.choose(images, labels.len()) {
            files.push((format!("{folder}/{name}"), class as u32));
        }
    }
    let decoded = AtomicUsize::new(0);
    let within = |(path, label): &(String, u32)| {
        // What was decoded is looked at before more is.
        within_bounds(&decoded, 0, &place)?;
        let sample = sample(tree, path, *label)?;
        within_bounds(&decoded, sample.image.pixels.len(), &place)?;
        Ok(sample)
    };
    let samples: Result<_, _> = parallel::map(&files, within).into_iter().collect();
    Ok((labels.to_vec(), samples?, Vec::new()))
}

/// Counts pixels, and refuses more than fit.
fn within_bounds(decoded: &AtomicUsize, more: usize, place: &str) -> Result<(), TaskError> {
    if decoded.fetch_add(more, Ordering::Relaxed) + more <= MOST_PIXELS {
        return Ok(());
    }
    let found = "more than 1 GiB of pixels: make the images smaller".to_owned();
    Err(TaskError::Size { place: place.to_owned(), found })
}

fn sample(tree: &Tree<'_>, path: &str, label: u32) -> Result<Sample, TaskError> {
    let name = tree.place(path).display().to_string();
    let image = decode(&tree.read(path)?).map_err(|error| error.of_image(&name))?;
    Ok(Sample { image, label })
}

/// Image files of a folder. Images in other formats are refused rather than forgotten;
/// what is no image is passed over.
fn images(tree: &Tree<'_>, folder: &str) -> Result<Vec<String>, TaskError> {
    let mut images = Vec::new();
    for name in tree.files(folder)? {
        let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
        match ending.as_deref() {
            Some("png" | "jpg" | "jpeg") => images.push(name),
            Some("bmp" | "gif" | "webp" | "tif" | "tiff" | "heic" | "avif" | "ppm" | "pgm") => {
                let name = tree.place(&format!("{folder}/{name}")).display().to_string();
                return Err(TaskError::Image { name, reason: "neither PNG nor JPEG".to_owned() });
            }
            _ => {}
        }
    }
    Ok(images)
}

fn same_names(labels: &[String], folders: &[String], place: &str) -> Result<(), TaskError> {
    let missing = labels.iter().find(|label| !folders.contains(label));
    let extra = folders.iter().find(|folder| !labels.contains(folder));
    let reason = match (missing, extra) {
        (Some(label), _) => format!("there is no folder for label {label:?}"),
        (None, Some(folder)) => format!("folder {folder:?} is no label"),
        (None, None) => return Ok(()),
    };
    Err(TaskError::Labels { place: place.to_owned(), reason })
}

fn check_classes(classes: usize, place: &str) -> Result<(), TaskError> {
    if (2..=MOST_CLASSES).contains(&classes) {
        return Ok(());
    }
    let found = if classes == 1 { "one class".to_owned() } else { format!("{classes} classes") };
    Err(TaskError::Size { place: place.to_owned(), found })
}

/// From the bytes of an `.npz`. `labels` must agree with its classes, if it names any.
pub(super) fn from_npz(
    bytes: &[u8],
    name: &str,
    labels: Option<&[String]>,
    share: Share,
) -> Result<Labelled, TaskError> {
    let refused = |reason: String| TaskError::Archive { name: name.to_owned(), reason };
    let arrays = read_npz(bytes).map_err(|error| refused(error.to_string()))?;
    if let Some((x, targets)) = real(&arrays, share).filter(|_| labels.is_none()) {
        return of_targets(x, targets, name);
    }
    let (x, y) = split(&arrays, share).ok_or_else(|| {
        let found: Vec<&str> = arrays.keys().map(String::as_str).collect();
        let found = found.join(", ");
        refused(format!("no pair of x and y, one label an image, among its arrays ({found})"))
    })?;
    let shape = ImageShape::of(x).map_err(refused)?;
    let classes = y.to_i64().ok_or_else(|| {
        refused("y does not hold whole numbers; real numbers are called targets".to_owned())
    })?;
    if classes.len() != shape.count {
        return Err(refused(format!("{} labels for {} images", classes.len(), shape.count)));
    }
    let labels = class_names(&arrays, &classes, labels, name)?;
    check_classes(labels.len(), name)?;
    let mut samples = Vec::new();
    for (class, label) in labels.iter().enumerate() {
        let of_class = |at: &usize| classes.get(*at).is_some_and(|found| *found == class as i64);
        let members: Vec<usize> = (0..shape.count).filter(of_class).collect();
        if members.is_empty() && share == Share::Device {
            let place = name.to_owned();
            return Err(TaskError::EmptyClass { class: label.clone(), place });
        }
        let chosen = share.choose(members, labels.len());
        let images = chosen.into_iter().filter_map(|at| shape.image(x, at));
        samples.extend(images.map(|image| Sample { image, label: class as u32 }));
    }
    Ok((labels, samples, Vec::new()))
}

/// Images with a real number each: one quantity, called `value`.
fn of_targets(x: &Tensor, targets: &Tensor, name: &str) -> Result<Labelled, TaskError> {
    let refused = |reason: String| TaskError::Archive { name: name.to_owned(), reason };
    let shape = ImageShape::of(x).map_err(refused)?;
    let targets = targets.to_f32().filter(|_| targets.shape.len() == 1);
    let targets = targets.ok_or_else(|| refused("targets is no list of numbers".to_owned()))?;
    let targets: Vec<f64> = targets.into_iter().map(f64::from).collect();
    if targets.len() != shape.count {
        return Err(refused(format!("{} targets for {} images", targets.len(), shape.count)));
    }
    if let Some(at) = targets.iter().position(|target| !target.is_finite()) {
        return Err(refused(format!("target {at} is not finite")));
    }
    let chosen = draw((0..shape.count).collect(), MOST_TARGETS);
    let images = chosen.iter().filter_map(|at| shape.image(x, *at));
    let samples = images.map(|image| Sample { image, label: 0 }).collect();
    let targets = chosen.iter().filter_map(|at| targets.get(*at).copied()).collect();
    Ok((vec![TARGET.to_owned()], samples, targets))
}

/// The arrays that hold the split: a task learns from `x_train`, an evaluation prefers `x_test`.
fn split(arrays: &BTreeMap<String, Tensor>, share: Share) -> Option<(&Tensor, &Tensor)> {
    let order = match share {
        Share::Device => [("x_train", "y_train"), ("x", "y")],
        Share::All => [("x_test", "y_test"), ("x", "y")],
    };
    order.into_iter().find_map(|(x, y)| Some((arrays.get(x)?, arrays.get(y)?)))
}

/// The arrays of a task of real targets, where there are no labels.
fn real(arrays: &BTreeMap<String, Tensor>, share: Share) -> Option<(&Tensor, &Tensor)> {
    let pairs = [("x_train", "targets_train"), ("x", "targets")];
    let found = pairs.into_iter().find_map(|(x, y)| Some((arrays.get(x)?, arrays.get(y)?)));
    found.filter(|_| split(arrays, share).is_none())
}

/// Names of the classes: those asked for, those in the archive, or the numbers.
fn class_names(
    arrays: &BTreeMap<String, Tensor>,
    classes: &[i64],
    labels: Option<&[String]>,
    name: &str,
) -> Result<Vec<String>, TaskError> {
    let mismatch = |reason: String| TaskError::Labels { place: name.to_owned(), reason };
    let numbers = |values: Vec<i64>| values.iter().map(i64::to_string).collect();
    let own: Option<Vec<String>> = arrays
        .get("classes")
        .and_then(|array| array.to_strings().or_else(|| array.to_i64().map(numbers)));
    let highest = classes.iter().copied().max().unwrap_or(-1);
    if let Some(lowest) = classes.iter().copied().min().filter(|lowest| *lowest < 0) {
        return Err(mismatch(format!("class number {lowest} is negative")));
    }
    let found = match (labels, own) {
        (Some(labels), Some(own)) if labels != own.as_slice() => {
            return Err(mismatch(format!("its classes are {}", own.join(", "))));
        }
        (Some(labels), _) => labels.to_vec(),
        (None, Some(own)) => own,
        (None, None) if highest >= MOST_CLASSES as i64 => {
            return Err(mismatch(format!("class number {highest} is too high")));
        }
        (None, None) => numbers((0..=highest).collect()),
    };
    if highest >= found.len() as i64 {
        return Err(mismatch(format!("class number {highest} of {} labels", found.len())));
    }
    Ok(found)
}

/// The shape of an array of images.
struct ImageShape {
    count: usize,
    height: u32,
    width: u32,
    channels: u32,
}

impl ImageShape {
    fn of(x: &Tensor) -> Result<Self, String> {
        if x.dtype != Dtype::UInt8 {
            return Err(format!("x holds {}, not uint8", x.dtype.name()));
        }
        let side =
            |size: usize| u32::try_from(size).ok().filter(|s| (1..=LONGEST_SIDE).contains(s));
        let (count, height, width, channels) = match *x.shape.as_slice() {
            [count, height, width] => (count, height, width, 1),
            [count, height, width, channels @ (1 | 3)] => (count, height, width, channels),
            _ => return Err(format!("x has the shape {:?}", x.shape)),
        };
        match (side(height), side(width)) {
            (Some(height), Some(width)) => {
                Ok(Self { count, height, width, channels: channels as u32 })
            }
            _ => Err(format!("images of {height} x {width}")),
        }
    }

    fn image(&self, x: &Tensor, at: usize) -> Option<Image> {
        let Self { height, width, channels, .. } = *self;
        let size = height as usize * width as usize * channels as usize;
        let pixels = x.data.get(at.checked_mul(size)?..)?.get(..size)?.to_vec();
        Some(Image { height, width, channels, pixels })
    }
}
