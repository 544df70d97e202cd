//! A catalogue of candidates as a file of scores, read in blocks.
//!
//! The file is a row for each candidate and in it a 32-bit float (little-endian) for each
//! criterion, higher being better: a cost is written with its sign turned. Whoever breaks
//! a limit is dropped while reading, so only the others take memory, and scores better
//! than their target are cut to it. An unknown score (NaN) breaks no limit.

use std::io::{ErrorKind, Read};

use super::{Election, Rule, elect};

/// Candidates read at once.
const BLOCK: usize = 8_192;
/// Bytes of one score.
const WIDTH: usize = size_of::<f32>();

/// What is asked of each criterion.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Terms {
    /// The least score that is allowed.
    pub limits: Vec<Option<f32>>,
    /// The score beyond which more earns nothing.
    pub targets: Vec<Option<f32>>,
    /// How candidates compare.
    pub rule: Rule,
}

/// The candidates that keep the limits.
#[derive(Debug, Clone, PartialEq)]
pub struct Catalogue {
    /// Their places in the file.
    pub rows: Vec<u32>,
    /// Their scores, a column per criterion, cut at the targets.
    pub columns: Vec<Vec<f32>>,
    /// Candidates in the file.
    pub read: usize,
}

impl Catalogue {
    /// Reads to the end.
    ///
    /// # Errors
    /// Those of the reader, and [`ErrorKind::UnexpectedEof`] if the last row is not whole.
    pub fn read(from: &mut dyn Read, criteria: usize, terms: &Terms) -> std::io::Result<Self> {
        let mut found = Self { rows: Vec::new(), columns: vec![Vec::new(); criteria], read: 0 };
        let width = criteria.max(1) * WIDTH;
        let mut block = vec![0u8; BLOCK * width];
        let mut row = vec![0.0f32; criteria];
        loop {
            let filled = fill(from, &mut block)?;
            let rows = block.get(..filled).unwrap_or(&[]).chunks_exact(width);
            if !rows.remainder().is_empty() {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            for bytes in rows {
                for (score, bytes) in row.iter_mut().zip(bytes.chunks_exact(WIDTH)) {
                    *score = bytes.try_into().map_or(f32::NAN, f32::from_le_bytes);
                }
                found.admit(&mut row, terms);
            }
            if filled < block.len() {
                return Ok(found);
            }
        }
    }

    /// The `top` best.
    #[must_use]
    pub fn elect(&self, rule: &Rule, top: usize) -> Election {
        elect(&self.columns, rule, Some(top))
    }

    /// Takes in a candidate that keeps the limits.
    fn admit(&mut self, row: &mut [f32], terms: &Terms) {
        let at = self.read as u32;
        self.read += 1;
        let breaks =
            |(score, limit): (&f32, &Option<f32>)| limit.is_some_and(|least| *score < least);
        if row.iter().zip(&terms.limits).any(breaks) {
            return;
        }
        for (score, target) in row.iter_mut().zip(&terms.targets) {
            // Not `min`, which would turn an unknown score into the target.
            if let Some(target) = target.filter(|target| *score > *target) {
                *score = target;
            }
        }
        self.rows.push(at);
        for (column, score) in self.columns.iter_mut().zip(row.iter()) {
            column.push(*score);
        }
    }
}

/// As much as there is, up to the length of the block.
fn fill(from: &mut dyn Read, block: &mut [u8]) -> std::io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = block.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match from.read(rest) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}
