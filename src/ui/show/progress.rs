//! Progress for whoever watches: one line that rewrites itself on a terminal, plain
//! lines anywhere else.

use std::io::Write;

use super::text::{WIDTH, ascii, end};
use crate::base::{Event, Sink};

/// Writes progress to a terminal or a log.
#[derive(Debug)]
pub struct Progress<W: Write> {
    out: W,
    rewrites: bool,
    shown: bool,
    step: Option<(usize, usize)>,
}

impl<W: Write> Progress<W> {
    /// On `out`; `rewrites` where it is a terminal that knows a carriage return.
    pub fn new(out: W, rewrites: bool) -> Self {
        Self { out, rewrites, shown: false, step: None }
    }

    /// Removes the line, so that an answer starts on an empty one.
    pub fn clear(&mut self) {
        if self.shown {
            self.write(&format!("\r{:WIDTH$}\r", ""));
            self.shown = false;
        }
    }

    fn place(&self) -> String {
        self.step.map(|(at, total)| format!("[{at}/{total}] ")).unwrap_or_default()
    }

    fn say(&mut self, text: &str) {
        let text = end(&ascii(text), WIDTH);
        if self.rewrites {
            self.write(&format!("\r{text:WIDTH$}"));
            self.shown = true;
        } else {
            self.write(&format!("{text}\n"));
        }
    }

    /// Progress that nobody can see any more is no reason to fail.
    fn write(&mut self, text: &str) {
        let _ = self.out.write_all(text.as_bytes());
        let _ = self.out.flush();
    }
}

impl<W: Write> Sink for Progress<W> {
    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Stage(stage) => {
                self.step = None;
                if self.rewrites {
                    self.say(stage);
                }
            }
            Event::Step { stage, what, done, total } => {
                self.step = Some((done + 1, total));
                if self.rewrites {
                    self.say(&format!("[{}/{total}] {stage} {what}", done + 1));
                }
            }
            Event::Result { what, text } => {
                let step = self.place();
                self.say(&format!("{step}{what}: {text}"));
            }
            // A log is told once that it waits.
            Event::Wait { text, seconds, most } => {
                if self.rewrites || seconds == 0 {
                    let step = self.place();
                    self.say(&format!("{step}{text} ({seconds} of {most} s)"));
                }
            }
            Event::Tick => (),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn played(rewrites: bool) -> String {
        let mut out = Vec::new();
        let mut progress = Progress::new(&mut out, rewrites);
        let what = "resnet8-cifar10-int8-qdq";
        progress.event(Event::Stage("bench"));
        progress.event(Event::Step { stage: "bench", what, done: 2, total: 14 });
        let text = "cooling: 74 C, until below 70 C";
        for seconds in [0, 1] {
            progress.event(Event::Wait { text, seconds, most: 30 });
        }
        progress.event(Event::Tick);
        progress.event(Event::Result { what, text: "0.84 ms valid" });
        progress.clear();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_log_gets_one_line_per_result_and_one_per_wait() {
        let wanted = "[3/14] cooling: 74 C, until below 70 C (0 of 30 s)\n\
                      [3/14] resnet8-cifar10-int8-qdq: 0.84 ms valid\n";
        assert_eq!(played(false), wanted);
    }

    #[test]
    fn a_terminal_gets_one_line_that_is_gone_at_the_end() {
        let text = played(true);
        assert!(!text.contains('\n') && text.ends_with('\r'));
        assert!(text.split('\r').all(|line| line.len() <= WIDTH));
        assert!(text.contains("[3/14] bench resnet8-cifar10-int8-qdq"));
    }
}
