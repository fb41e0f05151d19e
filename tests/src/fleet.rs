//! A realm whose roles run apart: each node a process of its own, joined by a broker of the fleet's own. Nodes can be killed,
//! frozen and started again, as machines are.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::{Either, select};
use realm::Clock;
use realm::role::{Role, Singular};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::broker::Broker;
use crate::program::realm_binary;
use crate::workspace;

/// A node that answers later than this is taken for frozen.
const ANSWERS_WITHIN: Duration = Duration::from_secs(2);
/// The lines of a node's log that are shown when a test fails.
const LOG_LINES: usize = 15;

/// Roles in processes of their own. They are ended when it is dropped.
pub struct Fleet {
    data: PathBuf,
    broker: Mutex<Broker>,
    nodes: Mutex<Vec<Node>>,
    /// Role files and logs.
    folder: TempDir,
}

/// One process.
struct Node {
    role: String,
    file: PathBuf,
    process: Option<Child>,
    ready: String,
}

impl Node {
    /// Where clients connect, as its last ready line says.
    fn client(&self) -> Option<&str> {
        let mut words = self.ready.split_whitespace();
        let url = words.find_map(|word| word.strip_prefix("ws://"))?;
        url.split('/').next()
    }
}

impl Fleet {
    /// Starts the roles, all at once, and waits until each is ready.
    ///
    /// # Panics
    /// When one does not start; its log is in the message.
    pub fn start(data: &Path, roles: Vec<Role>) -> Self {
        let folder = tempfile::tempdir().expect("a fleet needs a temporary folder");
        let nodes = roles.into_iter().enumerate().map(|(number, mut role)| {
            let file = folder.path().join(format!("{number}-{}.toml", role.name));
            std::fs::write(&file, written(&mut role)).expect("a role should be writable");
            Node {
                role: role.name,
                file,
                process: None,
                ready: String::new(),
            }
        });
        let fleet = Self {
            data: data.to_owned(),
            broker: Mutex::new(Broker::start()),
            nodes: Mutex::new(nodes.collect()),
            folder,
        };
        let count = fleet.nodes().len();
        (0..count).for_each(|node| fleet.launch(node));
        (0..count).for_each(|node| fleet.wait_ready(node));
        fleet
    }

    /// The broker.
    pub fn broker(&self) -> MutexGuard<'_, Broker> {
        self.broker.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The gateways that live: the number of each node, and where clients connect to it.
    pub fn gateways(&self) -> Vec<(usize, String)> {
        let nodes = self.nodes();
        let living = nodes.iter().enumerate();
        let living = living.filter(|(_, node)| node.process.is_some());
        let url = |ready: &str| {
            let mut words = ready.split_whitespace();
            words
                .find(|word| word.starts_with("ws://"))
                .map(str::to_owned)
        };
        living
            .filter_map(|(number, node)| Some((number, url(&node.ready)?)))
            .collect()
    }

    /// The nodes of a role, by their number, dead or alive.
    pub fn nodes_of(&self, role: &str) -> Vec<usize> {
        let nodes = self.nodes();
        let of = nodes
            .iter()
            .enumerate()
            .filter(|(_, node)| node.role == role);
        of.map(|(number, _)| number).collect()
    }

    /// Ends a node as a dead machine ends.
    pub fn kill(&self, node: usize) {
        if let Some(mut process) = self.nodes()[node].process.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }

    /// Sends a node a signal by name, such as `STOP` and `CONT`.
    pub fn signal(&self, node: usize, name: &str) {
        if let Some(process) = &self.nodes()[node].process {
            signal(process.id(), name);
        }
    }

    /// Waits until a node has ended by itself; false when it ended as a failure.
    pub fn wait_ended(&self, node: usize) -> bool {
        let process = self.nodes()[node].process.take();
        process.is_none_or(|mut process| process.wait().is_ok_and(|status| status.success()))
    }

    /// Starts a node again that was killed or has ended; returns when it is ready.
    pub fn start_again(&self, node: usize) {
        self.launch(node);
        self.wait_ready(node);
    }

    /// What the admin listener of a node shows at `path`; nothing when it does not answer.
    pub async fn page(&self, node: usize, path: &str) -> Option<String> {
        let ready = self.nodes()[node].ready.clone();
        let mut words = ready.split_whitespace();
        get(words.find(|word| word.ends_with("/metrics"))?, path).await
    }

    /// What the admin listeners of the nodes that live show at `path`, such as `/metrics`.
    pub async fn pages(&self, path: &str) -> Vec<String> {
        let mut pages = Vec::new();
        for admin in self
            .words("http://")
            .iter()
            .filter(|url| url.ends_with("/metrics"))
        {
            pages.extend(get(admin, path).await);
        }
        pages
    }

    /// Stops all nodes in order, as SIGTERM does, in the reverse order of the roles.
    pub fn stop(&self) {
        let mut nodes = self.nodes();
        for node in nodes.iter_mut().rev() {
            if let Some(mut process) = node.process.take() {
                signal(process.id(), "TERM");
                let _ = process.wait();
            }
        }
    }

    fn nodes(&self) -> MutexGuard<'_, Vec<Node>> {
        self.nodes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The words of all ready lines that begin so.
    fn words(&self, beginning: &str) -> Vec<String> {
        let nodes = self.nodes();
        let living = nodes.iter().filter(|node| node.process.is_some());
        let words = living.flat_map(|node| node.ready.split_whitespace());
        let wanted = words.filter(|word| word.starts_with(beginning));
        wanted.map(str::to_owned).collect()
    }

    fn launch(&self, number: usize) {
        let url = self.broker().url();
        let mut nodes = self.nodes();
        let node = &mut nodes[number];
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.log(&node.file))
            .expect("a log should be writable");
        let process = Command::new(realm_binary())
            .arg("up")
            .arg(&node.file)
            .arg("--data")
            .arg(&self.data)
            // Who is started again is where it was.
            .arg("--listen")
            .arg(node.client().unwrap_or("127.0.0.1:0"))
            .env("REALM_NATS", url)
            .current_dir(workspace())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn();
        node.process = Some(process.expect("a node should start"));
    }

    fn wait_ready(&self, number: usize) {
        let stdout = {
            let mut nodes = self.nodes();
            let process = nodes[number].process.as_mut();
            process.and_then(|process| process.stdout.take())
        };
        let mut line = String::new();
        let stdout = stdout.expect("the output of a node is piped");
        let read = BufReader::new(stdout).read_line(&mut line);
        let node = &mut self.nodes()[number];
        assert!(
            read.is_ok() && line.starts_with("realm ready"),
            "the node '{}' should be ready, not {line:?}; its log: {}",
            node.role,
            self.tail(&node.file)
        );
        node.ready = line;
    }

    fn log(&self, file: &Path) -> PathBuf {
        let name = file.file_stem().unwrap_or_default();
        self.folder.path().join(name).with_extension("log")
    }

    fn tail(&self, file: &Path) -> String {
        let log = std::fs::read_to_string(self.log(file)).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(LOG_LINES)..].join("\n")
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        if std::thread::panicking() {
            for node in self.nodes().iter() {
                eprintln!("--- {}\n{}", node.role, self.tail(&node.file));
            }
        }
        let count = self.nodes().len();
        (0..count).for_each(|node| self.kill(node));
    }
}

fn signal(process: u32, name: &str) {
    let sent = Command::new("kill")
        .args([format!("-{name}"), process.to_string()])
        .status();
    assert!(
        sent.is_ok_and(|status| status.success()),
        "a node should be there to get SIG{name}"
    );
}

/// The role as a file, which may lie anywhere.
fn written(role: &mut Role) -> String {
    let beside = role
        .path
        .parent()
        .map(Path::to_path_buf)
        .unwrap_or_default();
    let mut root = toml::Table::new();
    root.insert("name".into(), role.name.clone().into());
    root.insert("admin".into(), "127.0.0.1:0".into());
    if let Some(cluster) = &role.cluster {
        let mut table = toml::Table::new();
        table.insert("name".into(), cluster.name.clone().into());
        table.insert("nats".into(), cluster.nats.clone().into());
        root.insert("cluster".into(), table.into());
    }
    let services = role.services.iter_mut().map(|service| {
        let mut table = toml::Table::new();
        table.insert("name".into(), service.name.clone().into());
        if let realm::role::Rate::Hz(hz) = service.rate {
            table.insert("rate_hz".into(), hz.into());
        }
        match service.singular {
            Some(Singular::StandBy) => drop(table.insert("singular".into(), "standby".into())),
            Some(Singular::Refuse) => drop(table.insert("singular".into(), "refuse".into())),
            None => {}
        }
        let modules = service.modules.iter().map(|module| {
            let settings: Result<toml::Table, _> = module.config();
            let mut settings = settings.expect("a module's settings are a table");
            if let Some(folder) = settings.get("resources").and_then(toml::Value::as_str) {
                let folder = beside.join(folder).display().to_string();
                settings.insert("resources".into(), folder.into());
            }
            settings.insert("name".into(), module.name.clone().into());
            toml::Value::Table(settings)
        });
        table.insert("module".into(), modules.collect::<Vec<_>>().into());
        toml::Value::Table(table)
    });
    root.insert("service".into(), services.collect::<Vec<_>>().into());
    root.to_string()
}

/// What a node answers at `path` of the listener that `url` is of; nothing when it does not answer.
async fn get(url: &str, path: &str) -> Option<String> {
    let timer = std::pin::pin!(Clock::machine().sleep(ANSWERS_WITHIN));
    match select(Box::pin(asked(url, path)), timer).await {
        Either::Left((answer, _)) => answer,
        Either::Right(_) => None,
    }
}

async fn asked(url: &str, path: &str) -> Option<String> {
    let host = url.strip_prefix("http://")?.split('/').next()?;
    let mut socket = tokio::net::TcpStream::connect(host).await.ok()?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    socket.write_all(request.as_bytes()).await.ok()?;
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    head.starts_with("HTTP/1.1 200").then(|| body.to_owned())
}
