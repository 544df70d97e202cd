//! Scores of features against their vectors, and what must hold for any features.

use proptest::prelude::*;
use umbra::base::random::SplitMix64;
use umbra::rank::relevance::{
    Accumulator, Matrix, Moments, Undefined, energy, gbc, head_accuracy, hscore, hscore_shrunk,
    knn, leep, lfc, logme, logme_compat, most_probable, nce, nleep, pactran, softmax,
};

use crate::rank::{assert_close, blobs, labels, matrix, vectors};

type Formula = fn(&Matrix, &[u32]) -> Result<f64, Undefined>;

#[test]
fn hscore_lfc_and_gbc_agree_with_every_vector() {
    let file = vectors("hscore_lfc_gbc");
    let tolerance = file["abs_tolerance"].as_f64().unwrap();
    let scores: [(&str, Formula); 4] = [
        ("expected_hscore", hscore),
        ("expected_hscore_ledoit_wolf", hscore_shrunk),
        ("lfc", lfc),
        ("gbc_diag_floor_1e-6", gbc),
    ];
    for case in file["cases"].as_array().unwrap() {
        let id = case["id"].as_str().unwrap();
        let (features, labels) = (matrix(&case["features"]), labels(&case["labels"]));
        if let Some(status) = case["expected_status"].as_str() {
            let expected = status.split_once(": ").unwrap().1;
            for (_, score) in scores {
                assert_eq!(score(&features, &labels).unwrap_err().to_string(), expected, "{id}");
            }
            continue;
        }
        for (key, score) in scores {
            if let Some(expected) = case[key].as_f64() {
                assert_close(score(&features, &labels).unwrap(), expected, tolerance, id);
            }
        }
        if let Some(expected) = case["ledoit_wolf_alpha"].as_f64() {
            let found = Moments::of(&features, &labels).unwrap().shrinkage();
            assert_close(found, expected, tolerance, id);
        }
    }
}

fn gather(features: &Matrix, labels: &[u32]) -> Moments {
    let mut gathered = Accumulator::new(features.ncols()).unwrap();
    for (row, label) in features.row_iter().zip(labels) {
        gathered.add(row.iter().copied(), *label).unwrap();
    }
    gathered.finish().unwrap()
}

/// The formulas as their papers have them, with whole matrices.
#[test]
fn samples_gathered_one_by_one_score_like_the_whole_even_far_from_zero() {
    for (samples, offset) in [(300, 0.0), (64, 3.0), (65, 1e4)] {
        let (features, labels) = blobs(5, samples, 12, 4, 0.5);
        let plain = gather(&features, &labels);
        let moved = gather(&features.add_scalar(offset), &labels);
        for (found, expected) in [
            (moved.hscore(), plain.hscore()),
            (moved.hscore_shrunk(), plain.hscore_shrunk()),
            (moved.gbc(), plain.gbc()),
        ] {
            assert_close(found.unwrap(), expected.unwrap(), 1e-8, "gathered");
        }
        let whole = features.add_scalar(offset);
        assert_close(moved.logme().unwrap(), logme(&whole, &labels).unwrap(), 1e-9, "logme");
        // More features than samples take the other way; padding with zeros changes nothing.
        let wide = whole.clone().insert_columns(12, 400, 0.0);
        assert_close(hscore(&wide, &labels).unwrap(), plain.hscore().unwrap(), 1e-8, "wide");
        assert_close(lfc(&wide, &labels).unwrap(), moved.lfc().unwrap(), 1e-8, "wide lfc");
        assert_close(logme(&wide, &labels).unwrap(), moved.logme().unwrap(), 1e-8, "wide logme");
    }
}

#[test]
fn a_sample_that_does_not_fit_is_refused_and_leaves_no_trace() {
    let mut gathered = Accumulator::new(2).unwrap();
    gathered.add([1.0, 2.0], 0).unwrap();
    for wrong in [vec![1.0], vec![1.0, 2.0, 3.0], vec![f64::NAN, 0.0], vec![0.0, f64::INFINITY]] {
        gathered.add(wrong, 1).unwrap_err();
    }
    assert!(gathered.clone().finish().unwrap_err().to_string().contains("two samples"));
    gathered.add([3.0, 1.0], 1).unwrap();
    assert_eq!(gathered.finish().unwrap().classes(), 2);
    Accumulator::new(0).unwrap_err();
    Accumulator::new(usize::MAX).unwrap_err();
    let mut enormous = Accumulator::new(1).unwrap();
    enormous.add([1e200], 0).unwrap();
    enormous.add([-1e200], 1).unwrap();
    assert!(enormous.finish().unwrap_err().to_string().contains("overflow"));
}

/// Every score of features alone.
const SCORES: [(&str, Formula); 6] = [
    ("logme", logme),
    ("logme-compat", logme_compat),
    ("hscore", hscore),
    ("hscore-shrunk", hscore_shrunk),
    ("lfc", lfc),
    ("gbc", gbc),
];

#[test]
fn bad_input_has_a_reason_and_never_gives_a_number_that_is_none() {
    let (good, labels) = blobs(2, 8, 3, 2, 1.0);
    let mut hole = good.clone();
    hole[(3, 1)] = f64::NAN;
    let mut endless = good.clone();
    endless[(0, 0)] = f64::NEG_INFINITY;
    for (name, score) in SCORES {
        score(&good.rows(0, 1).into_owned(), &labels[..1]).unwrap_err();
        score(&Matrix::zeros(0, 3), &[]).unwrap_err();
        score(&good, &labels[1..]).unwrap_err();
        score(&Matrix::zeros(8, 0), &labels).unwrap_err();
        for bad in [&hole, &endless] {
            let reason = score(bad, &labels).unwrap_err().to_string();
            assert!(reason.contains("non-finite"), "{name}: {reason}");
        }
        let same = Matrix::from_element(8, 3, 0.1);
        let enormous = &good * 1e300;
        let tiny = &good * 1e-300;
        for awkward in [&same, &enormous, &tiny, &Matrix::zeros(8, 3)] {
            if let Ok(value) = score(awkward, &labels) {
                assert!(value.is_finite(), "{name}: {value}");
            }
        }
        if let Ok(value) = score(&good, &[7; 8]) {
            assert_eq!(value, 0.0, "{name} of one class");
        }
        let far: Vec<u32> = labels.iter().map(|label| u32::MAX - label).collect();
        assert!(score(&good, &far).unwrap().is_finite());
    }
    assert_eq!(hscore(&Matrix::from_element(9, 2, 0.1), &[0, 1, 0, 1, 0, 1, 0, 1, 0]), Ok(0.0));
    assert_eq!(hscore(&Matrix::from_element(2, 9, 0.1), &[0, 1]), Ok(0.0));
}

#[test]
fn a_million_features_of_a_few_samples_are_no_trouble() {
    let mut random = SplitMix64::new(9);
    let features = Matrix::from_fn(4, 1_000_000, |_, _| random.unit());
    let labels = [0, 1, 0, 1];
    let moments = Moments::of(&features, &labels).unwrap();
    for found in [moments.hscore(), moments.hscore_shrunk(), moments.lfc(), moments.gbc()] {
        assert!(found.unwrap().is_finite());
    }
    assert!(logme(&features, &labels).unwrap().is_finite());
    let square = Matrix::zeros(5000, 5000);
    let refused = hscore(&square, &vec![0; 5000]).unwrap_err().to_string();
    assert!(refused.contains("4096"), "{refused}");
}

fn any_features() -> impl Strategy<Value = (Matrix, Vec<u32>)> {
    (2_usize..30, 1_usize..12, 2_u32..5, any::<u64>(), 0.0..2.0).prop_map(
        |(samples, size, classes, seed, signal)| {
            blobs(seed, samples.max(classes as usize), size, classes, signal)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn scores_keep_their_bounds((features, labels) in any_features()) {
        let classes = labels.iter().max().map_or(0, |most| most + 1);
        let most = f64::from(classes) - 1.0;
        let rank = features.ncols().min(features.nrows() - 1) as f64;
        let h = hscore(&features, &labels).unwrap();
        prop_assert!((-1e-9..=most.min(rank) + 1e-9).contains(&h), "H {h}");
        let shrunk = hscore_shrunk(&features, &labels).unwrap();
        prop_assert!((0.0..=most + 1e-9).contains(&shrunk), "shrunk {shrunk}");
        let correlation = lfc(&features, &labels).unwrap();
        prop_assert!(correlation.abs() <= 1.0 + 1e-9, "LFC {correlation}");
        let overlap = gbc(&features, &labels).unwrap();
        prop_assert!(overlap <= 0.0 && overlap >= -f64::from(classes) * most - 1e-9, "GBC {overlap}");
    }

    #[test]
    fn scale_order_of_samples_and_names_of_classes_do_not_matter(
        (features, labels) in any_features(), seed: u64, power in -60_i32..60,
    ) {
        let scaled = &features * 10f64.powi(power);
        let mut order: Vec<usize> = (0..labels.len()).collect();
        SplitMix64::new(seed).shuffle(&mut order);
        let shuffled = features.select_rows(&order);
        let moved: Vec<u32> = order.iter().map(|at| labels[*at]).collect();
        let renamed: Vec<u32> = labels.iter().map(|label| 4_000_000_000 - 7 * label).collect();
        for (name, score) in SCORES {
            let plain = score(&features, &labels).unwrap();
            let near = |found: f64| (found - plain).abs() <= 1e-7 * (1.0 + plain.abs());
            if !["gbc", "logme-compat"].contains(&name) {
                let found = score(&scaled, &labels).unwrap();
                prop_assert!(near(found), "{name} scaled: {found} {plain}");
            }
            let found = score(&shuffled, &moved).unwrap();
            prop_assert!(near(found), "{name} shuffled: {found} {plain}");
            let found = score(&features, &renamed).unwrap();
            prop_assert!(near(found), "{name} renamed: {found} {plain}");
        }
    }
}

#[test]
fn leep_and_nce_agree_with_every_vector() {
    let file = vectors("leep");
    for case in file["cases"].as_array().unwrap() {
        let id = case["id"].as_str().unwrap();
        let probabilities = match case.get("probs") {
            Some(probabilities) => matrix(probabilities),
            None => softmax(&matrix(&case["logits"])).unwrap(),
        };
        let found = leep(&probabilities, &labels(&case["labels"])).unwrap();
        let tolerance = file["abs_tolerance"].as_f64().unwrap();
        assert_close(found, case["expected_leep"].as_f64().unwrap(), tolerance, id);
    }
    let file = vectors("nce");
    for case in file["cases"].as_array().unwrap() {
        let found = nce(&labels(&case["source"]), &labels(&case["labels"])).unwrap();
        let expected = case["expected_nce"].as_f64().unwrap();
        let tolerance = file["abs_tolerance"].as_f64().unwrap();
        assert_close(found, expected, tolerance, case["id"].as_str().unwrap());
    }
}

#[test]
fn pactran_is_the_evidence_itself_where_the_source_is_certain() {
    // Nothing is left to choose: per source class, a Dirichlet-multinomial of its labels.
    // Source 0 draws 0, 0, 1 and source 1 draws 1, both with the prior (1/2, 1/2).
    let certain = Matrix::from_row_slice(4, 2, &[1., 0., 1., 0., 1., 0., 0., 1.]);
    let first: f64 = (0.5 / 1.0) * (1.5 / 2.0) * (0.5 / 3.0);
    let found = pactran(&certain, &[0, 0, 1, 1]).unwrap();
    assert_close(found, (first.ln() + 0.5_f64.ln()) / 8.0, 1e-12, "certain");
    // Uncertain: the published definition, written out in Python with math.lgamma.
    let vague =
        Matrix::from_row_slice(4, 3, &[0.7, 0.2, 0.1, 0.6, 0.3, 0.1, 0.1, 0.8, 0.1, 0.2, 0.2, 0.6]);
    let found = pactran(&vague, &[0, 0, 1, 1]).unwrap();
    assert_close(found, -0.42276670590258897, 1e-10, "vague");
    assert!(pactran(&vague, &[1; 4]).unwrap_err().to_string().contains("two classes"));
}

#[test]
fn scores_of_a_source_head_refuse_what_is_no_distribution() {
    let even = Matrix::from_element(3, 2, 0.5);
    for score in [leep, pactran] {
        for wrong in [&even * 0.9, &even * f64::NAN, -&even, Matrix::zeros(3, 0)] {
            score(&wrong, &[0, 1, 1]).unwrap_err();
        }
        score(&even, &[0, 1]).unwrap_err();
        score(&Matrix::zeros(0, 2), &[]).unwrap_err();
    }
    softmax(&Matrix::from_element(1, 2, f64::INFINITY)).unwrap_err();
    most_probable(&Matrix::from_element(1, 2, f64::NAN)).unwrap_err();
    assert_eq!(most_probable(&Matrix::from_element(2, 3, 1.0)).unwrap(), [0, 0]);
    nce(&[], &[]).unwrap_err();
    nce(&[1], &[1, 2]).unwrap_err();
}

#[test]
fn neighbours_energy_heads_and_clusters_tell_good_features_from_bad() {
    let (weak, labels) = blobs(1, 100, 16, 5, 0.1);
    let (strong, _) = blobs(1, 100, 16, 5, 2.0);
    let knn_1 = |features: &Matrix, labels: &[u32]| knn(features, labels, 1);
    let knn_5 = |features: &Matrix, labels: &[u32]| knn(features, labels, 5);
    let nleep = |features: &Matrix, labels: &[u32]| nleep(features, labels, 0);
    let head = |f: &Matrix, labels: &[u32]| head_accuracy(f, labels).map(|found| found.value);
    type Score<'a> = &'a dyn Fn(&Matrix, &[u32]) -> Result<f64, Undefined>;
    let scores: [Score<'_>; 4] = [&knn_1, &knn_5, &nleep, &head];
    for (at, score) in scores.iter().enumerate() {
        let (low, high) = (score(&weak, &labels).unwrap(), score(&strong, &labels).unwrap());
        assert!(high > low + 0.3, "{at}: {low} {high}");
        assert_eq!(score(&strong, &labels).unwrap(), high, "{at} again");
        let mut hole = strong.clone();
        hole[(7, 2)] = f64::NAN;
        score(&hole, &labels).unwrap_err();
        score(&strong, &[3; 100]).unwrap_err();
        score(&strong.rows(0, 1).into_owned(), &[0]).unwrap_err();
        if at < 3 {
            score(&Matrix::from_element(100, 16, 0.1), &labels).unwrap_err();
        }
        let far: Vec<u32> = labels.iter().map(|label| u32::MAX - label).collect();
        assert!(score(&strong, &far).unwrap() > low, "{at} with labels of four billion");
    }
    assert!(nleep(&strong, &labels).unwrap() > -0.1);
    assert_close(energy(&Matrix::from_element(3, 8, 2.0)).unwrap(), 2.0 + 8_f64.ln(), 1e-12, "e");
    assert_close(energy(&Matrix::from_element(3, 8, 1e4)).unwrap(), 1e4 + 8_f64.ln(), 1e-9, "e");
    energy(&Matrix::zeros(0, 3)).unwrap_err();
    energy(&Matrix::from_element(2, 2, f64::NAN)).unwrap_err();
    assert!(knn(&strong, &labels, 0).unwrap_err().to_string().contains("neighbours"));
}

#[test]
fn duplicate_samples_and_a_single_neighbour_of_two_do_no_harm() {
    let twice = Matrix::from_row_slice(4, 1, &[0.0, 0.0, 1.0, 1.0]);
    assert_eq!(knn(&twice, &[0, 0, 1, 1], 1), Ok(1.0));
    assert_eq!(knn(&twice, &[0, 0, 1, 1], 99), Ok(0.0));
    let copies = twice.clone().resize(24, 1, 1.0);
    let labels: Vec<u32> = (0..24).map(|at| u32::from(at >= 2)).collect();
    assert!(nleep(&copies, &labels, 1).unwrap() <= 0.0);
    assert!(hscore(&twice, &[0, 0, 1, 1]).unwrap() > 0.999);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn scores_of_a_source_head_keep_their_bounds_and_ignore_order_and_names(
        (logits, labels) in any_features(), seed: u64,
    ) {
        let probabilities = softmax(&logits).unwrap();
        let source = most_probable(&logits).unwrap();
        let mut order: Vec<usize> = (0..labels.len()).collect();
        SplitMix64::new(seed).shuffle(&mut order);
        let moved: Vec<u32> = order.iter().map(|at| labels[*at]).collect();
        let shuffled = probabilities.select_rows(&order);
        let renamed: Vec<u32> = labels.iter().map(|label| 4_000_000_000 - 7 * label).collect();
        for score in [leep, pactran] {
            let plain = score(&probabilities, &labels).unwrap();
            prop_assert!(plain <= 0.0);
            prop_assert!((score(&shuffled, &moved).unwrap() - plain).abs() < 1e-9);
            prop_assert!((score(&probabilities, &renamed).unwrap() - plain).abs() < 1e-9);
        }
        let plain = nce(&source, &labels).unwrap();
        prop_assert!(plain <= 0.0);
        let entropies = f64::from(labels.iter().max().unwrap() + 1).ln();
        prop_assert!(plain >= -entropies - 1e-12);
        prop_assert!((nce(&source, &renamed).unwrap() - plain).abs() < 1e-12);
    }

    #[test]
    fn neighbours_ignore_scale_order_and_names(
        (features, labels) in any_features(), seed: u64, power in -60_i32..60,
    ) {
        let plain = knn(&features, &labels, 1).unwrap();
        prop_assert_eq!(knn(&(&features * 10f64.powi(power)), &labels, 1).unwrap(), plain);
        let mut order: Vec<usize> = (0..labels.len()).collect();
        SplitMix64::new(seed).shuffle(&mut order);
        let moved: Vec<u32> = order.iter().map(|at| 1_000_000 - labels[*at]).collect();
        prop_assert_eq!(knn(&features.select_rows(&order), &moved, 1).unwrap(), plain);
    }
}
