//! What a learned ranker says of the candidates: rankers' files, portraits, the task's tokens and the
//! samples' scores brought together.

use std::collections::BTreeMap;

use super::AgentError;
use crate::base::Digest;
use crate::engine::{Engine, EngineError};
use crate::model::{self, Candidate};
use crate::rank::cost::residual::{self, Cost, Residual};
use crate::rank::cost::roofline::Rates;
use crate::rank::relevance::{Kin, Prior};
use crate::rank::spider::{
    self, Class, HARDWARE, Hardware, Portrait, Question, Scorer, Viewed, classes, hardware,
    portrait, stated, views,
};
use crate::rank::{Advice, Corrections, Method, Speeds};
use crate::task::tokens::{self, TaskTokens};
use crate::task::{Estimate, Evidence, Scored, Task};

/// Why a way that asks for the board cannot be gone.
const NO_SPEED: &str = "the speed of this board is not known yet: run `umbra select` first";

/// What there is to be asked about.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known<'a> {
    /// The task.
    pub(super) task: &'a Task,
    /// Candidates, in zoo order.
    pub(super) candidates: &'a [Candidate],
    /// Evidence of those that gave any.
    pub(super) evidence: &'a [Evidence],
    /// Speeds of the board.
    pub(super) speeds: &'a Speeds,
    /// Engines of this program.
    pub(super) engines: &'a [Box<dyn Engine>],
}

impl Known<'_> {
    /// What a way says of the candidates; nothing where the rule itself decides.
    ///
    /// # Errors
    /// [`AgentError::Method`]: the way cannot be gone here, and why.
    pub(super) fn advice(&self, method: Method) -> Result<Option<Advice>, AgentError> {
        let refused = |why: &str| AgentError::Method { method, why: why.to_owned() };
        let scores = match method {
            Method::Shadow | Method::Corrected => return Ok(None),
            Method::Static => self.expected(),
            Method::Spider => self.learned(method, model::SPIDER, &[0.0; HARDWARE])?,
            Method::Fusion => {
                let known = |candidate: &Candidate| self.speeds.get(&candidate.config.id());
                let rates: Option<&Rates> = self.candidates.iter().find_map(known);
                let rates = rates.ok_or_else(|| refused(NO_SPEED))?;
                let board = hardware(rates, &self.task.policy.targets);
                self.learned(method, model::FUSION, &board)?
            }
        };
        if scores.is_empty() {
            let none = "no candidate has a behaviour in its sidecar: `umbra zoo add` gives it one";
            return Err(refused(none));
        }
        Ok(Some(Advice { method, scores }))
    }

    /// What was learned on other boards of latencies that are predicted from speeds; nothing where
    /// another way is gone.
    ///
    /// # Errors
    /// [`AgentError::Method`]: no speed is known here, or no engine runs the file.
    pub(super) fn corrections(&self, method: Method) -> Result<Option<Corrections>, AgentError> {
        let refused = |why: String| AgentError::Method { method, why };
        if method != Method::Corrected {
            return Ok(None);
        }
        let mut found = Corrections::new();
        for (config, rates) in self.speeds {
            let own = self.sound().filter(|candidate| candidate.config.id() == *config);
            let each = corrected(rates, own, self.engines);
            let each = each.map_err(|error| refused(error.to_string()))?;
            found.extend(each.into_iter().map(|(sha256, mean)| ((config.clone(), sha256), mean)));
        }
        if self.speeds.is_empty() {
            return Err(refused(NO_SPEED.to_owned()));
        }
        Ok(Some(found))
    }

    /// The prior that the sidecars state, else the size: the one list that serves any zoo.
    fn expected(&self) -> BTreeMap<Digest, Estimate> {
        let all: Vec<&Candidate> = self.sound().collect();
        let prior = Prior::of(&all).unwrap_or(Prior::Macs);
        let of = |candidate: &&Candidate| {
            let value = prior.value(candidate)?;
            Some((candidate.sha256, Estimate { value, low: value, high: value }))
        };
        all.iter().filter_map(of).collect()
    }

    fn learned(
        &self,
        method: Method,
        ranker: &[u8],
        board: &Hardware,
    ) -> Result<BTreeMap<Digest, Estimate>, AgentError> {
        let refused = |why: String| AgentError::Method { method, why };
        let models = self.models();
        if models.is_empty() {
            return Ok(BTreeMap::new());
        }
        let tokens = tokens::build(self.task, &model::extractor(), self.engines)
            .map_err(|error| refused(error.to_string()))?;
        let classes = self.classes(&tokens).map_err(|error| refused(error.to_string()))?;
        let samples = self.task.samples.len();
        let asked = Asked { models: &models, classes: &classes, samples, board };
        let scorer = Scorer::new(ranker, self.engines, models.len(), classes.len());
        let scores = scorer.and_then(|mut scorer| asked.scores(&mut scorer));
        let scores = scores.map_err(|error| refused(error.to_string()))?;
        Ok(models.iter().map(|model| model.candidate.sha256).zip(scores).collect())
    }

    /// The task's classes, beside what the extractor sees in the reference images.
    fn classes(&self, tokens: &TaskTokens) -> Result<Vec<Class>, EngineError> {
        let prototypes: Vec<Vec<f32>> =
            tokens.classes.iter().map(|class| class.prototype.clone()).collect();
        Ok(classes(&prototypes, &spider::groups(self.engines)?))
    }

    /// Models that a learned ranker can be asked about, each once.
    fn models(&self) -> Vec<Model<'_>> {
        let mut models: Vec<Model<'_>> = Vec::new();
        for candidate in self.sound() {
            let known = models.iter().any(|model| model.candidate.sha256 == candidate.sha256);
            let found = stated(candidate).and_then(|behaviour| portrait(candidate, &behaviour));
            match found {
                None => {
                    log::warn!("{} states no behaviour: `umbra zoo add` finds it", candidate.id)
                }
                Some(portrait) if !known => {
                    let own = |shown: &&Evidence| shown.sha256 == candidate.sha256;
                    let evidence = self.evidence.iter().find(own);
                    models.push(Model { candidate, portrait, evidence });
                }
                Some(_) => {}
            }
        }
        models
    }

    fn sound(&self) -> impl Iterator<Item = &Candidate> {
        self.candidates.iter().filter(|candidate| candidate.rejection.is_none())
    }
}

/// Corrections of those of some candidates that have a prediction under these rates.
fn corrected<'c>(
    rates: &Rates,
    candidates: impl Iterator<Item = &'c Candidate>,
    engines: &[Box<dyn Engine>],
) -> Result<Vec<(Digest, f64)>, EngineError> {
    let expected = residual::BY_PROBES;
    let numbers = |candidate: &Candidate| {
        let card = candidate.card.as_ref()?;
        Some((candidate.sha256, residual::model(rates, &card.work, expected)?))
    };
    let (names, models): (Vec<Digest>, Vec<_>) = candidates.filter_map(numbers).unzip();
    if models.is_empty() {
        return Ok(Vec::new());
    }
    let board = residual::board(rates, residual::PROBES, Cost::Latency);
    let mut file = Residual::new(model::SHADOW, engines, models.len())?;
    let found = file.corrections(&models, &board, expected)?;
    Ok(names.into_iter().zip(found.iter().map(|correction| correction.mean)).collect())
}

/// One model as a ranker sees it.
struct Model<'a> {
    candidate: &'a Candidate,
    portrait: Portrait,
    evidence: Option<&'a Evidence>,
}

impl Model<'_> {
    /// Its scores on all samples, or on one of the halves.
    fn viewed(&self, half: Option<usize>) -> Viewed {
        let value = |scored: &Scored| match half {
            None => Some(scored.value),
            Some(half) => scored.halves.get(half).map(|value| f64::from(*value)),
        };
        let scores = self.evidence.map(|shown| &shown.scores);
        let each = scores.map(|scores| [&scores.logme, &scores.hscore, &scores.nce]);
        Viewed {
            scores: each.map_or([None; 3], |each| each.map(|judged| value(judged.as_ref().ok()?))),
            kin: Kin::of(self.candidate),
        }
    }
}

/// One question, asked of all samples and of their halves.
struct Asked<'a> {
    models: &'a [Model<'a>],
    classes: &'a [Class],
    samples: usize,
    board: &'a Hardware,
}

impl Asked<'_> {
    /// Scores with 95 % intervals: the delete-half jackknife, as for every other score.
    fn scores(&self, scorer: &mut Scorer) -> Result<Vec<Estimate>, EngineError> {
        let whole = self.of(scorer, None)?;
        let halves = (0..self.halves()).map(|half| self.of(scorer, Some(half)));
        let halves = halves.collect::<Result<Vec<_>, _>>()?;
        let of = |(at, value): (usize, &f64)| {
            let each = halves.iter().filter_map(|half| half.get(at));
            Scored { value: *value, halves: each.map(|value| *value as f32).collect() }.estimate()
        };
        Ok(whole.iter().enumerate().map(of).collect())
    }

    fn of(&self, scorer: &mut Scorer, half: Option<usize>) -> Result<Vec<f64>, EngineError> {
        let viewed: Vec<Viewed> = self.models.iter().map(|model| model.viewed(half)).collect();
        let portraits: Vec<Portrait> = self.models.iter().map(|model| model.portrait).collect();
        let views = views(&viewed, self.samples);
        let (classes, hardware) = (self.classes, self.board);
        scorer.scores(&Question { portraits: &portraits, views: &views, classes, hardware })
    }

    /// Halves that every model with evidence has been scored on.
    fn halves(&self) -> usize {
        let of = |model: &Model<'_>| Some(model.evidence?.scores.logme.as_ref().ok()?.halves.len());
        self.models.iter().filter_map(of).min().unwrap_or(0)
    }
}
