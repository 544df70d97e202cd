//! Workers that end in every way that workers end.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustix::process::{Pid, Signal, getpid, kill_process};
use umbra::base::{Bytes, Stop, SysRoot, SystemClock};
use umbra::child::{
    Confinement, Ended, Frames, Job, Limits, ModelRef, Next, Reach, Spawn, Spawner, Watch,
    decode_frame, decode_payload, encode_payload, serve,
};

use umbra::model::Affinity;

use crate::fake::{FakeEngine, own_worker, take_pipe};

fn job(kind: &str, payload: Vec<u8>) -> Job {
    let limits = Limits { address_space: None, wall: Duration::from_secs(60), cpus: Vec::new() };
    Job { kind: kind.to_owned(), payload, limits }
}

fn sh(script: &str) -> Spawner {
    Spawner::new(Vec::new()).with_program("/bin/sh", &["-c", script])
}

/// Runs a job and keeps the frames.
fn run(spawner: &Spawner, job: &Job) -> (Ended, Vec<Vec<u8>>) {
    let mut frames = Vec::new();
    let ended = spawner.run(job, &SystemClock::default(), &Stop::default(), &mut |watch| {
        if let Watch::Frame(frame) = watch {
            frames.push(frame.to_vec());
        }
        Next::Continue
    });
    (ended, frames)
}

fn ended(script: &str) -> Ended {
    run(&sh(script), &job("any", vec![0; 100])).0
}

/// What [`Frames`] writes for these values.
fn framed(values: &[Vec<u8>]) -> Vec<u8> {
    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);
    impl std::io::Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let shared = Shared::default();
    let mut frames = Frames::new(shared.clone());
    values.iter().for_each(|value| frames.send(value).unwrap());
    std::mem::take(&mut *shared.0.lock().unwrap())
}

/// Running, not merely a name in the process table.
fn is_alive(pid: &str) -> bool {
    let stat = std::fs::read_to_string(Path::new("/proc").join(pid).join("stat"));
    stat.is_ok_and(|stat| !stat.rsplit(") ").next().unwrap_or_default().starts_with(['Z', 'X']))
}

#[test]
fn exit_codes_and_signals_are_told_apart() {
    assert_eq!(ended("exit 0"), Ended::Finished);
    let failed = ended("echo first >&2; echo last words >&2; exit 7");
    assert_eq!(failed, Ended::Failed { code: 7, stderr: "first\nlast words".into() });
    for (name, signal) in [("ABRT", 6), ("SEGV", 11), ("ILL", 4)] {
        let killed = ended(&format!("kill -{name} $$"));
        assert_eq!(killed, Ended::Signal { signal, stderr: String::new() });
    }
}

#[test]
fn running_out_of_memory_has_its_own_name() {
    assert_eq!(ended("kill -KILL $$"), Ended::OutOfMemory);
    let rust = "echo 'memory allocation of 99 bytes failed' >&2; kill -ABRT $$";
    assert_eq!(ended(rust), Ended::OutOfMemory);
    let talk = "echo 'memory allocation of 99 bytes failed' >&2; exit 0";
    assert_eq!(ended(talk), Ended::Finished);
}

#[test]
fn nonsense_on_standard_output_kills() {
    let Ended::Garbled(what) = ended("echo hello, world; sleep 600") else { panic!() };
    assert!(what.contains("hello, world"), "{what}");
    let Ended::Garbled(what) = ended("printf abc") else { panic!() };
    assert!(what.contains("abc"), "{what}");
    // A worker that dies in the middle of a frame has died; that is what counts.
    assert_eq!(ended("printf abc; kill -SEGV $$"), Ended::Signal { signal: 11, stderr: "".into() });
}

#[test]
fn a_hang_ends_at_the_wall_with_all_its_descendants() {
    let dir = tempfile::tempdir().unwrap();
    let pid = dir.path().join("pid");
    let script = format!("sleep 600 & echo $! > {}; trap '' TERM; sleep 600", pid.display());
    let mut hang = job("any", Vec::new());
    hang.limits.wall = Duration::from_millis(700);
    assert_eq!(run(&sh(&script), &hang).0, Ended::TimedOut(hang.limits.wall));
    assert!(!is_alive(std::fs::read_to_string(pid).unwrap().trim()));
}

#[test]
fn a_descendant_that_keeps_the_pipes_holds_nobody_up() {
    let dir = tempfile::tempdir().unwrap();
    let pid = dir.path().join("pid");
    let script = format!("sleep 600 & echo $! > {}; exit 0", pid.display());
    assert_eq!(ended(&script), Ended::Finished);
    assert!(!is_alive(std::fs::read_to_string(pid).unwrap().trim()));
}

#[test]
fn whoever_watches_can_end_it() {
    let clock = SystemClock::default();
    let script = sh("sleep 600");
    let stop = Stop::default();
    let killed = script.run(&job("any", Vec::new()), &clock, &stop, &mut |watch| {
        assert_eq!(watch, Watch::Tick);
        Next::Kill
    });
    assert_eq!(killed, Ended::Killed);
    let stopped = script.run(&job("any", Vec::new()), &clock, &stop, &mut |_| {
        stop.request();
        Next::Continue
    });
    assert_eq!(stopped, Ended::Stopped);
    let never = script.run(&job("any", Vec::new()), &clock, &stop, &mut |_| panic!());
    assert_eq!(never, Ended::Stopped);
}

#[test]
fn a_large_job_that_is_not_read_or_read_in_part_blocks_nobody() {
    let large = job("any", vec![7; 4 << 20]);
    assert_eq!(run(&sh("exec 0<&-; sleep 0.3; exit 0"), &large).0, Ended::Finished);
    assert_eq!(run(&sh("head -c 100000 >/dev/null; exit 0"), &large).0, Ended::Finished);
    let mut hang = large;
    hang.limits.wall = Duration::from_millis(500);
    assert_eq!(run(&sh("sleep 600"), &hang).0, Ended::TimedOut(hang.limits.wall));
}

#[test]
fn many_and_large_frames_arrive_in_order_and_ticks_go_on() {
    let dir = tempfile::tempdir().unwrap();
    let values: Vec<Vec<u8>> = (0..30u8).map(|k| vec![k; 200_000 * usize::from(k % 3)]).collect();
    let file = dir.path().join("frames");
    std::fs::write(&file, framed(&values)).unwrap();
    let script = format!("cat {0}; sleep 0.5; cat {0}", file.display());
    let (mut seen, mut ticks) = (Vec::new(), 0);
    let ended = sh(&script).run(
        &job("any", Vec::new()),
        &SystemClock::default(),
        &Stop::default(),
        &mut |watch| {
            match watch {
                Watch::Frame(frame) => seen.push(decode_frame::<Vec<u8>>(frame).unwrap()),
                Watch::Tick => ticks += 1,
            }
            Next::Continue
        },
    );
    assert_eq!(ended, Ended::Finished);
    assert!(ticks >= 2, "{ticks}");
    assert_eq!(seen, [values.clone(), values].concat());
}

#[test]
fn a_flood_on_standard_error_is_kept_short() {
    let flood = ended("yes nonsense | head -c 3000000 >&2; echo the end >&2; exit 3");
    let Ended::Failed { code: 3, stderr } = flood else { panic!("{flood:?}") };
    assert!(stderr.len() <= 2048 && stderr.ends_with("the end"), "{stderr}");
}

#[test]
fn a_foreign_binary_is_not_started_and_the_launcher_is_named() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let foreign = dir.path().join("foreign");
    let mut elf = vec![0u8; 200];
    elf[..7].copy_from_slice(&[0x7f, b'E', b'L', b'F', 2, 1, 1]);
    elf[16..20].copy_from_slice(&[2, 0, 0xF3, 0x7F]);
    std::fs::write(&foreign, elf).unwrap();
    std::fs::set_permissions(&foreign, PermissionsExt::from_mode(0o755)).unwrap();
    let spawner = Spawner::new(Vec::new()).with_program(&foreign, &[]);
    let Ended::NotStarted(why) = run(&spawner, &job("any", Vec::new())).0 else { panic!() };
    assert!(why.contains("UMBRA_LAUNCHER") && why.contains("foreign"), "{why}");
    let missing = Spawner::new(vec!["/nowhere/emulator".into(), "-L".into()]);
    assert!(missing.is_launched());
    let Ended::NotStarted(why) = run(&missing, &job("any", Vec::new())).0 else { panic!() };
    assert!(why.contains("/nowhere/emulator"), "{why}");
}

#[test]
fn a_launcher_comes_before_the_program() {
    let launcher = vec!["/bin/sh".to_owned(), "-c".to_owned(), "exec \"$0\" \"$@\"".to_owned()];
    let spawner = Spawner::new(launcher).with_program("/bin/sh", &["-c", "exit 5"]);
    assert_eq!(
        run(&spawner, &job("any", Vec::new())).0,
        Ended::Failed { code: 5, stderr: String::new() }
    );
}

#[test]
fn models_cross_without_a_copy() {
    let owned = ModelRef::Bytes(vec![1u8, 2, 3]);
    let bytes = encode_payload(&(9u8, &owned));
    assert_eq!(decode_payload::<(u8, ModelRef)>(&bytes), Some((9, owned)));
    let (_, borrowed) = decode_payload::<(u8, ModelRef<&[u8]>)>(&bytes).unwrap();
    assert_eq!(borrowed, ModelRef::Bytes(&[1, 2, 3][..]));
    assert_eq!(decode_payload::<(u8, ModelRef)>(&bytes[..3]), None);
}

/// Not a test but the worker of the tests below: does nothing unless it is asked to.
#[test]
fn entry() {
    match std::env::var("UMBRA_TEST_WORKER").as_deref() {
        Ok("guard") => guard(),
        Ok("brood") => brood(),
        Ok(_) => {
            let pipe = take_pipe();
            println!("a library that greets on standard output");
            std::process::exit(serve(std::io::stdin(), pipe, &Reach::default(), &handle));
        }
        Err(_) => (),
    }
}

/// A parent of its own, to be killed: says which worker it has.
fn guard() {
    let hang = job("hang", Vec::new());
    own_worker().run(&hang, &SystemClock::default(), &Stop::default(), &mut |watch| {
        if let Watch::Frame(frame) = watch {
            println!("\nworker {}", decode_frame::<u32>(frame).unwrap());
        }
        Next::Continue
    });
}

/// A parent of a thousand workers, one after the other: says what it holds.
fn brood() {
    let (worker, nothing) = (sh("exit 0"), job("any", Vec::new()));
    for born in 1..=1000 {
        assert_eq!(run(&worker, &nothing).0, Ended::Finished);
        if [100, 1000].contains(&born) {
            let status = std::fs::read_to_string("/proc/self/status").unwrap();
            let anonymous = status.split("RssAnon:").nth(1).unwrap();
            let anonymous = anonymous.split_whitespace().next().unwrap();
            let open = std::fs::read_dir("/proc/self/fd").unwrap().count();
            println!("\nheld {anonymous} {open}");
        }
    }
}

/// This program as one of the two above.
fn own_parent(role: &str) -> std::process::Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child::entry", "--nocapture"])
        .env("UMBRA_TEST_WORKER", role)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// The words after this one, on each line that begins with it.
fn said<'a>(
    parent: &'a mut std::process::Child,
    word: &'a str,
) -> impl Iterator<Item = Vec<u64>> + 'a {
    let lines = BufReader::new(parent.stdout.as_mut().unwrap()).lines().map_while(Result::ok);
    lines.filter_map(move |line| {
        let rest = line.strip_prefix(word)?;
        Some(rest.split_whitespace().map(|number| number.parse().unwrap()).collect())
    })
}

fn handle(job: &Job, frames: &mut Frames) -> Result<(), String> {
    let send = |frames: &mut Frames, text: String| frames.send(&text).map_err(|e| e.to_string());
    match job.kind.as_str() {
        "sum" => {
            println!("in the middle of the job");
            let sum: u64 = job.payload.iter().map(|&byte| u64::from(byte)).sum();
            send(frames, format!("{} {sum}", job.payload.len()))
        }
        "self" => {
            let proc = ["oom_score_adj", "limits", "status", "stat"]
                .map(|name| std::fs::read_to_string(format!("/proc/thread-self/{name}")).unwrap());
            proc.into_iter().try_for_each(|text| send(frames, text))
        }
        "eat" => {
            let bytes: u64 = decode_payload(&job.payload).ok_or("no number")?;
            Err(format!("{} bytes were to be had", vec![1u8; bytes as usize].len()))
        }
        "panic" => panic!("over the edge\nin two lines"),
        "refuse" => Err("no such thing".to_owned()),
        "hang" => {
            frames.send(&std::process::id()).map_err(|e| e.to_string())?;
            std::thread::sleep(Duration::from_secs(600));
            Ok(())
        }
        "spin" => loop {
            std::hint::spin_loop();
        },
        "abort" => std::process::abort(),
        "raise" => {
            let number: i32 = decode_payload(&job.payload).ok_or("no number")?;
            let signal = Signal::from_named_raw(number).ok_or("no signal")?;
            // More than once: Rust's own handler lets the first SIGSEGV pass, to see whether
            // the same instruction fails again.
            loop {
                kill_process(getpid(), signal).map_err(|e| e.to_string())?;
            }
        }
        "touch" => {
            let (dir, port, parent) = decode_payload(&job.payload).ok_or("no places")?;
            frames.send(&frames.confinement()).map_err(|e| e.to_string())?;
            touch(dir, port, parent)
                .iter()
                .try_for_each(|it| frames.send(it))
                .map_err(|e| e.to_string())
        }
        "bench" => {
            let mut engines = umbra::engine::available();
            engines.push(Box::<FakeEngine>::default());
            umbra::bench::work(&job.payload, &engines, &SystemClock::default(), frames)
        }
        other => Err(format!("unknown job {other}")),
    }
}

#[test]
fn a_worker_answers_and_its_chatter_does_not_get_in_between() {
    let (ended, frames) = run(&own_worker(), &job("sum", vec![2; 3 << 20]));
    assert_eq!(ended, Ended::Finished);
    let texts: Vec<String> = frames.iter().map(|frame| decode_frame(frame).unwrap()).collect();
    assert_eq!(texts, [format!("{} {}", 3 << 20, 6 << 20)]);
}

#[test]
fn a_worker_limits_itself() {
    let mut asked = job("self", Vec::new());
    let allowed = std::fs::read_to_string("/proc/self/status").unwrap();
    let cpu = allowed.split("Cpus_allowed_list:").nth(1).unwrap().trim();
    let cpu: u32 = cpu.split(|c: char| !c.is_ascii_digit()).next().unwrap().parse().unwrap();
    asked.limits.cpus = vec![cpu];
    asked.limits.address_space = Some(Bytes(3 << 30));
    let (ended, frames) = run(&own_worker(), &asked);
    assert_eq!(ended, Ended::Finished);
    let texts: Vec<String> = frames.iter().map(|frame| decode_frame(frame).unwrap()).collect();
    assert_eq!(texts[0].trim(), "1000");
    let line = |text: &str, name: &str| {
        let line = text.lines().find(|line| line.starts_with(name)).unwrap_or_default();
        line.split_whitespace().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(line(&texts[1], "Max address space")[3..5], ["3221225472", "3221225472"]);
    assert_eq!(line(&texts[1], "Max core file size")[4..6], ["0", "0"]);
    assert_eq!(line(&texts[2], "Cpus_allowed_list:")[1], cpu.to_string());
}

#[test]
fn a_worker_over_its_limit_a_panic_and_a_refusal_are_results() {
    let mut greedy = job("eat", encode_payload(&(3u64 << 30)));
    greedy.limits.address_space = Some(Bytes(1 << 30));
    assert_eq!(run(&own_worker(), &greedy).0, Ended::OutOfMemory);
    // More than this board has, within the limit that it gives itself.
    let mut huge = job("eat", encode_payload(&(64u64 << 30)));
    huge.limits = Limits::of(&Affinity::Any, huge.limits.wall, &SysRoot::default());
    huge.limits.address_space = huge.limits.address_space.min(Some(Bytes(32 << 30)));
    assert!(huge.limits.address_space.is_some());
    assert_eq!(run(&own_worker(), &huge).0, Ended::OutOfMemory);
    // The limit holds before the payload is read.
    let mut large = job("sum", vec![1; 80 << 20]);
    large.limits.address_space = Some(Bytes(64 << 20));
    assert_eq!(run(&own_worker(), &large).0, Ended::OutOfMemory);
    let Ended::Failed { code: 101, stderr } = run(&own_worker(), &job("panic", Vec::new())).0
    else {
        panic!()
    };
    let (_, last) = stderr.rsplit_once('\n').unwrap_or(("", &stderr));
    assert!(last.starts_with("panic: over the edge in two lines (child.rs:"), "{stderr}");
    // Its only line: the usual three would push out of the tail what was said before.
    assert_eq!(stderr.matches("over the edge").count(), 1, "{stderr}");
    assert!(!stderr.contains("panicked at") && !stderr.contains("BACKTRACE"), "{stderr}");
    let Ended::Failed { code: 1, stderr } = run(&own_worker(), &job("refuse", Vec::new())).0 else {
        panic!()
    };
    assert!(stderr.ends_with("no such thing"), "{stderr}");
}

/// What a worker finds open: reading the kernel's files and others, writing, starting a
/// program, a TCP connection, a signal to the agent.
fn touch(dir: &str, port: u16, parent: i32) -> Vec<(String, bool)> {
    let parent = Pid::from_raw(parent).unwrap();
    let found = [
        ("proc", std::fs::read("/proc/self/smaps_rollup").is_ok()),
        ("sys", std::fs::read_dir("/sys/devices/system/cpu").is_ok()),
        ("read", std::fs::read("/etc/passwd").is_ok()),
        ("list", std::fs::read_dir(dir).is_ok()),
        ("write", std::fs::write(Path::new(dir).join("mine"), "x").is_ok()),
        ("start", Command::new("/bin/true").status().is_ok()),
        ("connect", std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()),
        ("signal", kill_process(parent, Signal::CONT).is_ok()),
    ];
    found.map(|(what, worked)| (what.to_owned(), worked)).to_vec()
}

#[test]
fn a_confined_worker_reads_the_kernels_files_and_touches_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let pid = std::process::id() as i32;
    let touch = job("touch", encode_payload(&(dir.path().to_str().unwrap(), port, pid)));
    let (ended, frames) = run(&own_worker(), &touch);
    assert_eq!(ended, Ended::Finished);
    let confinement: Confinement = decode_frame(&frames[0]).unwrap();
    let found: Vec<(String, bool)> =
        frames[1..].iter().map(|frame| decode_frame(frame).unwrap()).collect();
    let open: Vec<&str> =
        found.iter().filter(|(_, worked)| *worked).map(|(what, _)| what.as_str()).collect();
    assert_eq!(std::fs::read_dir(&dir).unwrap().count(), usize::from(open.contains(&"write")));
    match confinement {
        Confinement::Full => assert_eq!(open, ["proc", "sys"]),
        // Files are the oldest part of Landlock.
        Confinement::Partial => {
            assert!(!["read", "list", "write", "start"].iter().any(|what| open.contains(what)));
        }
        Confinement::None => {
            eprintln!("NOT RUN: this kernel has no Landlock, or this build");
            assert_eq!(open.len(), found.len());
        }
    }
}

#[test]
fn a_candidate_that_spins_aborts_or_crashes_ends_as_what_it_did() {
    let mut spin = job("spin", Vec::new());
    spin.limits.wall = Duration::from_millis(1500);
    assert_eq!(run(&own_worker(), &spin).0, Ended::TimedOut(spin.limits.wall));
    let signal = |job: &Job| match run(&own_worker(), job).0 {
        Ended::Signal { signal, .. } => signal,
        other => panic!("{other:?}"),
    };
    assert_eq!(signal(&job("abort", Vec::new())), 6);
    for number in [4, 7, 8, 11] {
        assert_eq!(signal(&job("raise", encode_payload(&number))), number);
    }
}

/// The limit that holds although nobody looks at the clock.
#[test]
fn a_worker_that_outlives_its_wall_clock_runs_out_of_processor_time() {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap();
    let mut asked = job("self", Vec::new());
    asked.limits.wall = Duration::from_secs(9);
    let (_, frames) = run(&own_worker(), &asked);
    let text: String = decode_frame(&frames[1]).unwrap();
    let seconds = |text: &str| {
        let line = text.lines().find(|line| line.starts_with("Max cpu time")).unwrap();
        line.split_whitespace().nth(3).unwrap().to_owned()
    };
    let processors = std::thread::available_parallelism().unwrap().get();
    assert_eq!(seconds(&text), (10 * processors).to_string());
    assert_ne!(seconds(&limits), seconds(&text));
}

#[test]
fn a_worker_dies_with_its_parent() {
    let mut guard = own_parent("guard");
    let pid = said(&mut guard, "worker ").next().unwrap()[0].to_string();
    assert!(is_alive(&pid));
    guard.kill().unwrap();
    guard.wait().unwrap();
    // The worker leads a group of its own: only the parent-death signal can have reached it.
    for _ in 0..500 {
        if !is_alive(&pid) {
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("the worker {pid} outlives its parent");
}

/// One that died before the worker could ask for the signal leaves none.
#[test]
fn a_worker_whose_parent_is_gone_does_not_begin() {
    let script = r#"UMBRA_TEST_WORKER=1 "$0" --exact child::entry --nocapture 3>&1 1>&2; exit $?"#;
    let program = std::env::current_exe().unwrap();
    let between = Spawner::new(Vec::new())
        .with_program("/bin/sh", &["-c", script, program.to_str().unwrap()]);
    let (ended, frames) = run(&between, &job("sum", vec![1; 10]));
    let Ended::Failed { code: 2, stderr } = ended else { panic!("{ended:?}") };
    assert!(stderr.ends_with("the parent is gone") && frames.is_empty(), "{stderr}");
}

/// What the agent holds after a thousand workers is what it held after a hundred: the same
/// descriptors, and at most 256 KiB more of its own memory (what an allocator may keep).
#[test]
fn a_thousand_workers_leave_the_agent_as_it_was() {
    let mut brood = own_parent("brood");
    let held: Vec<Vec<u64>> = said(&mut brood, "held ").collect();
    assert!(brood.wait().unwrap().success());
    let [early, late] = &held[..] else { panic!("{held:?}") };
    assert!(late[0] <= early[0] + 256, "{} kB after 100, {} kB after 1000", early[0], late[0]);
    assert_eq!(late[1], early[1], "descriptors");
}
