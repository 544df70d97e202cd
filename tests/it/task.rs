//! The task room: opening, refusing, heads, and a whole observation by a scripted engine.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use image::{ExtendedColorType, ImageEncoder, ImageFormat};
use nalgebra::DMatrix;
use umbra::base::random::SplitMix64;
use umbra::base::{Bytes, Clock, Digest, FakeClock, Joules, Micros, Stop, SysRoot};
use umbra::child::{Context, Ended, Job, Next, Spawn, Watch};
use umbra::engine::{Engine, EngineError, LoadOptions, Loaded, Session};
use umbra::model::npz::write_npz;
use umbra::model::{
    Affinity, Candidate, Card, Config, Dtype, Layout, Manifest, Outputs, Preprocess, Quantization,
    Source, SourceTask, Stage, Tensor, TensorInfo,
};
use umbra::rank::relevance::scores;
use umbra::task::head::{cross_validate, fit};
use umbra::task::{Evidence, Task, TaskError, decode, observe, open, open_samples, work};

use crate::inside::Inside;

pub(crate) fn png(width: u32, height: u32, value: u8) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    let image = image::RgbImage::from_pixel(width, height, image::Rgb([value, 0, 255 - value]));
    image.write_to(&mut bytes, ImageFormat::Png).unwrap();
    bytes.into_inner()
}

/// Two classes of three images, of several sizes and formats.
fn folders(root: &Path) {
    for (class, value) in [("cat", 10), ("dog", 200)] {
        std::fs::create_dir_all(root.join(class)).unwrap();
        std::fs::write(root.join(class).join("a.png"), png(4, 3, value)).unwrap();
        std::fs::write(root.join(class).join("b.png"), png(9, 9, value + 1)).unwrap();
        let mut jpeg = std::io::Cursor::new(Vec::new());
        let grey = image::GrayImage::from_pixel(5, 5, image::Luma([value]));
        grey.write_to(&mut jpeg, ImageFormat::Jpeg).unwrap();
        std::fs::write(root.join(class).join("c.JPG"), jpeg.into_inner()).unwrap();
        std::fs::write(root.join(class).join(".hidden.png"), "x").unwrap();
        std::fs::write(root.join(class).join("notes.txt"), "x").unwrap();
    }
}

fn described(root: &Path, toml: &str) -> Result<Task, TaskError> {
    let dir = root.join("train");
    if !dir.exists() {
        folders(&dir);
    }
    std::fs::write(root.join("task.toml"), toml).unwrap();
    open(root)
}

const HEAD: &str =
    "schema = 1\nname = \"pets\"\nlabels = [\"dog\", \"cat\"]\nsamples = \"train\"\n";

#[test]
fn a_bare_folder_is_a_task_with_mixed_sizes_and_formats() {
    let dir = tempfile::tempdir().unwrap();
    folders(dir.path());
    let task = open(dir.path()).unwrap();
    assert_eq!(task.labels, ["cat", "dog"]);
    let sizes: Vec<(u32, u32, u32)> = task
        .samples
        .iter()
        .filter(|sample| sample.label == 1)
        .map(|sample| (sample.image.width, sample.image.height, sample.image.channels))
        .collect();
    assert_eq!(sizes, [(4, 3, 3), (9, 9, 3), (5, 5, 1)]);
    assert_eq!(task.samples[3].image.pixels[..3], [200, 0, 55]);
}

#[test]
fn a_description_gives_order_limits_targets_and_weights() {
    let dir = tempfile::tempdir().unwrap();
    let text = format!(
        "{HEAD}[limits]\nlatency_ms = 2.5\nmemory_mb = 32\naccuracy = 0.8\n[targets]\nenergy_mj = 4\n[weights]\nthermal = 0\nrelevance = 50\n"
    );
    let task = described(dir.path(), &text).unwrap();
    assert_eq!((task.name.as_str(), task.labels[0].as_str()), ("pets", "dog"));
    assert_eq!(task.samples[0].image.pixels[0], 200);
    let policy = &task.policy;
    assert_eq!(policy.limits.latency, Some(Micros(2500.0)));
    assert_eq!(policy.limits.memory, Some(Bytes(32_000_000)));
    assert_eq!(policy.limits.accuracy, Some(0.8));
    assert_eq!(policy.targets.energy, Some(Joules(0.004)));
    assert_eq!((policy.weights.relevance, policy.weights.thermal), (50.0, 0.0));
    assert_eq!(policy.weights.latency, umbra::task::Weights::default().latency);
    assert_eq!(open(&dir.path().join("task.toml")).unwrap().digest, task.digest);
    let other = described(dir.path(), &HEAD.replace("[\"dog\", \"cat\"]", "[\"cat\", \"dog\"]"));
    assert_ne!(other.unwrap().digest, task.digest);
}

#[test]
fn a_description_that_cannot_be_says_where_and_what() {
    let dir = tempfile::tempdir().unwrap();
    for (text, expected) in [
        (format!("{HEAD}[limits]\nlatency = 3\n"), "line 6, column 1: unknown field `latency`"),
        (format!("{HEAD}[weights]\nmemory = -1\n"), "memory = -1 is not"),
        (format!("{HEAD}[weights]\nmemory = nan\n"), "memory = NaN is not"),
        (
            format!(
                "{HEAD}[weights]\nrelevance=0\nlatency=0\nmemory=0\nenergy=0\nthermal=0\nstorage=0\n"
            ),
            "all zero",
        ),
        (format!("{HEAD}[limits]\naccuracy = 90\n"), "at most 1"),
        (HEAD.replace("schema = 1", "schema = 2"), "schema 2"),
        (HEAD.replace("\"cat\"", "\"dog\""), "is there twice"),
        (HEAD.replace("name", "nmae"), "line 2, column 1: unknown field `nmae`"),
        ("schema = ".to_owned(), "line 1"),
        (HEAD.replace("[\"dog\", \"cat\"]", "[\"dog\"]"), "one class"),
        (HEAD.replace("\"cat\"", "\"cow\""), "no folder for label \"cow\""),
        (HEAD.replace("\"cat\"", "\"cat\", \"../x\""), "no folder for label \"../x\""),
        (HEAD.replace("\"train\"", "\"gone\""), "gone cannot be read"),
    ] {
        let refused = described(dir.path(), &text).unwrap_err();
        assert!(refused.to_string().contains(expected), "{expected}: {refused}");
        assert!(!refused.help().is_empty() && refused.code().starts_with("task-"));
    }
    std::fs::create_dir(dir.path().join("train/eel")).unwrap();
    let extra = described(dir.path(), HEAD).unwrap_err().to_string();
    assert!(extra.contains("folder \"eel\" is no label"), "{extra}");
}

#[test]
fn a_folder_that_misleads_is_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    folders(dir.path());
    let refusal = || open(dir.path()).unwrap_err().to_string();
    std::fs::write(dir.path().join("cat/d.png"), &png(4, 4, 1)[..40]).unwrap();
    assert!(refusal().contains("cat/d.png"), "{}", refusal());
    std::fs::rename(dir.path().join("cat/d.png"), dir.path().join("cat/d.bmp")).unwrap();
    assert!(refusal().contains("d.bmp: neither PNG nor JPEG"));
    std::fs::remove_file(dir.path().join("cat/d.bmp")).unwrap();
    std::fs::create_dir(dir.path().join("eel")).unwrap();
    assert!(refusal().contains("class \"eel\" has no sample"));
    std::fs::remove_dir(dir.path().join("eel")).unwrap();
    std::fs::remove_dir_all(dir.path().join("dog")).unwrap();
    assert!(refusal().contains("one class"));
    std::fs::remove_dir_all(dir.path().join("cat")).unwrap();
    assert!(refusal().contains("0 classes"));
    assert!(matches!(open(&dir.path().join("gone")), Err(TaskError::Unreadable { .. })));
    std::fs::write(dir.path().join("file.zip"), "x").unwrap();
    assert!(matches!(open(&dir.path().join("file.zip")), Err(TaskError::NotATask(_))));
}

#[test]
fn a_folder_without_permission_is_named() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    folders(dir.path());
    let locked = dir.path().join("cat");
    std::fs::set_permissions(&locked, std::fs::Permissions::from_mode(0o000)).unwrap();
    let opened = open(dir.path());
    let root = std::fs::read_dir(&locked).is_ok();
    std::fs::set_permissions(&locked, std::fs::Permissions::from_mode(0o755)).unwrap();
    match opened {
        Err(refused) => assert!(refused.to_string().contains("cat cannot be read"), "{refused}"),
        // Root reads everything.
        Ok(_) => assert!(root),
    }
}

#[test]
fn images_are_decoded_within_bounds() {
    let deep = image::ImageBuffer::<image::Luma<u16>, _>::from_pixel(2, 2, image::Luma([0xABCD]));
    let mut bytes = std::io::Cursor::new(Vec::new());
    deep.write_to(&mut bytes, ImageFormat::Png).unwrap();
    let decoded = decode(&bytes.into_inner()).unwrap();
    assert_eq!((decoded.channels, decoded.pixels.len()), (1, 4));
    assert!((0xAB..=0xAC).contains(&decoded.pixels[0]));
    // A few bytes that claim 2^31 pixels a side.
    let mut bomb = png(2, 2, 0);
    bomb[16..24].copy_from_slice(&[0x7F, 0xFF, 0xFF, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF]);
    let checksum = crc32(&bomb[12..29]);
    bomb[29..33].copy_from_slice(&checksum.to_be_bytes());
    let wide = png(8193, 1, 0);
    for refused in [&bomb[..], &wide, b"", b"GIF89a", &png(3, 3, 1)[..30]] {
        assert!(matches!(decode(refused), Err(TaskError::Image { .. })));
    }
    let mut transparent = Vec::new();
    image::codecs::png::PngEncoder::new(&mut transparent)
        .write_image(&[1, 2, 3, 0], 1, 1, ExtendedColorType::Rgba8)
        .unwrap();
    assert_eq!(decode(&transparent).unwrap().pixels, [1, 2, 3]);
}

pub(crate) fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 };
        }
    }
    !crc
}

pub(crate) fn bytes_of(shape: Vec<usize>, data: Vec<u8>) -> Tensor {
    Tensor { dtype: Dtype::UInt8, shape, data }
}

pub(crate) fn archive(arrays: &[(&str, Tensor)]) -> Vec<u8> {
    let arrays: BTreeMap<String, Tensor> =
        arrays.iter().map(|(name, array)| ((*name).to_owned(), array.clone())).collect();
    write_npz(&arrays).unwrap()
}

#[test]
fn an_archive_is_a_task_and_takes_fifty_samples_of_a_class_at_most() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("two.npz");
    let labels: Vec<i64> = (0..300).map(|at| i64::from(at % 3 == 0)).collect();
    let pixels: Vec<u8> = (0..300u32).flat_map(|at| [(at % 251) as u8; 12]).collect();
    let arrays = [
        ("x_train", bytes_of(vec![300, 2, 2, 3], pixels)),
        ("y_train", Tensor::from_i64(vec![300], &labels)),
        ("x_test", bytes_of(vec![4, 2, 2], (0..16).collect())),
        ("y_test", Tensor::from_i64(vec![4], &[0, 1, 1, 0])),
        ("classes", Tensor::from_strings(&["no".to_owned(), "yes".to_owned()])),
    ];
    std::fs::write(&path, archive(&arrays)).unwrap();
    let task = open(&path).unwrap();
    assert_eq!((task.name.as_str(), task.labels.len()), ("two", 2));
    let of_class = |label| task.samples.iter().filter(|s| s.label == label).count();
    assert_eq!((of_class(0), of_class(1)), (50, 50));
    assert_eq!(open(&path).unwrap().digest, task.digest);
    let test = open_samples(&path, &task.labels).unwrap();
    assert_eq!(test.len(), 4);
    assert_eq!((test[0].image.channels, test[0].image.pixels.clone()), (1, vec![0, 1, 2, 3]));
    let refused = open_samples(&path, &["yes".to_owned(), "no".to_owned()]).unwrap_err();
    assert!(refused.to_string().contains("its classes are no, yes"), "{refused}");
}

#[test]
fn an_archive_without_samples_is_refused_with_what_it_has() {
    let x = || bytes_of(vec![2, 1, 1, 1], vec![1, 2]);
    let y = |values: &[i64]| Tensor::from_i64(vec![values.len()], values);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("bad.npz");
    for (arrays, expected) in [
        (
            vec![("x_test", x())],
            "no pair of x and y, one label an image, among its arrays (x_test)",
        ),
        (vec![("x", x()), ("y", y(&[0]))], "1 labels for 2 images"),
        (vec![("x", x()), ("y", y(&[0, -1]))], "class number -1 is negative"),
        (vec![("x", x()), ("y", y(&[0, 5000]))], "class number 5000 is too high"),
        (vec![("x", x()), ("y", y(&[0, 0]))], "one class"),
        (vec![("x", x()), ("y", y(&[0, 2]))], "class \"1\" has no sample"),
        (vec![("x", Tensor::from_f32(vec![1], &[1.0])), ("y", y(&[0]))], "x holds float32"),
        (vec![("x", bytes_of(vec![1, 2], vec![1, 2])), ("y", y(&[0]))], "x has the shape [1, 2]"),
        (
            vec![("x", x()), ("y", y(&[0, 1])), ("classes", Tensor::from_strings(&["a".into()]))],
            "class number 1 of 1 labels",
        ),
    ] {
        std::fs::write(&path, archive(&arrays)).unwrap();
        let refused = open(&path).unwrap_err().to_string();
        assert!(refused.contains(expected) && refused.contains("bad.npz"), "{expected}: {refused}");
    }
    for garbage in [&b""[..], b"PK\x03\x04", &archive(&[("x", x())])[..60]] {
        std::fs::write(&path, garbage).unwrap();
        assert!(matches!(open(&path), Err(TaskError::Archive { .. })));
    }
}

/// The folder of the shared data sets, or one loud line.
pub(crate) fn shared_sets(what: &str) -> Option<std::path::PathBuf> {
    let shared = std::env::var("UMBRA_SHARED")
        .unwrap_or_else(|_| format!("{}/../shared", env!("CARGO_MANIFEST_DIR")));
    let sets = Path::new(&shared).join("datasets");
    if !sets.is_dir() {
        eprintln!("NOT RUN: {what}: the shared data sets are not there (UMBRA_SHARED)");
        return None;
    }
    Some(sets)
}

#[test]
fn the_shared_data_sets_open_where_they_are_there() {
    let Some(sets) = shared_sets("opening the shared data sets") else { return };
    for (name, classes, side) in
        [("sign_digits32", 10, 32), ("fsdd_logmel32", 10, 32), ("omniglot_alphabet32", 8, 32)]
    {
        let path = sets.join(format!("{name}.npz"));
        let task = open(&path).unwrap();
        assert_eq!((task.labels.len(), task.samples.len()), (classes, classes * 50), "{name}");
        assert_eq!(task.samples[0].image.height, side);
        assert!(!open_samples(&path, &task.labels).unwrap().is_empty());
    }
    for name in ["coral_photos224", "kws01_mfcc_int8"] {
        assert!(matches!(open(&sets.join(format!("{name}.npz"))), Err(TaskError::Archive { .. })));
    }
}

#[test]
fn fewer_samples_are_another_task_and_held_out_images_are_none_of_its_own() {
    let task = colours();
    let few = task.clone().at_most(2);
    let of_class = |task: &Task, label| task.samples.iter().filter(|s| s.label == label).count();
    assert_eq!((of_class(&few, 0), of_class(&few, 1)), (2, 2));
    assert_eq!(few.samples[0], task.samples[0]);
    assert_ne!(few.digest, task.digest, "evidence of one is none of the other");
    assert_eq!(task.clone().at_most(50).digest, task.digest);
    assert_eq!(task.unseen(task.samples.clone()), []);
    assert_eq!(few.unseen(task.samples.clone()).len(), task.samples.len() - 4);
}

/// Clusters around class centres.
fn blobs(samples: usize, size: usize, classes: u32, signal: f64) -> (DMatrix<f64>, Vec<u32>) {
    let mut random = SplitMix64::new(11);
    let mut normal = move || (0..12).map(|_| random.unit()).sum::<f64>() - 6.0;
    let centres = DMatrix::from_fn(classes as usize, size, |_, _| signal * normal());
    let labels: Vec<u32> = (0..samples).map(|at| at as u32 % classes).collect();
    let features = DMatrix::from_fn(samples, size, |at, feature| {
        1000.0 + 50.0 * (centres[(labels[at] as usize, feature)] + normal())
    });
    (features, labels)
}

fn names(count: u32) -> Vec<String> {
    (0..count).map(|at| at.to_string()).collect()
}

/// Share of rows that the deployed form of a head gets right.
fn accuracy(head: &umbra::model::Head, features: &DMatrix<f64>, labels: &[u32]) -> f64 {
    let right = features.row_iter().zip(labels).filter(|(row, label)| {
        let scores: Vec<f32> = head
            .weights
            .chunks(head.features)
            .zip(&head.bias)
            .map(|(w, b)| b + w.iter().zip(row.iter()).map(|(w, x)| w * *x as f32).sum::<f32>())
            .collect();
        let best = (0..scores.len()).max_by(|a, b| scores[*a].total_cmp(&scores[*b])).unwrap();
        best == **label as usize
    });
    right.count() as f64 / labels.len() as f64
}

#[test]
fn a_head_separates_what_is_linear_with_more_and_with_fewer_samples_than_features() {
    for (samples, size) in [(120, 10), (40, 90)] {
        let (features, labels) = blobs(samples * 2, size, 4, 1.0);
        let (train, test) =
            (features.rows(0, samples).into(), features.rows(samples, samples).into());
        let head = fit(&train, &labels[..samples], &names(4)).unwrap();
        assert_eq!((head.weights.len(), head.bias.len()), (4 * size, 4));
        let found = accuracy(&head, &test, &labels[samples..]);
        let promised = cross_validate(&train, &labels[..samples]).unwrap();
        assert!(found > 0.9, "{samples} x {size}: {found}");
        assert!(promised.low <= found && promised.high >= 0.9, "{promised:?} against {found}");
    }
}

#[test]
fn cross_validation_promises_nothing_where_there_is_nothing_to_learn() {
    let (features, labels) = blobs(100, 60, 4, 0.0);
    let head = fit(&features, &labels, &names(4)).unwrap();
    assert!(accuracy(&head, &features, &labels) > 0.9, "it can learn noise by heart");
    let honest = cross_validate(&features, &labels).unwrap();
    assert!(honest.low < 0.25 && honest.high < 0.5, "{honest:?}");
}

#[test]
fn a_head_ignores_scale_and_shift_and_features_that_never_vary() {
    let (features, labels) = blobs(60, 5, 3, 0.6);
    let mut odd = features.clone().insert_columns(5, 2, 7.5);
    for (at, mut column) in odd.column_iter_mut().enumerate().take(5) {
        column *= 10f64.powi(3 * at as i32 - 6);
    }
    let plain = cross_validate(&features, &labels).unwrap();
    let odd_found = cross_validate(&odd, &labels).unwrap();
    assert!((plain.value - odd_found.value).abs() < 0.02, "{plain:?} {odd_found:?}");
    let head = fit(&odd, &labels, &names(3)).unwrap();
    assert!(head.weights.chunks(7).all(|row| row[5] == 0.0 && row[6] == 0.0));
}

#[test]
fn many_classes_and_features_go_to_ridge_and_still_work() {
    let (features, labels) = blobs(400, 300, 80, 1.2);
    let head = fit(&features, &labels, &names(80)).unwrap();
    assert!(accuracy(&head, &features, &labels) > 0.95);
}

#[test]
fn a_head_that_cannot_be_is_undefined() {
    let (features, labels) = blobs(10, 3, 2, 1.0);
    assert!(fit(&features, &[0; 10], &names(2)).is_err());
    assert!(fit(&features, &labels, &names(1)).is_err());
    assert!(fit(&features, &labels[..9], &names(2)).is_err());
    let mut broken = features.clone();
    broken[(1, 1)] = f64::NAN;
    assert!(fit(&broken, &labels, &names(2)).is_err());
    assert!(cross_validate(&features, &[0, 1, 1, 1, 1, 1, 1, 1, 1, 1]).is_err());
}

/// An engine whose "features" are the mean colour, and whose "scores" compare red with blue.
#[derive(Debug)]
struct Colours;

#[derive(Debug)]
struct ColourSession {
    outputs: Vec<String>,
    inputs: Vec<TensorInfo>,
}

impl Engine for Colours {
    fn name(&self) -> &'static str {
        "colours"
    }

    fn version(&self) -> String {
        "1".into()
    }

    fn isa(&self) -> String {
        String::new()
    }

    fn unsupported(&self, _: &Card) -> Vec<String> {
        Vec::new()
    }

    fn convolutions(&self, _: &[u8]) -> Result<(u64, u64), EngineError> {
        Ok((0, 0))
    }

    fn load(&self, model: &[u8], options: &LoadOptions) -> Result<Box<dyn Loaded>, EngineError> {
        assert_eq!(model, b"model");
        let shape = vec![Some(1), Some(4), Some(4), Some(3)];
        let input = TensorInfo { name: "x".into(), dtype: Dtype::Float32, shape };
        let outputs = options.outputs.clone().unwrap();
        Ok(Box::new(ColourSession { outputs, inputs: vec![input] }))
    }
}

impl Loaded for ColourSession {
    fn optimise(self: Box<Self>) -> Result<Box<dyn Session>, EngineError> {
        Ok(self)
    }
}

impl Session for ColourSession {
    fn inputs(&self) -> &[TensorInfo] {
        &self.inputs
    }

    fn outputs(&self) -> &[TensorInfo] {
        &[]
    }

    fn run(&mut self, inputs: &[Tensor]) -> Result<Vec<Tensor>, EngineError> {
        let pixels = inputs[0].to_f32().unwrap();
        let mean = |channel: usize| {
            pixels.chunks(3).map(|pixel| pixel[channel]).sum::<f32>() / (pixels.len() / 3) as f32
        };
        let values = |output: &String| match output.as_str() {
            "features" => vec![mean(0), mean(1), mean(2)],
            "scores" => vec![mean(0), mean(2)],
            "coarse" => vec![(mean(0) / 16.0).floor()],
            "wide" => vec![0.0; 5000],
            _ => vec![if mean(0) > 0.5 { f32::NAN } else { 0.0 }],
        };
        let tensor = |values: Vec<f32>| Tensor::from_f32(vec![1, values.len()], &values);
        Ok(self.outputs.iter().map(values).map(tensor).collect())
    }

    fn convolutions(&self) -> (u64, u64) {
        (0, 0)
    }
}

/// Does the job in this process, as a worker would.
fn here() -> Inside {
    Inside(|job, clock, frames| {
        assert_eq!(job.kind, "observe");
        let engines: Vec<Box<dyn Engine>> = vec![Box::new(Colours)];
        work(&job.payload, &engines, clock, frames, &scores)
    })
}

fn candidate(labels: &[&str], features: Option<&str>, scores: Option<&str>) -> Candidate {
    let preprocess = Preprocess {
        layout: Layout::Nhwc,
        channels: 3,
        height: 4,
        width: 4,
        mean: vec![0.0; 3],
        std: vec![255.0; 3],
    };
    Candidate {
        id: "colours".into(),
        source: Source::Memory(b"model".to_vec().into()),
        sha256: Digest::of(b"model"),
        bytes: 5,
        config: Config { engine: "colours".into(), threads: 1, affinity: Affinity::Any },
        manifest: Some(Manifest {
            behaviour: None,
            schema: 1,
            prior: None,
            id: "colours".into(),
            family: "none".into(),
            licence: "MIT".into(),
            sha256: Digest::of(b"model"),
            source: Some(SourceTask {
                task: "colours".into(),
                labels: labels.iter().map(|label| (*label).to_owned()).collect(),
                dataset: None,
                accuracy_float: None,
                accuracy_int8: None,
                samples: None,
            }),
            preprocess: Some(preprocess),
            outputs: Some(Outputs {
                features: features.map(str::to_owned),
                scores: scores.map(str::to_owned),
            }),
            golden: Vec::new(),
        }),
        card: None,
        rejection: None,
    }
}

/// Red and blue images, labelled in the other order than the model's.
fn colours() -> Task {
    let dir = tempfile::tempdir().unwrap();
    for (class, values) in
        [("blue", [10u8, 30, 50, 20, 40, 60]), ("red", [200, 220, 240, 190, 210, 255])]
    {
        std::fs::create_dir_all(dir.path().join(class)).unwrap();
        for (at, value) in values.into_iter().enumerate() {
            let path = dir.path().join(class).join(format!("{at}.png"));
            std::fs::write(path, png(4, 4, value)).unwrap();
        }
    }
    open(dir.path()).unwrap()
}

fn observed(candidate: &Candidate, engine: &str) -> Result<Evidence, umbra::model::Rejection> {
    let (clock, sys, stop) = (FakeClock::default(), SysRoot::default(), Stop::default());
    let ctx = Context { spawn: &here(), clock: &clock, sys: &sys, stop: &stop };
    observe(&colours(), candidate, engine, ctx, Duration::from_secs(60))
}

#[test]
fn an_observation_gives_own_accuracy_a_head_and_a_score() {
    let evidence =
        observed(&candidate(&["red", "blue"], Some("features"), Some("scores")), "colours")
            .unwrap();
    assert_eq!(evidence.own_accuracy.unwrap().value, 1.0);
    assert_eq!(evidence.head_accuracy.unwrap().value, 1.0);
    assert!(evidence.own_accuracy.unwrap().low < 0.8, "twelve samples prove little");
    assert!(evidence.logme().unwrap().value.is_finite());
    assert_eq!(evidence.head.as_ref().unwrap().labels, ["blue", "red"]);
    assert_eq!((evidence.task, evidence.undefined), (colours().digest, None));
}

#[test]
fn labels_of_another_task_give_no_own_accuracy() {
    let evidence =
        observed(&candidate(&["red", "green"], Some("features"), Some("scores")), "colours")
            .unwrap();
    assert_eq!(evidence.own_accuracy, None);
    assert!(evidence.head_accuracy.is_some() && !evidence.uses_own_scores());
}

#[test]
fn the_samples_tell_how_pixels_are_fed_where_no_sidecar_says_it() {
    let mut bare = candidate(&[], Some("coarse"), None);
    let stated = bare.manifest.as_mut().unwrap().preprocess.take().unwrap();
    let shape = vec![Some(1), Some(4), Some(4), Some(3)];
    bare.card = Some(Card {
        opset: 13,
        inputs: vec![TensorInfo { name: "x".into(), dtype: Dtype::Float32, shape }],
        outputs: Vec::new(),
        ops: BTreeMap::new(),
        params: 0,
        macs: None,
        work: Vec::new(),
        weight_bytes: BTreeMap::new(),
        peak_activation_bytes: None,
        quantization: Quantization::Float32,
        feature_tap: None,
        feature_size: None,
    });
    // Fed 0 to 1 or -1 to 1, its feature is the same for every image.
    let shown = observed(&bare, "colours").unwrap();
    let fed = shown.preprocess.as_ref().unwrap();
    assert_eq!((&fed.mean, &fed.std), (&vec![0.0; 3], &vec![1.0; 3]));
    assert_eq!(shown.head_accuracy.unwrap().value, 1.0);
    // A sidecar is believed, right or wrong.
    bare.manifest.as_mut().unwrap().preprocess = Some(stated);
    let shown = observed(&bare, "colours").unwrap();
    assert_eq!(shown.preprocess, None);
    assert!(shown.head_accuracy.is_none_or(|found| found.value < 1.0), "{shown:?}");
}

#[test]
fn what_cannot_be_observed_is_refused_with_a_reason() {
    let refusal = |candidate: &Candidate, engine: &str| observed(candidate, engine).unwrap_err();
    let nan = refusal(&candidate(&[], Some("nan"), None), "colours");
    assert_eq!(nan.stage, Stage::Observe);
    assert_eq!(nan.reason, "colours, sample 6 (red): output 0 is not finite");
    let wide = refusal(&candidate(&[], Some("wide"), None), "colours");
    assert!(wide.reason.contains("5000 features") && wide.help.is_some());
    let engine = refusal(&candidate(&[], Some("features"), None), "other");
    assert!(engine.reason.contains("no engine other"));
    let mut blind = candidate(&["red", "green"], None, Some("scores"));
    let useless = refusal(&blind, "colours");
    assert!(useless.reason.contains("neither features nor scores"), "{}", useless.reason);
    blind.manifest = None;
    assert!(refusal(&blind, "colours").reason.contains("reads no image"));
}

#[test]
fn features_that_never_vary_make_a_head_that_knows_nothing_and_no_panic() {
    let names = ["a", "b"].map(str::to_owned);
    for size in [3, 40] {
        let features = DMatrix::from_element(12, size, 0.25);
        let labels: Vec<u32> = (0..12).map(|at| u32::from(at % 4 == 0)).collect();
        let head = fit(&features, &labels, &names).unwrap();
        assert!(head.weights.iter().all(|weight| *weight == 0.0), "{size}");
        assert!(head.bias[0] > head.bias[1], "the more frequent label is the better guess");
        let accuracy = cross_validate(&features, &labels).unwrap().value;
        assert!((accuracy - 0.75).abs() < 0.1, "{accuracy}");
    }
}

/// A worker that ends in some way, having said nothing.
#[derive(Debug)]
struct Ends(Ended);

impl Spawn for Ends {
    fn run(&self, _: &Job, _: &dyn Clock, _: &Stop, _: &mut dyn FnMut(Watch<'_>) -> Next) -> Ended {
        self.0.clone()
    }

    fn is_launched(&self) -> bool {
        false
    }
}

#[test]
fn a_worker_that_dies_is_a_rejection_that_says_how() {
    let (clock, sys, stop) = (FakeClock::default(), SysRoot::default(), Stop::default());
    for (ended, expected) in [
        (Ended::OutOfMemory, "out of memory"),
        (Ended::TimedOut(Duration::from_secs(9)), "no end after 9 s"),
        (Ended::Signal { signal: 11, stderr: "a\nboom".into() }, "SIGSEGV"),
        (Ended::Finished, "the worker ended while"),
        (Ended::Stopped, "stopped"),
    ] {
        let spawn = Ends(ended);
        let ctx = Context { spawn: &spawn, clock: &clock, sys: &sys, stop: &stop };
        let candidate = candidate(&[], Some("features"), None);
        let refused = observe(&colours(), &candidate, "colours", ctx, Duration::from_secs(9));
        let refused = refused.unwrap_err();
        assert_eq!((refused.stage, refused.help.is_some()), (Stage::Observe, true));
        assert!(refused.reason.contains(expected), "{}", refused.reason);
    }
}
