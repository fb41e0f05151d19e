//! PostgreSQL servers. Owns their folders and processes; knows no SQL.

use std::fmt::Write as _;
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// Ends the server and takes its folder away when nobody holds the other end of its input any more: also when the test was
/// killed. Signals that end a test from the terminal do not end it first.
const WATCH: &str =
    r#"trap "" INT TERM HUP; read -r _; "$@" -m immediate stop >/dev/null 2>&1; rm -rf "$FOLDER""#;

/// A running PostgreSQL server, reached by a socket in a folder of its own. It ends when it is dropped.
pub struct Postgres {
    folder: PathBuf,
    databases: AtomicU32,
    watcher: Child,
    // Closed to end the server.
    leash: Option<ChildStdin>,
}

impl Postgres {
    /// A server of the caller's own, to stop and to start. It writes as safely as in production.
    pub fn start() -> Postgres {
        Postgres::start_with("")
    }

    /// The server that all tests of this process have in common, each with databases of its own.
    pub fn shared() -> &'static Postgres {
        static SHARED: OnceLock<Postgres> = OnceLock::new();
        SHARED.get_or_init(|| Postgres::start_with("-c fsync=off"))
    }

    fn start_with(settings: &str) -> Postgres {
        let folder = tempfile::Builder::new().prefix("realm-pg-").tempdir();
        let owned = folder.expect("a test needs a temporary folder");
        let folder = owned.path().to_owned();
        let root = std::fs::metadata(&folder).expect("the folder is there");
        if root.uid() == 0 {
            let (user, group) = (id_of_nobody("-u"), id_of_nobody("-g"));
            chown(&folder, Some(user), Some(group))
                .expect("the server's user should get its folder");
        }
        let data = folder.join("data");
        let mut initdb = program("initdb");
        initdb.args([
            "-A",
            "trust",
            "-N",
            "-U",
            "realm",
            "-E",
            "UTF8",
            "--no-locale",
            "-D",
        ]);
        run(initdb.arg(&data));
        let mut config = format!(
            "listen_addresses = ''\nunix_socket_directories = '{}'\nmax_connections = 300\n",
            folder.display()
        );
        for setting in settings.split("-c ").filter(|setting| !setting.is_empty()) {
            // Writing to a string cannot fail.
            let _ = writeln!(config, "{setting}");
        }
        let file = data.join("postgresql.auto.conf");
        std::fs::write(&file, config).expect("the server's settings should be written");
        let stop = control(&data);
        let mut watch = Command::new("sh");
        watch
            .args(["-c", WATCH, "sh"])
            .arg(stop.get_program())
            .args(stop.get_args());
        watch
            .env("FOLDER", &folder)
            .current_dir("/")
            .process_group(0)
            .stdin(Stdio::piped());
        watch.stdout(Stdio::null()).stderr(Stdio::null());
        let mut watcher = watch.spawn().expect("the server's watcher should start");
        // It is the watcher's from here on.
        let server = Postgres {
            folder: owned.keep(),
            databases: AtomicU32::new(0),
            leash: watcher.stdin.take(),
            watcher,
        };
        server.resume();
        server
    }

    /// The url of a new database.
    pub fn database(&self) -> String {
        let number = self.databases.fetch_add(1, Ordering::Relaxed);
        let name = format!("realm_{number}");
        run(program("createdb")
            .args(["-U", "realm", "-h"])
            .arg(&self.folder)
            .arg(&name));
        format!(
            "postgres://realm@localhost/{name}?host={}",
            self.folder.display()
        )
    }

    /// Kills the server as a crash does: nothing is written down, nobody is told.
    pub fn crash(&self) {
        run(control(&self.data()).args(["-m", "immediate", "stop"]));
    }

    /// Starts the server again; it answers when this returns.
    pub fn resume(&self) {
        let log = self.folder.join("log");
        run(control(&self.data()).arg("-l").arg(&log).arg("start"));
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        drop(self.leash.take());
        // The watcher ends by itself when the server has.
        let _ = self.watcher.wait();
    }
}

/// `pg_ctl` for the server with this data, which waits for what it does.
fn control(data: &Path) -> Command {
    let mut control = program("pg_ctl");
    control.args(["-s", "-w", "-t", "60", "-D"]).arg(data);
    control
}

/// A program of PostgreSQL, as a user under whom it runs: it refuses to be root.
fn program(name: &str) -> Command {
    let bin = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/postgres/bin");
    let bin = bin.canonicalize().unwrap_or_else(|_| {
        panic!("there is no PostgreSQL to test with: run tests/postgres, which brings one")
    });
    let is_root = std::fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0);
    let mut command = match is_root {
        true => {
            let mut command = Command::new("setpriv");
            command.args(["--reuid=nobody", "--regid=nogroup", "--clear-groups"]);
            command.arg(bin.join(name));
            command
        }
        false => Command::new(bin.join(name)),
    };
    // Whoever it runs as may not be let into the present folder.
    command.current_dir("/").stdin(Stdio::null());
    command
}

fn id_of_nobody(which: &str) -> u32 {
    let told = Command::new("id").args([which, "nobody"]).output();
    let told = told.expect("the user's number should be told");
    let number = String::from_utf8_lossy(&told.stdout).trim().parse();
    number.expect("there should be a user nobody for PostgreSQL to run as")
}

fn run(command: &mut Command) {
    let done = command.output();
    let done = done.unwrap_or_else(|error| panic!("{command:?} should run: {error}"));
    let words = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{command:?} should succeed: {words}");
}
