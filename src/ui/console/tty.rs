//! A serial line of our own, on images that run no getty.

use std::path::Path;

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::termios::{
    ControlModes, InputModes, LocalModes, OptionalActions, OutputModes, isatty, tcgetattr,
    tcsetattr,
};

use crate::ui::{Exit, Failure};

/// Opens the line, sets it up, and makes it standard input and output and, where the
/// system allows it, the controlling terminal (so that Ctrl-C arrives).
///
/// # Errors
/// There is no such line, it is no terminal, or it does not do this speed.
pub(crate) fn take_over(path: &Path, baud: Option<u32>) -> Result<(), Failure> {
    let failed = |what: &str, error: Errno| {
        let text = format!("cannot {what} {}: {}", path.display(), std::io::Error::from(error));
        Failure::new(Exit::Failed, "tty", text)
    };
    // A session leader may already have a terminal; then this one is only talked to.
    let leads = rustix::process::setsid().is_ok();
    let line = rustix::fs::open(path, OFlags::RDWR | OFlags::NOCTTY, Mode::empty())
        .map_err(|error| failed("open", error))?;
    if !isatty(&line) {
        return Err(Failure::usage(format!("{} is no terminal", path.display())));
    }
    if leads {
        // Without it everything works but Ctrl-C.
        if let Err(error) = rustix::process::ioctl_tiocsctty(&line) {
            log::warn!("{} does not become the controlling terminal: {error}", path.display());
        }
    }
    set_up(&line, baud).map_err(|error| failed("set up", error))?;
    rustix::stdio::dup2_stdin(&line).map_err(|error| failed("read from", error))?;
    rustix::stdio::dup2_stdout(&line).map_err(|error| failed("write to", error))
}

/// Eight bits, no parity, edited by the kernel until an editor takes over.
fn set_up(line: &std::os::fd::OwnedFd, baud: Option<u32>) -> Result<(), Errno> {
    let mut modes = tcgetattr(line)?;
    modes.input_modes |= InputModes::ICRNL | InputModes::IUTF8;
    modes.input_modes &= !(InputModes::INLCR | InputModes::IGNCR | InputModes::ISTRIP);
    modes.output_modes |= OutputModes::OPOST | OutputModes::ONLCR;
    modes.control_modes &= !(ControlModes::CSIZE | ControlModes::PARENB | ControlModes::CSTOPB);
    modes.control_modes |= ControlModes::CS8 | ControlModes::CREAD | ControlModes::CLOCAL;
    modes.local_modes |=
        LocalModes::ICANON | LocalModes::ECHO | LocalModes::ECHOE | LocalModes::ISIG;
    if let Some(baud) = baud {
        modes.set_speed(baud)?;
    }
    tcsetattr(line, OptionalActions::Now, &modes)
}
