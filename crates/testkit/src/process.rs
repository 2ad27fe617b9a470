//! A server's process: started, paused, killed, and never left behind.

use std::{
    fs,
    io::Write,
    path::Path,
    process::{Child, ChildStdin, Command, Stdio},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};

/// How long a server may take to start or to stop.
pub const PATIENCE: Duration = Duration::from_secs(30);
const LOOK_AGAIN: Duration = Duration::from_millis(10);
/// Ends when told so; when its input ends untold, the test process is gone. Children of the server may write
/// for a moment longer.
const GUARD: &str = r#"read -r told || { kill -KILL "$1"; rm -rf "$2" || { sleep 1; rm -rf "$2"; }; }"#;

/// A process that ends with this value, and also when the test process dies without dropping it.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    // Kills the process and clears its folder away once nobody holds its standard input any more.
    guard: Child,
    leash: Option<ChildStdin>,
}

impl Process {
    /// Starts `command`, which keeps all it has in `folder`; what it prints goes to the file `log` there.
    pub fn start(name: &str, command: &mut Command, folder: &Path) -> Self {
        let log = folder.join("log");
        let log = fs::File::options()
            .create(true)
            .append(true)
            .open(log)
            .expect("a log file");
        let again = log.try_clone().expect("a second handle");
        let child = command.stdin(Stdio::null()).stdout(again).stderr(log).spawn();
        let child = child.unwrap_or_else(|error| panic!("{command:?} does not start: {error}"));
        let mut guard = Command::new("sh")
            .args(["-c", GUARD, "guard", &child.id().to_string()])
            .arg(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("a shell");
        let leash = guard.stdin.take();
        Self {
            name: name.to_owned(),
            child,
            guard,
            leash,
        }
    }

    /// Its number.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether it has not ended.
    pub fn runs(&mut self) -> bool {
        self.child.try_wait().is_ok_and(|status| status.is_none())
    }

    /// Sends `signal` to the process alone.
    pub fn signal(&self, signal: Signal) {
        // A process that has just ended by itself is not an error of the test's.
        let _ = kill_process(pid(self.id()), signal);
    }

    /// Stops it and its children where they stand: they keep their sockets and answer nothing (`SIGSTOP`).
    pub fn pause(&self) {
        self.signal_all(Signal::STOP);
        // Its threads stop one by one, a moment after the signal.
        let stopped = || stat(self.id()).is_none_or(|(state, _)| state == "T");
        assert!(wait_for(PATIENCE, stopped), "{} does not stop", self.name);
    }

    /// Lets it go on (`SIGCONT`).
    pub fn resume(&self) {
        self.signal_all(Signal::CONT);
    }

    /// Kills it and its children (`SIGKILL`) and waits for its end.
    pub fn kill(&mut self) {
        if self.runs() {
            self.signal_all(Signal::KILL);
            let _ = self.child.wait();
        }
    }

    /// Asks it to end by `signal` and waits; kills it when it does not.
    pub fn stop(&mut self, signal: Signal) {
        if !self.runs() {
            return;
        }
        self.resume();
        self.signal(signal);
        if !wait_for(PATIENCE, || !self.runs()) {
            self.kill();
            panic!("{} did not stop when it was asked to", self.name);
        }
    }

    fn signal_all(&self, signal: Signal) {
        for process in [self.id()].into_iter().chain(descendants(self.id())) {
            let _ = kill_process(pid(process), signal);
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
        if let Some(mut leash) = self.leash.take() {
            let _ = leash.write_all(b"done\n");
        }
        let _ = self.guard.wait();
    }
}

/// Repeats `check` until it holds; says whether it did within `patience`.
pub fn wait_for(patience: Duration, mut check: impl FnMut() -> bool) -> bool {
    let started = Instant::now();
    while !check() {
        if started.elapsed() > patience {
            return false;
        }
        std::thread::sleep(LOOK_AGAIN);
    }
    true
}

/// Whether there is such a process.
pub fn exists(process: u32) -> bool {
    test_kill_process(pid(process)).is_ok()
}

/// The children of a process and theirs.
fn descendants(process: u32) -> Vec<u32> {
    let Ok(folder) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    let numbers = folder
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let pairs: Vec<(u32, u32)> = numbers
        .filter_map(|child| Some((parent(child)?, child)))
        .collect();
    let mut found = vec![process];
    let mut next = 0;
    while let Some(&parent) = found.get(next) {
        found.extend(pairs.iter().filter(|pair| pair.0 == parent).map(|pair| pair.1));
        next += 1;
    }
    found.split_off(1)
}

fn parent(process: u32) -> Option<u32> {
    stat(process).map(|(_, parent)| parent)
}

/// The state and the parent of a process; `None` when there is no such process.
fn stat(process: u32) -> Option<(String, u32)> {
    let line = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name in parentheses may hold anything.
    let mut fields = line.rsplit_once(')')?.1.split_whitespace();
    Some((fields.next()?.to_owned(), fields.next()?.parse().ok()?))
}

fn pid(process: u32) -> Pid {
    let number = i32::try_from(process).expect("process numbers are small");
    Pid::from_raw(number).expect("no process has the number 0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_and_its_folder_are_gone_when_whoever_started_it_is() {
        let folder = tempfile::tempdir().expect("a folder").keep();
        let mut process = Process::start("sleep", Command::new("sleep").arg("60"), &folder);
        assert!(process.runs() && folder.exists());
        // What a dead test process leaves: nobody holds the guard's input.
        drop(process.leash.take());
        assert!(wait_for(PATIENCE, || !process.runs() && !folder.exists()));
    }
}
