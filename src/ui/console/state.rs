//! How things are, in three lines: the first question of whoever plugs in a cable.

use crate::base::Reading;
use crate::board;
use crate::ui::Call;
use crate::ui::show::store::health;
use crate::ui::show::text::{page, wrap};

/// What does not change while a console is open.
#[derive(Debug)]
pub(crate) struct Board {
    host: String,
    model: String,
}

impl Board {
    pub(crate) fn look(call: &Call<'_>) -> Self {
        let identity = board::probe(&call.world.sys, &call.settings.state).board;
        let said = |reading: &Reading<String>, none: &str| {
            reading.value().cloned().unwrap_or_else(|| none.to_owned())
        };
        Self { host: said(&identity.hostname, "?"), model: said(&identity.model, "unknown board") }
    }

    /// The greeting.
    pub(crate) fn banner(&self, call: &Call<'_>) -> String {
        let name = format!("umbra {} on a serial line", env!("CARGO_PKG_VERSION"));
        let hint = "? lists the verbs, a bare return shows this state again, ctrl-d leaves";
        format!("{}{}{}", page(&[name]), self.lines(call), page(&[hint]))
    }

    /// Host and board, the active model, health.
    pub(crate) fn lines(&self, call: &Call<'_>) -> String {
        let mut lines = wrap("host    ", &format!("{}, {}", self.host, self.model), 1);
        lines.extend(wrap("active  ", &active(call), 1));
        let sys = &call.world.sys;
        lines.extend(wrap("health  ", &health(&board::clocks(sys), &board::thermal(sys)), 1));
        page(&lines)
    }
}

fn active(call: &Call<'_>) -> String {
    let status = call.store().and_then(|store| Ok(store.status()?));
    match status {
        Ok(status) => match status.current {
            Some(current) if status.committed => format!("{}, committed", current.model),
            Some(current) => format!("{}, on trial", current.model),
            None => "no model; `select` chooses one".to_owned(),
        },
        Err(failure) => format!("unknown: {failure}"),
    }
}
