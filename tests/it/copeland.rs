//! Copeland's method at scale against its definition.

use umbra::base::random::SplitMix64;
use umbra::rank::copeland::{Catalogue, Election, Rule, Terms, copeland, elect, elect_within};

/// Scores on a coarse grid, so that ties abound; now and then one is missing.
fn scores(seed: u64, criteria: usize, items: usize) -> Vec<Vec<f64>> {
    let mut random = SplitMix64::new(seed);
    let mut score = |_| match random.below(12) {
        0 => f64::NAN,
        _ => random.below(40) as f64 / 8.0,
    };
    (0..criteria).map(|_| (0..items).map(&mut score).collect()).collect()
}

/// The definition, on the same scores.
fn plain(scores: &[Vec<f64>], rule: &Rule) -> umbra::rank::copeland::Copeland {
    let known = |score: &f64| (!score.is_nan()).then_some(*score);
    let scores: Vec<Vec<_>> = scores.iter().map(|row| row.iter().map(known).collect()).collect();
    copeland(&scores, &rule.weights, &rule.indifference)
}

fn order(found: &Election) -> Vec<usize> {
    found.standings.iter().map(|standing| standing.item).collect()
}

#[test]
fn the_quick_count_is_the_definition() {
    let rules = [
        Rule::default(),
        Rule { weights: vec![42.0, 19.0, 13.0, 12.0], indifference: vec![0.0, 0.25, 0.5] },
        // Sums beyond 16 bits, and a criterion that counts nothing.
        Rule { weights: vec![123.456, 78.901, 0.0, 44.444], indifference: vec![1.0; 4] },
    ];
    for (seed, items) in [(1, 1), (2, 2), (3, 127), (4, 128), (5, 300)] {
        for rule in &rules {
            let scores = scores(seed, 4, items);
            let (found, expected) = (elect(&scores, rule, None), plain(&scores, rule));
            assert!(found.exact);
            assert_eq!(order(&found), expected.order, "{items} items");
            for standing in &found.standings {
                let at = standing.item;
                assert_eq!(standing.copeland, expected.copeland[at]);
                assert_eq!(standing.second_order, Some(expected.second_order[at]));
                assert!((standing.margin_sum - expected.margin_sum[at]).abs() < 1e-6);
                assert_eq!((standing.low, standing.high), (standing.copeland, standing.copeland));
            }
        }
    }
    assert!(elect::<f64>(&[], &Rule::default(), None).standings.is_empty());
    let top = elect(&scores(5, 4, 300), &rules[1], Some(7));
    assert_eq!(order(&top), plain(&scores(5, 4, 300), &rules[1]).order[..7]);
}

#[test]
fn infinite_scores_compare_as_in_the_definition() {
    let (low, high) = (f64::NEG_INFINITY, f64::INFINITY);
    let scores = [vec![high, low, 1.0, high, low], vec![0.0, low, low, 3.0, high]];
    assert_eq!(
        order(&elect(&scores, &Rule::default(), None)),
        plain(&scores, &Rule::default()).order
    );
}

/// Distinct scores of items of different quality, as catalogues have them.
fn graded(seed: u64, items: usize) -> Vec<Vec<f64>> {
    let mut random = SplitMix64::new(seed);
    let quality: Vec<f64> = (0..items).map(|_| random.unit()).collect();
    (0..3).map(|_| quality.iter().map(|quality| quality + random.unit()).collect()).collect()
}

#[test]
fn drawn_opponents_find_a_winner_of_the_highest_score_and_their_bounds_hold() {
    let rule = Rule { weights: vec![4.0, 3.0, 2.0], indifference: vec![0.05; 3] };
    for seed in 0..8 {
        let scores = graded(seed, 1200);
        let (drawn, all) = (elect_within(&scores, &rule, Some(3), 0), elect(&scores, &rule, None));
        assert!(!drawn.exact && drawn.standings.len() == 3);
        assert!(drawn.shortlisted < 400, "{} on the shortlist", drawn.shortlisted);
        let score = |item: usize| all.standings.iter().find(|s| s.item == item).unwrap().copeland;
        for standing in &drawn.standings {
            let truth = score(standing.item);
            assert!(standing.low <= truth && truth <= standing.high, "{standing:?}: {truth}");
        }
        // Equal scores go by the second-order score, which drawn opponents do not know.
        assert_eq!(score(drawn.standings[0].item), all.standings[0].copeland);
    }
}

#[test]
fn without_a_number_of_best_everybody_is_estimated() {
    let scores = graded(9, 6000);
    let rule = Rule::default();
    let found = elect_within(&scores, &rule, None, 100);
    assert!(!found.exact && found.standings.len() == 6000);
    assert!(found.standings.iter().all(|standing| standing.low < standing.high));
    assert_eq!(found, elect_within(&scores, &rule, None, 100), "drawn alike");
}

#[test]
fn a_catalogue_drops_who_breaks_a_limit_and_cuts_at_targets() {
    let rows = [[0.9f32, -9.0], [0.8, -2.0], [0.7, -1.0], [0.95, f32::NAN]];
    let bytes: Vec<u8> = rows.iter().flatten().flat_map(|score| score.to_le_bytes()).collect();
    let terms = Terms {
        limits: vec![None, Some(-5.0)],
        targets: vec![None, Some(-2.0)],
        rule: Rule { weights: vec![2.0, 1.0], indifference: Vec::new() },
    };
    let catalogue = Catalogue::read(&mut bytes.as_slice(), 2, &terms).unwrap();
    assert_eq!((catalogue.read, &catalogue.rows[..]), (4, &[1, 2, 3][..]));
    assert_eq!(catalogue.columns[1][..2], [-2.0, -2.0]);
    assert!(catalogue.columns[1][2].is_nan(), "an unknown cost is not the target");
    let found = catalogue.elect(&terms.rule, 1);
    assert_eq!(catalogue.rows[found.standings[0].item], 3);
    let torn = &bytes[..bytes.len() - 1];
    assert!(Catalogue::read(&mut &torn[..], 2, &terms).is_err(), "a row that is not whole");
}
