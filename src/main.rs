//! The `umbra` program: parse, build the world, dispatch one verb, exit with its code.

use std::process::ExitCode;

use umbra::base::Stop;
use umbra::ui::{self, Cli, Settings};

fn main() -> ExitCode {
    let args: Vec<_> = std::env::args_os().collect();
    let cli = match ui::parse(&args) {
        Ok(cli) => cli,
        Err(code) => return code,
    };
    ui::start_log(&cli);
    if cli.is_worker() {
        return ui::serve_worker();
    }
    let json = cli.wants_json();
    run(cli).unwrap_or_else(|failure| ui::refuse(&failure, json))
}

fn run(cli: Cli) -> Result<ExitCode, ui::Failure> {
    let settings = Settings::resolve(&cli.global, &|name| std::env::var_os(name))?;
    let stop = Stop::default();
    ui::arm_signals(&stop, cli.is_console())?;
    let mut world = ui::build_world(&settings, stop);
    Ok(ui::run(cli, &settings, &mut world))
}
