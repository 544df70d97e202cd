//! Progress, as events: the library says what it does, never how it looks.

/// What happened, for whoever watches.
#[derive(Debug, Clone, PartialEq)]
pub enum Event<'a> {
    /// A stage of the main job begins.
    Stage(&'a str),
    /// One of `total` steps of the stage begins; `done` are finished.
    Step {
        /// The stage.
        stage: &'a str,
        /// Which candidate or file.
        what: &'a str,
        /// Steps finished.
        done: usize,
        /// Steps in all.
        total: usize,
    },
    /// A step ended with this one-line result.
    Result {
        /// Which candidate or file.
        what: &'a str,
        /// For people, under 60 characters.
        text: &'a str,
    },
    /// Nothing is done until something outside has changed.
    Wait {
        /// For people, under 60 characters: what for.
        text: &'a str,
        /// How long so far, in seconds; first zero.
        seconds: u64,
        /// How long at most.
        most: u64,
    },
    /// Nothing new, but alive: time to pet the watchdog.
    Tick,
}

/// Receives progress events.
pub trait Sink {
    /// Called from the thread that does the work; must not block for long.
    fn event(&mut self, event: Event<'_>);
}

/// Ignores every event.
impl Sink for () {
    fn event(&mut self, _: Event<'_>) {}
}
