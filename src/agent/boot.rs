//! `select` for systemd: the last good model first, then a choice within the budget.
//!
//! A model that was deployed and not confirmed yet gets [`TRIES`](crate::deploy::TRIES)
//! starts. Each is counted before the model is touched, so that one that takes the board
//! down with it is counted too; it then answers a sample in a worker and is confirmed,
//! or it is given up for the model before it. One that is in quarantine already is one whose
//! giving up was cut off: that is finished, and it is not tried. Where there is no model before it, it
//! stays: a board that is up with a doubtful model is better than one without any.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::install::prove;
use super::{AgentError, Notify, Parts, Request, Selection, World, select};
use crate::base::{Clock, Event, Sink, Stop};
use crate::child::{Context, Ended, Job, Next, Spawn, Watch};
use crate::deploy::{Active, Package, Store, StoreError};
use crate::model::Image;

/// The watchdog is petted no more often than this: a service manager that is woken up
/// ten times a second is measured along.
const PET: Duration = Duration::from_secs(2);

/// Makes sure of the last good model, says that the board is ready, then chooses.
///
/// # Errors
/// Those of [`select`](super::select); the last good model stays active with every one.
pub fn boot(
    world: &mut World,
    request: Request,
    notify: &mut dyn Notify,
    sink: &mut dyn Sink,
) -> Result<Selection, AgentError> {
    let Parts { ctx, fs, engines, meters } = world.parts();
    let manager = Manager::new(notify, ctx.clock);
    let spawn = Watched { inner: ctx.spawn, manager: &manager };
    let ctx = Context { spawn: &spawn, ..ctx };
    let store = Store::open(request.state.clone(), fs)?;

    manager.status("making sure of the last good model");
    let image = request.task.samples.first().map(|sample| sample.image.clone());
    let last = last_good(ctx, &store, image)?;
    let name = last.as_ref().map(|active| active.installed.id.clone());
    manager.status(&name.as_deref().map_or("no model yet".to_owned(), |id| format!("{id} runs")));
    manager.ready();

    let parts = Parts { ctx, fs, engines, meters };
    let chosen = select::run(parts, request, &mut Told { sink, manager: &manager });
    manager.status(&match &chosen {
        Ok(selection) => selection.decision.reason.clone(),
        Err(error) => match name {
            Some(id) => format!("{id} still runs; choosing failed: {error}"),
            None => format!("no model runs; choosing failed: {error}"),
        },
    });
    chosen
}

/// The model that is active when the board is called ready. Where somebody else holds the
/// store, it is theirs to repair.
fn last_good(
    ctx: Context<'_>,
    store: &Store<'_>,
    image: Option<Image>,
) -> Result<Option<Active>, AgentError> {
    let lock = match store.lock("umbra boot") {
        Ok(lock) => lock,
        Err(StoreError::Locked { holder }) => {
            log::warn!("the store is locked by {holder}; the active model is taken as it is");
            return Ok(store.active()?);
        }
        Err(error) => return Err(error.into()),
    };
    let now = ctx.clock.unix_seconds();
    let active = store.repair(now)?;
    let Some(unproven) = active.as_ref().filter(|active| !active.committed) else {
        return Ok(active);
    };
    let held = store.quarantined();
    let held = held.into_iter().find(|held| held.sha256 == unproven.installed.sha256);
    let trouble = if let Some(held) = held {
        // The power was cut while it was given up.
        Some(held.reason)
    } else if unproven.tries_left == 0 {
        Some("it was started several times and never confirmed".to_owned())
    } else {
        store.count_try()?;
        doubt(ctx, store, image)?
    };
    match trouble {
        None => store.commit()?,
        Some(reason) => give_up(store, &reason, now)?,
    }
    drop(lock);
    Ok(store.active()?)
}

/// Why the active model is not good, if it is not.
fn doubt(
    ctx: Context<'_>,
    store: &Store<'_>,
    image: Option<Image>,
) -> Result<Option<String>, AgentError> {
    let (installed, model) = store.active_model()?;
    let images: Vec<Image> = image.into_iter().collect();
    match prove(ctx, store, &Package { model, installed }, &images) {
        Ok(()) => Ok(None),
        Err(AgentError::Model { rejection, .. }) => Ok(Some(rejection.reason)),
        Err(error) => Err(error),
    }
}

fn give_up(store: &Store<'_>, reason: &str, now: u64) -> Result<(), AgentError> {
    match store.give_up(reason, now) {
        Ok(back) => log::warn!("{} runs again: {reason}", back.model),
        Err(StoreError::NoPrevious | StoreError::Damaged { .. }) => {
            log::warn!("the only model stays although {reason}");
        }
        Err(error) => return Err(error.into()),
    }
    Ok(())
}

/// The service manager, told from the loop and from the watch over workers.
struct Manager<'n>(Mutex<Line<'n>>);

struct Line<'n> {
    notify: &'n mut dyn Notify,
    clock: &'n dyn Clock,
    petted: Option<Duration>,
}

impl<'n> Manager<'n> {
    fn new(notify: &'n mut dyn Notify, clock: &'n dyn Clock) -> Self {
        Self(Mutex::new(Line { notify, clock, petted: None }))
    }

    fn with(&self, tell: impl FnOnce(&mut Line<'n>)) {
        tell(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn ready(&self) {
        self.with(|told| told.notify.ready());
    }

    fn status(&self, text: &str) {
        self.with(|told| told.notify.status(text));
        self.pet();
    }

    fn pet(&self) {
        self.with(|told| {
            let now = told.clock.now();
            if told.petted.is_none_or(|petted| now.saturating_sub(petted) >= PET) {
                told.petted = Some(now);
                told.notify.watchdog();
            }
        });
    }
}

impl std::fmt::Debug for Manager<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Manager")
    }
}

/// Workers whose every sign of life pets the watchdog.
#[derive(Debug)]
struct Watched<'w> {
    inner: &'w dyn Spawn,
    manager: &'w Manager<'w>,
}

impl Spawn for Watched<'_> {
    fn run(
        &self,
        job: &Job,
        clock: &dyn Clock,
        stop: &Stop,
        watch: &mut dyn FnMut(Watch<'_>) -> Next,
    ) -> Ended {
        self.inner.run(job, clock, stop, &mut |seen| {
            self.manager.pet();
            watch(seen)
        })
    }

    fn is_launched(&self) -> bool {
        self.inner.is_launched()
    }
}

/// Progress that also becomes the service's status.
struct Told<'t> {
    sink: &'t mut dyn Sink,
    manager: &'t Manager<'t>,
}

impl Sink for Told<'_> {
    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Step { stage, what, done, total } => {
                self.manager.status(&format!("{stage} {} of {total}: {what}", done + 1));
            }
            Event::Stage(stage) => self.manager.status(stage),
            Event::Wait { text, seconds: 0, .. } => self.manager.status(text),
            Event::Result { .. } | Event::Wait { .. } | Event::Tick => self.manager.pet(),
        }
        self.sink.event(event);
    }
}
