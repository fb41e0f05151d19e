//! A role: which services, with which modules and settings, a node runs. It owns what a role file may say and refuses
//! everything else, all faults in one report; it starts nothing and knows no module's own settings.

mod cluster;
mod fault;
mod module;
mod nearest;
mod parse;
#[cfg(test)]
mod tests;

pub use cluster::{Cluster, LEASE_MS_DEFAULT, Password};
pub use fault::RoleFault;
pub use module::ModuleSpec;
pub use nearest::nearest;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// Messages that may wait for one locale when the role says nothing else.
pub const MAILBOX_LEN_MAX_DEFAULT: usize = 1024;
/// Calls that one service may have open when the role says nothing else.
pub const CALLS_PENDING_MAX_DEFAULT: usize = 4096;
/// The frame budget of a service that runs when mail arrives, when the role says nothing else.
pub const FRAME_BUDGET_MS_DEFAULT: u32 = 50;

/// What one node runs. Read from a TOML file, or put together by a test; its fields may be overridden before the node
/// starts.
#[derive(Clone, Debug)]
pub struct Role {
    /// The role's name, `[a-z0-9-]{1,32}`.
    pub name: String,
    /// The file it was read from; faults name it.
    pub path: PathBuf,
    /// Where the admin listener waits; none by default.
    pub admin: Option<SocketAddr>,
    /// Whether mail within the node is serialized too.
    pub wire: WireMode,
    /// Where the other nodes are found, when they are not in this process.
    pub cluster: Option<Cluster>,
    /// The services, in the file's order; at least one when read from a file.
    pub services: Vec<ServiceSpec>,
}

/// When mail is serialized.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WireMode {
    /// Only mail that leaves the node; within it, messages are moved.
    #[default]
    Local,
    /// All mail, so that a role on one machine proves what a split one needs.
    Always,
}

/// One service of a role: a thread with its modules.
#[derive(Clone, Debug)]
pub struct ServiceSpec {
    /// The service's name, unique in the role.
    pub name: String,
    /// When its frames run.
    pub rate: Rate,
    /// The time that a frame's ticks and mail may take; mail past it waits for the next frame. At most the period.
    pub frame_budget_ms: u32,
    /// Messages that may wait for one locale; more are refused.
    pub mailbox_len_max: usize,
    /// Calls that the service may have open; more are refused.
    pub calls_pending_max: usize,
    /// Set when only one of it may run in the realm.
    pub singular: Option<Singular>,
    /// The modules in the order in which they tick; each at most once.
    pub modules: Vec<ModuleSpec>,
}

/// What a singular service does when another node runs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Singular {
    /// It waits, without its modules, and takes over when the other has ended.
    StandBy,
    /// It does not start, and neither does its node.
    Refuse,
}

/// When a service's frames run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rate {
    /// So many times a second, 1 to 1000.
    Hz(u32),
    /// When mail arrives.
    Mail,
}

impl Role {
    /// Reads a role file. Every fault of the file is in the report, in the file's order.
    pub fn load(path: impl AsRef<Path>, known_modules: &[&str]) -> Result<Role, Vec<RoleFault>> {
        let path = path.as_ref();
        let text = std::fs::read_to_string(path).map_err(|error| {
            vec![RoleFault::of_file(
                path,
                "",
                format!("cannot be read: {error}"),
            )]
        })?;
        Role::parse(path, &text, known_modules)
    }

    /// Reads a role from `text`; `path` only names it in faults.
    pub fn parse(path: &Path, text: &str, known_modules: &[&str]) -> Result<Role, Vec<RoleFault>> {
        parse::role(path, text, known_modules)
    }

    /// The first module of this name in any service, to override its settings.
    pub fn module_mut(&mut self, name: &str) -> Option<&mut ModuleSpec> {
        self.services
            .iter_mut()
            .flat_map(|service| &mut service.modules)
            .find(|module| module.name == name)
    }
}

impl ServiceSpec {
    /// A service as it is when a role says nothing but its name, its rate and its modules.
    pub fn new(name: impl Into<String>, rate: Rate, modules: Vec<ModuleSpec>) -> ServiceSpec {
        ServiceSpec {
            name: name.into(),
            rate,
            frame_budget_ms: rate.period_ms().unwrap_or(FRAME_BUDGET_MS_DEFAULT),
            mailbox_len_max: MAILBOX_LEN_MAX_DEFAULT,
            calls_pending_max: CALLS_PENDING_MAX_DEFAULT,
            singular: None,
            modules,
        }
    }
}

impl Rate {
    /// The time from one frame's start to the next, in whole milliseconds and at least 1; none when mail sets the pace.
    pub fn period_ms(self) -> Option<u32> {
        match self {
            Rate::Hz(hz) => Some((1000 / hz.max(1)).max(1)),
            Rate::Mail => None,
        }
    }
}
