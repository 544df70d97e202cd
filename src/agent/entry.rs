//! One candidate on its way through the loop: how it would run, and what is known of it.

use serde::Serialize;

use crate::base::Digest;
use crate::bench::{self, Trial, TrialKey, Verdict};
use crate::board::Facts;
use crate::deploy::{Quarantined, Store};
use crate::engine::Engine;
use crate::model::{Candidate, Config, Rejection, Stage};
use crate::task::{Evidence, Policy, Scores, Task};

/// A candidate with what was found out so far.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) candidate: Candidate,
    pub(super) trial: Option<Trial>,
    pub(super) evidence: Option<Evidence>,
    /// The trial came from a record.
    pub(super) reused: bool,
}

/// What decides how every candidate is keyed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Setting<'a> {
    pub(super) facts: &'a Facts,
    pub(super) engines: &'a [Box<dyn Engine>],
    pub(super) task: &'a Task,
    /// A head may be fitted.
    pub(super) head: bool,
}

impl<'a> Setting<'a> {
    fn engine(&self, name: &str) -> Option<&'a dyn Engine> {
        self.engines.iter().find(|engine| engine.name() == name).map(|engine| &**engine)
    }

    /// Labels of the head that would be deployed: none where the model's own scores serve.
    /// Until evidence says which serves better, labels that are the task's are believed.
    pub(super) fn head_labels(&self, entry: &Entry) -> Option<u32> {
        let own = match &entry.evidence {
            Some(evidence) => evidence.uses_own_scores(),
            None => speaks_the_task(&entry.candidate, self.task),
        };
        (self.head && !own).then(|| u32::try_from(self.task.labels.len()).unwrap_or(u32::MAX))
    }

    /// What identifies the trial of what would be deployed.
    pub(super) fn key(&self, entry: &Entry) -> TrialKey {
        let candidate = &entry.candidate;
        let spec = bench::spec_for(candidate, None, self.head_labels(entry));
        let head =
            |labels: usize| if labels > 0 { format!("+head{labels}") } else { String::new() };
        let outputs = spec.map(|spec| {
            let labels = spec.head.as_ref().map_or(0, |fitted| fitted.labels.len());
            format!("{}{}", spec.output, head(labels))
        });
        self.key_of(candidate.sha256, &candidate.config, outputs.unwrap_or_default())
    }

    /// The key of something that is measured in a configuration.
    pub(super) fn key_of(&self, sha256: Digest, config: &Config, outputs: String) -> TrialKey {
        let engine = self.engine(&config.engine);
        let text = |reading: Option<&String>| reading.cloned().unwrap_or_default();
        let clocks = &self.facts.clocks;
        TrialKey {
            sha256,
            config_id: config.id(),
            engine: engine.map_or_else(String::new, |e| format!("{} {}", e.version(), e.isa())),
            fingerprint: self.facts.fingerprint,
            kernel: text(self.facts.board.kernel.value()),
            power: format!("{}/{}", text(clocks.governor.value()), text(clocks.power_mode.value())),
            outputs,
        }
    }

    /// What decides the evidence beside model and task: a sidecar that names other outputs or
    /// another preprocessing, or another engine, makes another candidate of the same file.
    pub(super) fn pipeline(&self, candidate: &Candidate) -> Digest {
        #[derive(Serialize)]
        struct Of<'c>(
            String,
            Vec<crate::model::Preprocess>,
            [Option<String>; 2],
            Option<&'c [String]>,
        );
        let engine = self.engine(&candidate.config.engine);
        let of = Of(
            engine
                .map_or_else(String::new, |e| format!("{} {} {}", e.name(), e.version(), e.isa())),
            candidate.preprocesses(),
            [candidate.output_for_features(), candidate.output_for_scores()],
            own_labels(candidate),
        );
        Digest::of(&crate::child::encode_payload(&of))
    }

    /// A candidate with its records, rejected where it is known to be hopeless.
    pub(super) fn enter(
        &self,
        mut candidate: Candidate,
        store: &Store<'_>,
        shut_out: &[Quarantined],
        fresh: bool,
    ) -> Entry {
        self.settle(&mut candidate, (!fresh).then_some(store));
        if candidate.rejection.is_none() {
            candidate.rejection = self.hopeless(&candidate, shut_out);
        }
        let usable = candidate.rejection.is_none();
        let mut entry = Entry { candidate, trial: None, evidence: None, reused: false };
        if usable && !fresh {
            self.recall(&mut entry, store);
        }
        entry
    }

    /// A candidate without records.
    pub(super) fn alone(&self, mut candidate: Candidate) -> Entry {
        self.settle(&mut candidate, None);
        if candidate.rejection.is_none() {
            candidate.rejection = self.hopeless(&candidate, &[]);
        }
        Entry { candidate, trial: None, evidence: None, reused: false }
    }

    /// Names the engine where nobody did: the first of the house that runs the model. What was
    /// measured under one before needs no second look.
    fn settle(&self, candidate: &mut Candidate, store: Option<&Store<'_>>) {
        if candidate.config.engine != Config::AUTO || candidate.rejection.is_some() {
            return;
        }
        let bytes = std::cell::OnceCell::new();
        let runs = |engine: &dyn Engine, candidate: &Candidate| {
            let known =
                candidate.card.as_ref().is_none_or(|card| engine.unsupported(card).is_empty());
            let model = || bytes.get_or_init(|| candidate.read().unwrap_or_default());
            known && (self.was_measured(candidate, store) || engine.convolutions(model()).is_ok())
        };
        for engine in self.engines.iter().filter(|engine| engine.is_of_the_house()) {
            candidate.config.engine = engine.name().to_owned();
            if runs(&**engine, candidate) {
                return;
            }
        }
    }

    fn was_measured(&self, candidate: &Candidate, store: Option<&Store<'_>>) -> bool {
        let entry = |candidate: &Candidate| Entry {
            candidate: candidate.clone(),
            trial: None,
            evidence: None,
            reused: false,
        };
        store.is_some_and(|store| {
            let mut entry = entry(candidate);
            self.recall(&mut entry, store);
            entry.reused
        })
    }

    /// Evidence first: it decides what the trial must have timed.
    fn recall(&self, entry: &mut Entry, store: &Store<'_>) {
        let candidate = &entry.candidate;
        let pipeline = self.pipeline(candidate);
        let evidence = store.evidence(candidate.sha256, self.task.digest, pipeline);
        let id = candidate.id.clone();
        entry.evidence = evidence.map(|shown| self.allowed(Evidence { id: id.clone(), ..shown }));
        entry.trial = store.trial(&self.key(entry)).map(|trial| Trial { id, ..trial });
        entry.reused = entry.trial.is_some();
    }

    /// Evidence without the head where none may be fitted.
    pub(super) fn allowed(&self, evidence: Evidence) -> Evidence {
        if self.head {
            return evidence;
        }
        let scores = Scores::none("no head may be fitted");
        Evidence { head: None, head_accuracy: None, fit: None, scores, ..evidence }
    }

    fn hopeless(&self, candidate: &Candidate, shut_out: &[Quarantined]) -> Option<Rejection> {
        let reject = |stage, reason: String, help: &str| {
            Some(Rejection { stage, reason, help: Some(help.to_owned()) })
        };
        if let Some(held) = shut_out.iter().find(|held| held.sha256 == candidate.sha256) {
            let reason = format!("in quarantine: {}", held.reason);
            return reject(Stage::Process, reason, "let it back in with `umbra unquarantine`");
        }
        let Some(engine) = self.engine(&candidate.config.engine) else {
            let reason = format!("no engine {} in this build", candidate.config.engine);
            return reject(Stage::Load, reason, "use a build with that engine");
        };
        let card = candidate.card.as_ref()?;
        let unsupported = engine.unsupported(card);
        if !unsupported.is_empty() {
            let reason = format!("{} not run by {}", unsupported.join(", "), engine.name());
            return reject(Stage::Operators, reason, "export the model without these operators");
        }
        let weights =
            card.weight_bytes.values().fold(0u64, |sum, bytes| sum.saturating_add(*bytes));
        let needed = weights.saturating_add(card.peak_activation_bytes.unwrap_or(0));
        let free = self.facts.memory.usable()?.0;
        if needed > free {
            let reason = format!("needs at least {needed} bytes of memory, {free} are available");
            return reject(Stage::Process, reason, "stop other programs or use a smaller model");
        }
        None
    }
}

impl Entry {
    /// Usable, and not measured yet in the form that would be deployed.
    pub(super) fn wants_trial(&self, setting: &Setting<'_>) -> bool {
        let measured = self.trial.as_ref();
        self.candidate.rejection.is_none()
            && measured.is_none_or(|trial| self.runs() && trial.key != setting.key(self))
    }

    /// Runs, and was not looked at on the task.
    pub(super) fn wants_evidence(&self) -> bool {
        self.runs() && self.evidence.is_none()
    }

    /// Was measured and can be used.
    pub(super) fn runs(&self) -> bool {
        let verdict = self.trial.as_ref().map(|trial| trial.verdict);
        matches!(verdict, Some(Verdict::Valid | Verdict::Suspect))
    }

    /// Fell out after it was measured.
    pub(super) fn fall(&mut self, verdict: Verdict, rejection: Rejection) {
        if let Some(trial) = &mut self.trial {
            trial.verdict = verdict;
            trial.stage = Some(rejection.stage);
            trial.reason = Some(rejection.reason);
            trial.advice = rejection.help;
        }
    }
}

/// Stands in where models are measured on their own.
pub(super) fn no_task() -> Task {
    Task {
        name: String::new(),
        description: String::new(),
        labels: Vec::new(),
        samples: Vec::new(),
        targets: Vec::new(),
        policy: Policy::default(),
        digest: Digest::of(b""),
    }
}

fn own_labels(candidate: &Candidate) -> Option<&[String]> {
    Some(&candidate.manifest.as_ref()?.source.as_ref()?.labels)
}

/// Whether a model's own labels are the task's, in whatever order.
fn speaks_the_task(candidate: &Candidate, task: &Task) -> bool {
    own_labels(candidate).is_some_and(|own| {
        own.len() == task.labels.len() && task.labels.iter().all(|label| own.contains(label))
    })
}
