//! Asks a running realm for its figures, at the admin listener of any of its nodes, once or again and again.

use std::io::{IsTerminal, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::process::ExitCode;
use std::time::Duration;

use crate::statistics::{PAGE, Report};
use anyhow::Context;
use clap::Args;

/// A realm that does not answer in this time is not there.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// The longest answer that is read, in bytes.
const ANSWER_LEN_MAX: u64 = 64 * 1024 * 1024;

/// How often `--watch` asks.
const WATCH_EVERY: Duration = Duration::from_secs(1);

/// Whom to ask, and how often.
#[derive(Args)]
pub(super) struct Asking {
    /// The admin listener of any node, as the ready line names it
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:7778")]
    admin: String,
    /// Tell it again each second, until Ctrl-C
    #[arg(long)]
    watch: bool,
}

impl Asking {
    /// Asks, and writes what `told` makes of the answer.
    pub(super) fn run(self, told: impl Fn(&Report) -> String) -> anyhow::Result<ExitCode> {
        let mut out = std::io::stdout();
        loop {
            let report = ask(&self.admin)?;
            let told = told(&report);
            if self.watch && out.is_terminal() {
                write!(out, "\x1b[H\x1b[2J")?;
            }
            write!(out, "{told}")?;
            out.flush()?;
            if !self.watch {
                return Ok(ExitCode::SUCCESS);
            }
            std::thread::sleep(WATCH_EVERY);
        }
    }
}

fn ask(admin: &str) -> anyhow::Result<Report> {
    let rest = admin.strip_prefix("http://").unwrap_or(admin);
    let host = rest.split('/').next().unwrap_or_default();
    let answer = get(host, PAGE).with_context(|| {
        format!("no answer from http://{host}{PAGE}: is a realm running there?")
    })?;
    let (head, body) = answer
        .split_once("\r\n\r\n")
        .with_context(|| format!("http://{host}{PAGE} answers something that is no HTTP"))?;
    let status = head.lines().next().unwrap_or_default();
    anyhow::ensure!(
        status.split(' ').nth(1) == Some("200"),
        "http://{host}{PAGE} answers '{status}': the node needs the module 'statistics'"
    );
    serde_json::from_str(body)
        .with_context(|| format!("http://{host}{PAGE} answers something else than figures"))
}

fn get(host: &str, path: &str) -> std::io::Result<String> {
    let mut refused = std::io::Error::other("the host has no address");
    for address in host.to_socket_addrs()? {
        let mut socket = match TcpStream::connect_timeout(&address, ANSWER_WITHIN) {
            Ok(socket) => socket,
            Err(error) => {
                refused = error;
                continue;
            }
        };
        socket.set_read_timeout(Some(ANSWER_WITHIN))?;
        socket.set_write_timeout(Some(ANSWER_WITHIN))?;
        write!(
            socket,
            "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
        )?;
        let mut answer = String::new();
        socket.take(ANSWER_LEN_MAX).read_to_string(&mut answer)?;
        return Ok(answer);
    }
    Err(refused)
}
