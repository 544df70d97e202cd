//! Measurements worth keeping: `trials/<key>`, `evidence/<key>` and `speeds/<key>`.
//!
//! A record is found by the hash of everything that decides its value and holds that
//! key again, in clear; one that is damaged or of another schema does not exist.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{Store, StoreError, failed, make_folder};
use crate::base::{Digest, fs, record};
use crate::bench::{Trial, TrialKey, Verdict};
use crate::rank::cost::roofline::Rates;
use crate::task::Evidence;

const TRIAL_SCHEMA: u16 = 3;
const EVIDENCE_SCHEMA: u16 = 4;
const SPEEDS_SCHEMA: u16 = 1;
const TRIALS: &str = "trials";
const EVIDENCE: &str = "evidence";
const SPEEDS: &str = "speeds";

/// How fast a board does what in one configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Gauged {
    /// What was measured, exactly; its model is all the probes together.
    pub key: TrialKey,
    /// What they showed.
    pub rates: Rates,
}

impl Store<'_> {
    /// The valid trial with this key, if one was recorded.
    #[must_use]
    pub fn trial(&self, key: &TrialKey) -> Option<Trial> {
        let trial: Trial = self.record(TRIALS, key.digest(), TRIAL_SCHEMA)?;
        (trial.key == *key && trial.verdict == Verdict::Valid).then_some(trial)
    }

    /// Records a trial; one that is not valid is not worth reusing and is not written.
    ///
    /// # Errors
    /// Whatever the file system says; no record is then changed.
    pub fn save_trial(&self, trial: &Trial) -> Result<(), StoreError> {
        if trial.verdict != Verdict::Valid {
            return Ok(());
        }
        self.save(TRIALS, trial.key.digest(), TRIAL_SCHEMA, trial)
    }

    /// What this model showed on this task when it was run this way (`pipeline` hashes the
    /// engine, the outputs and the preprocessing).
    #[must_use]
    pub fn evidence(&self, model: Digest, task: Digest, pipeline: Digest) -> Option<Evidence> {
        let key = evidence_key(model, task, pipeline);
        let evidence: Evidence = self.record(EVIDENCE, key, EVIDENCE_SCHEMA)?;
        (evidence.sha256 == model && evidence.task == task).then_some(evidence)
    }

    /// Records evidence.
    ///
    /// # Errors
    /// Whatever the file system says; no record is then changed.
    pub fn save_evidence(&self, evidence: &Evidence, pipeline: Digest) -> Result<(), StoreError> {
        let key = evidence_key(evidence.sha256, evidence.task, pipeline);
        self.save(EVIDENCE, key, EVIDENCE_SCHEMA, evidence)
    }

    /// The speeds with this key, if they were recorded.
    #[must_use]
    pub fn speeds(&self, key: &TrialKey) -> Option<Rates> {
        let gauged: Gauged = self.record(SPEEDS, key.digest(), SPEEDS_SCHEMA)?;
        (gauged.key == *key).then_some(gauged.rates)
    }

    /// Records speeds.
    ///
    /// # Errors
    /// Whatever the file system says; no record is then changed.
    pub fn save_speeds(&self, gauged: &Gauged) -> Result<(), StoreError> {
        self.save(SPEEDS, gauged.key.digest(), SPEEDS_SCHEMA, gauged)
    }

    fn record<T: DeserializeOwned>(&self, folder: &str, key: Digest, schema: u16) -> Option<T> {
        let path = self.root().join(folder).join(key.hex());
        let bytes = self.fs().read(&path).ok()?;
        let value = record::decode(schema, &bytes);
        value.inspect_err(|error| log::warn!("{} is ignored: {error}", path.display())).ok()
    }

    fn save<T: Serialize>(
        &self,
        folder: &str,
        key: Digest,
        schema: u16,
        value: &T,
    ) -> Result<(), StoreError> {
        let folder = self.root().join(folder);
        let path = folder.join(key.hex());
        let bytes = record::encode(schema, value)
            .map_err(|error| StoreError::Damaged { path: path.clone(), what: error.to_string() })?;
        make_folder(self.fs(), &folder)?;
        fs::replace(self.fs(), &path, &bytes).map_err(failed("write", &path))
    }
}

fn evidence_key(model: Digest, task: Digest, pipeline: Digest) -> Digest {
    let parts = [model.hex(), task.hex(), pipeline.hex()];
    Digest::of_parts(parts.iter().map(String::as_bytes))
}
