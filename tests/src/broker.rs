//! A NATS server of a test's own, on free ports, with its data in a folder that goes with it. It can be stopped, started
//! again in the same place, frozen, and robbed of what it stored.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use realm::Clock;
use tempfile::TempDir;

/// A server has so long to answer.
const STARTS_WITHIN: Duration = Duration::from_secs(20);

/// A running server; it ends with this value.
pub struct Broker {
    folder: TempDir,
    port: u16,
    flags: Vec<String>,
    server: Option<Child>,
}

impl Broker {
    /// Starts a server.
    ///
    /// # Panics
    /// When there is none (`tests/run` brings it), or it does not come up.
    pub fn start() -> Self {
        Self::with(["--jetstream"])
    }

    /// Starts a server with these flags instead of `--jetstream`.
    ///
    /// # Panics
    /// As [`Broker::start`].
    pub fn with<F: Into<String>>(flags: impl IntoIterator<Item = F>) -> Self {
        let mut broker = Self {
            folder: tempfile::tempdir().expect("a broker needs a temporary folder"),
            port: free_port(),
            flags: flags.into_iter().map(F::into).collect(),
            server: None,
        };
        broker.start_again();
        broker
    }

    /// Where it is, without the scheme.
    pub fn at(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Where it is.
    pub fn url(&self) -> String {
        format!("nats://{}", self.at())
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Starts it again on its port and its data, after [`Broker::stop`] or [`Broker::kill`].
    pub fn start_again(&mut self) {
        let program = crate::workspace().join("target/nats/bin/nats-server");
        assert!(
            program.exists(),
            "{} is missing: run tests/nats, which brings it",
            program.display()
        );
        let log = self.folder.path().join("log");
        let server = Command::new(&program)
            .args(["--addr", "127.0.0.1", "--port", &self.port.to_string()])
            .args(&self.flags)
            .arg("--store_dir")
            .arg(self.store())
            .arg("--log")
            .arg(&log)
            .stdin(Stdio::null())
            .spawn();
        self.server = Some(server.expect("the broker should start"));
        let clock = Clock::machine();
        let until = clock.now() + STARTS_WITHIN;
        while std::net::TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(
                clock.now() < until,
                "the broker should come up; its log: {}",
                std::fs::read_to_string(&log).unwrap_or_default()
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Stops it in order.
    pub fn stop(&mut self) {
        self.signal("TERM");
        self.wait();
    }

    /// Ends it at once.
    pub fn kill(&mut self) {
        if let Some(server) = &mut self.server {
            let _ = server.kill();
        }
        self.wait();
    }

    /// Sends it a signal by name, such as `STOP` and `CONT`. After `STOP` it does no more.
    pub fn signal(&self, name: &str) {
        if let Some(server) = &self.server {
            let sent = Command::new("kill")
                .args([format!("-{name}"), server.id().to_string()])
                .status();
            assert!(
                sent.is_ok_and(|status| status.success()),
                "the broker should be there to get SIG{name}"
            );
            while name == "STOP" && !stands_still(server.id()) {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
    }

    /// Deletes all that it stored; to be called while it does not run.
    pub fn wipe(&self) {
        let _ = std::fs::remove_dir_all(self.store());
    }

    fn store(&self) -> std::path::PathBuf {
        Path::new(self.folder.path()).join("jetstream")
    }

    fn wait(&mut self) {
        if let Some(mut server) = self.server.take() {
            let _ = server.wait();
        }
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.kill();
    }
}

/// True when all threads of a process are stopped: the signal takes its time.
fn stands_still(process: u32) -> bool {
    let tasks = std::fs::read_dir(format!("/proc/{process}/task"));
    let tasks = tasks.expect("a process has threads");
    let state = |task: std::io::Result<std::fs::DirEntry>| {
        let stat = std::fs::read_to_string(task.ok()?.path().join("stat")).ok()?;
        let (_, rest) = stat.rsplit_once(") ")?;
        rest.chars().next()
    };
    tasks.map(state).all(|state| state == Some('T'))
}

/// A port that nobody listens on. Somebody else may take it before it is used; the next start then fails, and says so.
pub fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port should be free");
    let port = listener.local_addr().expect("a listener has an address");
    port.port()
}
