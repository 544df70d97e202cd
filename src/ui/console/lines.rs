//! Where lines come from. The plain source reads bytes as they come, one at a time if
//! need be: the kernel edits the line, or nobody does.

use std::io::{self, Write as _};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::base::Stop;

/// Longest line that is read; the kernel's own limit for an edited line.
pub(crate) const LONGEST: usize = 4095;

/// How often a wait looks at the flags that signals set.
const LOOK: Duration = Duration::from_millis(500);

/// What came of waiting for a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Input {
    /// A line.
    Line(String),
    /// Something that is no line, and why.
    Refused(&'static str),
    /// Ctrl-C.
    Interrupted,
    /// Nobody is there any more.
    End,
}

/// A source of lines.
pub(crate) trait Lines {
    /// Prompts, and waits for the next one.
    fn next(&mut self, prompt: &str, stop: &Stop) -> io::Result<Input>;
}

/// Standard input as it is.
#[derive(Debug)]
pub(crate) struct Plain {
    prompts: bool,
    gather: Gather,
    ended: bool,
}

impl Plain {
    pub(crate) fn new(prompts: bool) -> Self {
        Self { prompts, gather: Gather::default(), ended: false }
    }

    fn prompt(&self, text: &str) -> io::Result<()> {
        if !self.prompts {
            return Ok(());
        }
        let mut out = io::stdout().lock();
        out.write_all(text.as_bytes())?;
        out.flush()
    }
}

impl Lines for Plain {
    fn next(&mut self, prompt: &str, stop: &Stop) -> io::Result<Input> {
        self.prompt(prompt)?;
        loop {
            if let Some(input) = self.gather.next() {
                return Ok(input);
            }
            if self.ended {
                return Ok(self.gather.rest().unwrap_or(Input::End));
            }
            if !wait(stop)? {
                self.gather = Gather::default();
                self.prompt("\n")?;
                return Ok(Input::Interrupted);
            }
            let mut bytes = [0u8; 512];
            match rustix::io::read(rustix::stdio::stdin(), &mut bytes) {
                Ok(0) => self.ended = true,
                Ok(count) => self.gather.push(bytes.get(..count).unwrap_or_default()),
                Err(rustix::io::Errno::INTR | rustix::io::Errno::AGAIN) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// Waits for bytes; false where somebody pressed Ctrl-C instead.
fn wait(stop: &Stop) -> io::Result<bool> {
    let stdin = rustix::stdio::stdin();
    let look = Timespec::try_from(LOOK).unwrap_or_default();
    loop {
        if stop.wanted() {
            return Ok(false);
        }
        match poll(&mut [PollFd::new(&stdin, PollFlags::IN)], Some(&look)) {
            Ok(0) | Err(rustix::io::Errno::INTR) => {}
            Ok(_) => return Ok(true),
            Err(error) => return Err(error.into()),
        }
    }
}

/// Bytes on their way to becoming lines. CR, LF and CR LF all end one.
#[derive(Debug, Default)]
struct Gather {
    bytes: std::collections::VecDeque<u8>,
    line: Vec<u8>,
    after_return: bool,
    too_long: bool,
}

impl Gather {
    fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend(bytes);
    }

    fn next(&mut self) -> Option<Input> {
        while let Some(byte) = self.bytes.pop_front() {
            let second_half = byte == b'\n' && std::mem::take(&mut self.after_return);
            match byte {
                _ if second_half => {}
                b'\r' | b'\n' => {
                    self.after_return = byte == b'\r';
                    return Some(self.finish());
                }
                _ if self.line.len() >= LONGEST => self.too_long = true,
                _ => {
                    self.after_return = false;
                    self.line.push(byte);
                }
            }
        }
        None
    }

    /// What is left when nothing more comes.
    fn rest(&mut self) -> Option<Input> {
        (!self.line.is_empty()).then(|| self.finish())
    }

    fn finish(&mut self) -> Input {
        let line = std::mem::take(&mut self.line);
        // The kernel cuts a longer line to exactly this many bytes without a word.
        let too_long = std::mem::take(&mut self.too_long) || line.len() >= LONGEST;
        judge(line, too_long)
    }
}

/// A line, unless it is too long or has bytes that nobody types.
pub(crate) fn judge(line: Vec<u8>, too_long: bool) -> Input {
    if too_long {
        return Input::Refused("the line is too long (4094 bytes at most); nothing was done");
    }
    const NOISE: Input = Input::Refused("noise on the line; nothing was done");
    match String::from_utf8(line) {
        Ok(text) if text.chars().all(|c| c == '\t' || !c.is_control()) => Input::Line(text),
        _ => NOISE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gathered(chunks: &[&[u8]]) -> Vec<Input> {
        let mut gather = Gather::default();
        let mut inputs = Vec::new();
        for chunk in chunks {
            gather.push(chunk);
            while let Some(input) = gather.next() {
                inputs.push(input);
            }
        }
        inputs.extend(gather.rest());
        inputs
    }

    fn line(text: &str) -> Input {
        Input::Line(text.to_owned())
    }

    #[test]
    fn lines_end_in_any_of_the_three_ways_and_may_come_byte_by_byte() {
        let wanted = [line("a"), line("b"), line(""), line("c")];
        assert_eq!(gathered(&[b"a\r\nb\n\rc"]), wanted);
        let bytes: Vec<&[u8]> = b"a\r\nb\n\rc".chunks(1).collect();
        assert_eq!(gathered(&bytes), wanted);
    }

    #[test]
    fn noise_and_endless_lines_are_refused_and_the_next_line_is_read() {
        let mut bytes = vec![b'x'; 9000];
        bytes.extend(b"\nok\n\xff\xfe\n\x01\nfine\n");
        let inputs = gathered(&[&bytes]);
        assert!(matches!(inputs[0], Input::Refused(why) if why.contains("too long")));
        assert_eq!(inputs[1], line("ok"));
        assert!(matches!(inputs[2], Input::Refused(why) if why.contains("noise")));
        assert!(matches!(inputs[3], Input::Refused(_)));
        assert_eq!(inputs[4], line("fine"));
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_break_it(bytes in proptest::collection::vec(0u8.., 0..300)) {
            for input in gathered(&[&bytes]) {
                if let Input::Line(text) = input {
                    let _ = super::super::resolve::resolve(&text);
                }
            }
        }
    }
}
