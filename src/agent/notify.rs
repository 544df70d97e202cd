//! What the service manager is told.

use sd_notify::NotifyState;

/// Somebody who wants to know whether we are ready and alive.
pub trait Notify: Send {
    /// The board has its model, or it is certain that there is none.
    fn ready(&mut self);
    /// What goes on, one line.
    fn status(&mut self, text: &str);
    /// Still alive.
    fn watchdog(&mut self);
}

/// systemd, by the socket it names in `NOTIFY_SOCKET`; without one nothing happens.
#[derive(Debug, Clone, Copy, Default)]
pub struct Systemd {
    /// It could not be told once; the log need not hear of it every two seconds.
    deaf: bool,
}

impl Notify for Systemd {
    fn ready(&mut self) {
        self.tell(&NotifyState::Ready);
    }

    fn status(&mut self, text: &str) {
        // The protocol is line by line.
        self.tell(&NotifyState::Status(&text.replace('\n', " ")));
    }

    fn watchdog(&mut self) {
        self.tell(&NotifyState::Watchdog);
    }
}

impl Systemd {
    fn tell(&mut self, state: &NotifyState<'_>) {
        match sd_notify::notify(std::slice::from_ref(state)) {
            Ok(()) => self.deaf = false,
            Err(error) if !self.deaf => {
                log::warn!("systemd does not hear {state}: {error}");
                self.deaf = true;
            }
            Err(_) => {}
        }
    }
}
