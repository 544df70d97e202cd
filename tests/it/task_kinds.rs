//! Other kinds of tasks, and input that no task should be made of: each is an error or an
//! abstention with a reason, within bounds.

use std::io::Write as _;
use std::time::Duration;

use image::{ImageFormat, codecs::png::PngEncoder};
use umbra::base::random::SplitMix64;
use umbra::base::{Stop, SysRoot, SystemClock};
use umbra::child::Context;
use umbra::engine;
use umbra::model::{Candidate, Rejection, Stage, Tensor};
use umbra::rank::relevance::{
    Matrix, energy, logme, logme_regression, logme_targets, scores, unlabelled,
};
use umbra::task::{Evidence, Given, Task, TaskError, decode, observe, open, work};

use crate::inside::Inside;
use crate::rank::blobs;
use crate::task::{archive, bytes_of, png, shared_sets};

fn given<'a>(features: &'a Matrix, labels: &'a [u32]) -> Given<'a> {
    Given { features: Some(features), named: None, labels, targets: &[] }
}

/// Does an observation in this process, with the engines of this build.
fn here() -> Inside {
    Inside(|job, clock, frames| work(&job.payload, &engine::available(), clock, frames, &scores))
}

#[cfg(all(feature = "demo", feature = "tract"))]
#[test]
fn spoken_digits_as_images_are_a_task_like_any_other() {
    let Some(sets) = shared_sets("spoken digits") else { return };
    let mut task = open(&sets.join("fsdd_logmel32.npz")).unwrap();
    task.samples = task
        .samples
        .into_iter()
        .enumerate()
        .filter(|(at, _)| at % 5 == 0)
        .map(|(_, s)| s)
        .collect();
    let zoo = umbra::model::bundled();
    let candidate =
        zoo.iter().find(|candidate| candidate.id.starts_with("cnn-small-mnist")).unwrap();
    let shown = observed(&task, candidate).unwrap();
    assert!(
        shown.head_accuracy.unwrap().low > 0.1,
        "better than chance: {:?}",
        shown.head_accuracy
    );
    let all = [&shown.scores.logme, &shown.scores.hscore, &shown.scores.nce];
    for judged in all {
        let scored = judged.as_ref().unwrap();
        assert!(scored.value.is_finite() && scored.halves.len() == 32, "{scored:?}");
    }
    let nce = shown.scores.nce.as_ref().unwrap().value;
    assert!(nce < 0.0 && nce > -10_f64.ln(), "digits that were written say something: {nce}");
}

#[cfg(all(feature = "demo", feature = "tract"))]
#[test]
fn two_classes_of_a_task_are_observed_like_ten() {
    let mut task = umbra::task::bundled().unwrap();
    task.labels.truncate(2);
    task.samples.retain(|sample| sample.label < 2);
    let zoo = umbra::model::bundled();
    let candidate = zoo.iter().find(|one| one.id.starts_with("cnn-small-mnist")).unwrap();
    let shown = observed(&task, candidate).unwrap();
    let accuracy = shown.head_accuracy.unwrap();
    assert!(accuracy.value > 0.7, "{accuracy:?}");
    let head = shown.head.unwrap();
    assert_eq!((head.labels.len(), head.bias.len()), (2, 2));
    let hscore = shown.scores.hscore.unwrap().value;
    assert!((0.0..=1.0).contains(&hscore), "at most classes less one: {hscore}");
}

/// An observation of a candidate on the engine that it would get.
fn observed(task: &Task, candidate: &Candidate) -> Result<Evidence, Rejection> {
    let engines = engine::available();
    let name = engine::choose(&engines, &candidate.read()?)?.name();
    let (clock, sys, stop) = (SystemClock::default(), SysRoot::default(), Stop::default());
    let ctx = Context { spawn: &here(), clock: &clock, sys: &sys, stop: &stop };
    observe(task, candidate, name, ctx, Duration::from_secs(60))
}

#[cfg(all(feature = "demo", feature = "tract"))]
#[test]
fn detectors_abstain_with_a_reason() {
    let Some(shared) = crate::inspect::shared() else { return };
    let task = umbra::task::bundled().unwrap();
    for name in ["det_fastestdet_qdq_s8pc", "face_ultra_rfb320_qop_u8", "face_yunet_n320_f32"] {
        let path = shared.join(format!("models/{name}.onnx"));
        let candidates = umbra::model::open(&[path]).unwrap();
        assert_eq!(candidates[0].rejection, None, "{name} is a sound model");
        let refused = observed(&task, &candidates[0]).unwrap_err();
        assert_eq!(refused.stage, Stage::Observe, "{name}");
        assert!(refused.reason.contains("neither features nor scores"), "{name}: {refused:?}");
        assert!(refused.help.unwrap().contains("outputs"), "{name}");
    }
}

#[test]
fn real_targets_have_a_score_per_column() {
    let (features, _) = blobs(4, 60, 5, 3, 0.5);
    let line =
        |column: usize| -> Vec<f64> { features.column(column).iter().map(|x| 3.0 * x).collect() };
    let mut random = SplitMix64::new(8);
    let noise: Vec<f64> = (0..60).map(|_| random.unit() - 0.5).collect();
    let explained = logme_regression(&features, &line(0)).unwrap();
    let unexplained = logme_regression(&features, &noise).unwrap();
    assert!(explained.saturated && explained.evidence > unexplained.evidence);
    let both = Matrix::from_columns(&[line(0).into(), noise.clone().into()]);
    let mean = f64::midpoint(explained.evidence, unexplained.evidence);
    assert!((logme_targets(&features, &both).unwrap() - mean).abs() < 1e-12);
    // Wide features take the other way to the same.
    let wide = features.clone().insert_columns(5, 100, 0.0);
    assert!((logme_targets(&wide, &both).unwrap() - mean).abs() < 1e-7);
    logme_targets(&features, &Matrix::zeros(60, 0)).unwrap_err();
    logme_targets(&features, &Matrix::zeros(60, 2)).unwrap_err();
    logme_targets(&features, &Matrix::zeros(59, 2)).unwrap_err();
    logme_targets(&features, &both.map(|_| f64::NAN)).unwrap_err();
}

#[test]
fn a_task_of_real_targets_or_of_boxes_is_refused_with_a_reason() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("other.npz");
    let x = || bytes_of(vec![4, 2, 2, 1], (0..16).collect());
    let y = Tensor::from_f32(vec![4], &[0.5, 1.5, 2.5, 3.5]);
    std::fs::write(&path, archive(&[("x", x()), ("y", y)])).unwrap();
    let refused = open(&path).unwrap_err().to_string();
    assert!(refused.contains("whole numbers") && refused.contains("targets"), "{refused}");
    let boxes = Tensor::from_f32(vec![4, 1, 4], &[0.5; 16]);
    std::fs::write(&path, archive(&[("x", x()), ("boxes", boxes)])).unwrap();
    let refused = open(&path).unwrap_err().to_string();
    assert!(refused.contains("boxes") && refused.contains("one label"), "{refused}");
}

#[test]
fn two_classes_are_enough() {
    let (features, labels) = blobs(6, 40, 8, 2, 0.8);
    let found = scores(&given(&features, &labels));
    let logme = found.logme.unwrap();
    assert!(
        logme.estimate().low < logme.value && (0.0..=1.0).contains(&found.hscore.unwrap().value)
    );
    assert!(found.nce.unwrap_err().to_string().contains("no scores of its own"));
}

#[test]
fn without_labels_groups_stand_for_them_and_promise_little() {
    let (strong, _) = blobs(3, 90, 12, 3, 2.0);
    let (none, _) = blobs(3, 90, 12, 3, 0.0);
    let (strong, none) = (unlabelled(&strong, 3, 0).unwrap(), unlabelled(&none, 3, 0).unwrap());
    assert!(strong.value > none.value, "{strong:?} {none:?}");
    for weak in [strong, none] {
        assert!(weak.low < weak.value && weak.value <= weak.high, "{weak:?}");
    }
    assert!(strong.high - strong.low > 0.3, "the interval is wide: {strong:?}");
    assert_eq!(unlabelled(&blobs(3, 90, 12, 3, 2.0).0, 3, 0).unwrap(), strong);
    assert!(energy(&blobs(3, 90, 12, 3, 2.0).0).unwrap().is_finite());
    unlabelled(&Matrix::zeros(9, 2), 3, 0).unwrap_err();
    unlabelled(&Matrix::from_element(9, 2, f64::NAN), 3, 0).unwrap_err();
    unlabelled(&blobs(3, 5, 2, 2, 1.0).0, 3, 0).unwrap_err();
    unlabelled(&blobs(3, 5, 2, 2, 1.0).0, usize::MAX, 0).unwrap_err();
}

#[test]
fn features_that_say_nothing_abstain_with_a_reason() {
    let (good, labels) = blobs(2, 12, 3, 3, 1.0);
    let reason = |features: &Matrix, labels: &[u32]| {
        let found = scores(&given(features, labels));
        [found.logme, found.hscore].map(|judged| judged.map_err(|why| why.to_string()))
    };
    for (found, expected) in [
        (reason(&good, &[7; 12]), "fewer than two classes"),
        (reason(&good.rows(0, 1).into_owned(), &labels[..1]), "fewer than two samples"),
        (reason(&good, &labels[1..]), "11 labels for 12 samples"),
        (reason(&good.map(|_| f64::NAN), &labels), "non-finite feature 0 of sample 0"),
        (reason(&good.map(|_| f64::INFINITY), &labels), "non-finite"),
    ] {
        for judged in found {
            assert!(judged.as_ref().unwrap_err().contains(expected), "{expected}: {judged:?}");
        }
    }
    let [constant, of_classes] = reason(&Matrix::from_element(12, 3, 0.25), &labels);
    assert!(constant.unwrap().value.is_finite(), "constant features still have an evidence");
    assert_eq!(of_classes.unwrap_err(), "features that never vary");
    // A class of one sample is in both halves of every pair.
    let [single, _] = reason(&good, &[0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]);
    assert!(single.unwrap().halves.iter().all(|half| half.is_finite()));
    let blind = Given { features: None, named: Some(&[3; 12]), labels: &labels, targets: &[] };
    let found = scores(&blind);
    assert!(found.logme.unwrap_err().to_string().contains("no features"));
    assert!(found.nce.unwrap_err().to_string().contains("one class for every sample"));
}

#[test]
fn samples_that_are_there_twice_change_no_ranking_of_two_candidates() {
    let (weak, labels) = blobs(5, 30, 6, 3, 0.2);
    let (strong, _) = blobs(5, 30, 6, 3, 1.0);
    let twice = |features: &Matrix| {
        let rows: Vec<usize> = (0..30).chain(0..30).collect();
        features.select_rows(&rows)
    };
    let labels_twice: Vec<u32> = labels.iter().chain(&labels).copied().collect();
    let value = |features: &Matrix, labels: &[u32]| logme(features, labels).unwrap();
    assert!(value(&strong, &labels) > value(&weak, &labels));
    assert!(value(&twice(&strong), &labels_twice) > value(&twice(&weak), &labels_twice));
    let found = scores(&given(&twice(&strong), &labels_twice));
    assert!(found.hscore.unwrap().value <= 2.0 + 1e-9);
}

#[test]
fn many_more_features_than_samples_are_scored_with_their_halves() {
    let mut random = SplitMix64::new(9);
    let features = Matrix::from_fn(8, 10_000, |_, _| random.unit());
    let found = scores(&given(&features, &[0, 1, 0, 1, 0, 1, 0, 1]));
    for judged in [found.logme, found.hscore] {
        let scored = judged.unwrap();
        assert!(scored.value.is_finite() && scored.halves.len() == 32);
    }
}

#[test]
fn one_sample_is_no_task() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("one.npz");
    let x = bytes_of(vec![1, 1, 1, 1], vec![1]);
    let y = Tensor::from_i64(vec![1], &[0]);
    let classes = Tensor::from_strings(&["a".to_owned(), "b".to_owned()]);
    std::fs::write(&path, archive(&[("x", x), ("y", y), ("classes", classes)])).unwrap();
    let refused = open(&path).unwrap_err();
    assert!(matches!(refused, TaskError::EmptyClass { .. }), "{refused}");
}

#[test]
fn four_inks_become_three_colours() {
    let path = format!("{}/tests/images/cmyk.jpg", env!("CARGO_MANIFEST_DIR"));
    let decoded = decode(&std::fs::read(path).unwrap()).unwrap();
    assert_eq!((decoded.channels, decoded.pixels.len()), (3, 8 * 8 * 3));
    let [red, green, blue] = [decoded.pixels[0], decoded.pixels[1], decoded.pixels[2]];
    assert!(red > 200 && green < 60 && blue < 60, "{red} {green} {blue}");
}

/// 8192 x 8192 pixels of one colour in some two hundred kilobytes.
fn bomb() -> Vec<u8> {
    let mut bytes = Vec::new();
    let image = image::RgbImage::new(8192, 8192);
    image.write_with_encoder(PngEncoder::new(&mut bytes)).unwrap();
    bytes
}

#[test]
fn a_folder_of_images_that_swell_is_refused_before_it_fills_the_board() {
    let bytes = bomb();
    assert!(bytes.len() < 2_000_000, "{}", bytes.len());
    let dir = tempfile::tempdir().unwrap();
    for class in ["a", "b"] {
        std::fs::create_dir(dir.path().join(class)).unwrap();
        for at in 0..5 {
            std::fs::write(dir.path().join(class).join(format!("{at}.png")), &bytes).unwrap();
        }
    }
    let refused = open(dir.path()).unwrap_err().to_string();
    assert!(refused.contains("more than 1 GiB of pixels"), "{refused}");
}

#[test]
fn text_that_swells_in_an_image_costs_nothing() {
    // A compressed text chunk of 64 MiB of zeros, after the header.
    let mut packed = flate(&vec![0; 64 << 20]);
    let mut chunk = b"zTXtcomment\0\0".to_vec();
    chunk.append(&mut packed);
    let mut image = png(3, 3, 9);
    let length = u32::try_from(chunk.len() - 4).unwrap().to_be_bytes();
    let checksum = crate::task::crc32(&chunk).to_be_bytes();
    let whole: Vec<u8> = length.into_iter().chain(chunk).chain(checksum).collect();
    image.splice(33..33, whole);
    assert_eq!(decode(&image).unwrap().pixels.len(), 27);
}

/// A zlib stream, as a PNG holds it: the data of an image of one row is just that.
fn flate(bytes: &[u8]) -> Vec<u8> {
    let mut archive = std::io::Cursor::new(Vec::new());
    let mut zip = zip::ZipWriter::new(&mut archive);
    let options = zip::write::FileOptions::default();
    zip.start_file("x", options.compression_method(zip::CompressionMethod::Deflated)).unwrap();
    zip.write_all(bytes).unwrap();
    zip.finish().unwrap();
    drop(zip);
    let archive = archive.into_inner();
    let name = usize::from(u16::from_le_bytes([archive[26], archive[27]]));
    let extra = usize::from(u16::from_le_bytes([archive[28], archive[29]]));
    let length = u32::from_le_bytes(archive[18..22].try_into().unwrap()) as usize;
    let from = 30 + name + extra;
    let mut stream = vec![0x78, 0x9c];
    stream.extend(&archive[from..from + length]);
    stream.extend([0; 4]);
    stream
}

#[test]
fn an_unreadable_image_of_any_kind_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let mut grey = std::io::Cursor::new(Vec::new());
    image::GrayImage::new(4, 4).write_to(&mut grey, ImageFormat::Jpeg).unwrap();
    let jpeg = grey.into_inner();
    for (name, bytes) in [
        ("half.jpg", &jpeg[..jpeg.len() / 4]),
        ("empty.png", &[]),
        ("noise.png", &[0x89, b'P', b'N', b'G', 1, 2, 3]),
    ] {
        for class in ["a", "b"] {
            std::fs::create_dir_all(dir.path().join(class)).unwrap();
            std::fs::write(dir.path().join(class).join("good.png"), png(2, 2, 1)).unwrap();
        }
        let path = dir.path().join("b").join(name);
        std::fs::write(&path, bytes).unwrap();
        let refused = open(dir.path()).unwrap_err().to_string();
        assert!(refused.contains(name), "{refused}");
        std::fs::remove_file(path).unwrap();
    }
}
