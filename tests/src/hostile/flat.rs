//! Whatever strangers do, and however often, leaves nothing behind: memory, sockets, sessions and locales of a realm in a
//! process of its own are where they were, row by row and over all of them.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::attacker::Attacker;
use super::honest::Honest;
use super::stage::{Figures, address_of, content, pause};
use super::{Row, accounts, encoding, state, transport};
use crate::durability::Process;
use crate::objects::content::Content;
use tests::program::realm_binary;

/// Repetitions of each row in a usual run. `tests/run --soak hostile` asks for 10,000.
const TIMES: u64 = 300;
/// A row that lasts is repeated so much less often in a usual run, and in fewer parts.
const LASTING_PART: usize = 3;
const LASTING_PARTS: usize = 3;
/// Before memory is measured, a row is repeated one time for so many, and as often as it runs at once: then pools and
/// buffers have the size that it makes them take.
const WARM_UP: usize = 5;
/// Then it is repeated in so many parts, with a look at memory after each. A leak grows with every part; what the allocator
/// keeps for itself jumps now and then, by up to 10 MiB where thousands of buffers come and go at once, and falls again. So
/// a low part stands for all: the second lowest of five, the lowest of three.
const PARTS: usize = 5;
/// So much may a row add to the process's own memory, in KiB: all parts together, if each were like that one. Where nothing
/// leaks this is mostly nothing and at most a few hundred, by pages of the allocator and of the database's caches. A leak of
/// a quarter of a KiB by each of 10,000 repetitions is more than this.
const GROWTH_KIB_MAX: i64 = 2 * 1024;
/// So much may memory have grown when all rows are over. What the allocator keeps for itself is in it once, not once for
/// each row: a leak of 50 bytes by each of the 800,000 repetitions of a soak is more than this.
const GROWTH_OF_ALL_KIB_MAX: i64 = 32 * 1024;
/// The allocator gives back what is freed at once, instead of when it next has a reason to.
const PURGE_AT_ONCE: (&str, &str) = ("MIMALLOC_PURGE_DELAY", "0");
/// A row is over in this time, also on a busy machine.
const ROW_WITHIN: Duration = Duration::from_secs(1_800);

/// A realm in a process of its own.
struct Realm {
    process: Process,
    address: SocketAddr,
    admin: SocketAddr,
    _content: Content,
}

impl Realm {
    fn start() -> Self {
        let content = content();
        let mut command = Command::new(realm_binary());
        command.arg("up").arg(role_of(&content));
        command.arg("--data").arg(content.folder().join("data"));
        command.env(PURGE_AT_ONCE.0, PURGE_AT_ONCE.1);
        let process = Process::spawn(command);
        let admin = process
            .ready
            .split_whitespace()
            .find_map(|word| word.strip_prefix("http://")?.strip_suffix("/metrics"))
            .and_then(|admin| admin.parse().ok());
        Self {
            address: address_of(&process.url),
            admin: admin.expect("the ready line names the metrics"),
            process,
            _content: content,
        }
    }

    /// What the process has for itself, in KiB: without what it has from files, such as its own code, which comes in as it
    /// is first run.
    fn memory_kib(&self) -> i64 {
        let path = format!("/proc/{}/status", self.process.child.id());
        let status = std::fs::read_to_string(path).expect("the realm should be running");
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("RssAnon:"));
        let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok());
        kib.expect("the system should tell what a process has")
    }

    /// Sockets that are open, both listeners among them.
    fn sockets(&self) -> usize {
        let path = format!("/proc/{}/fd", self.process.child.id());
        let open = std::fs::read_dir(path).expect("the realm should be running");
        let names = open
            .flatten()
            .filter_map(|open| std::fs::read_link(open.path()).ok());
        names
            .filter(|name| name.to_string_lossy().starts_with("socket:"))
            .count()
    }

    async fn figures(&self) -> Figures {
        let answer = async {
            let mut stream = TcpStream::connect(self.admin).await?;
            let request = "GET /metrics HTTP/1.1\r\nHost: realm.test\r\nConnection: close\r\n\r\n";
            stream.write_all(request.as_bytes()).await?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await?;
            Ok::<_, std::io::Error>(answer)
        };
        Figures::read(&answer.await.expect("the metrics should be there"))
    }

    /// Waits until nothing of the attacks is left.
    async fn settles(&self, before: &Figures, sockets: usize) {
        // The look at the figures takes a socket of its own, which may still be open.
        while before.are_back_in(&self.figures().await).is_err() || self.sockets() > sockets + 1 {
            pause().await;
        }
    }
}

/// The role, with the content of this test.
fn role_of(content: &Content) -> PathBuf {
    let role = std::fs::read_to_string(tests::workspace().join("tests/roles/hostile.toml"))
        .expect("there is a role for this");
    let root = content.root().display().to_string();
    let file = content.folder().join("hostile.toml");
    std::fs::write(&file, role.replace("../../resources", &root))
        .expect("the role should be written");
    file
}

fn rows() -> impl Iterator<Item = &'static Row> {
    let lists = [transport::ROWS, encoding::ROWS, state::ROWS, accounts::ROWS];
    lists.into_iter().flatten()
}

#[test]
fn nothing_is_left_of_any_attack() {
    let realm = Realm::start();
    let mut honest = Honest::start(&realm.process.url, "Honest");
    honest.plays_on();
    let times = usize::try_from(tests::soak::amount("hostile", TIMES)).unwrap_or(usize::MAX);
    let (mut all, mut grown_most, mut faults) = (0, (0, ""), Vec::new());
    let mut first_kib = None;
    let first = tests::soak::first();
    let skipped = |(_, row): &(usize, &Row)| first.as_ref().is_some_and(|first| row.name != *first);
    for (number, row) in rows().enumerate().skip_while(skipped) {
        let (times, parts) = match tests::soak::is_on("hostile") || !row.lasts {
            true => (times, PARTS),
            false => (times / LASTING_PART, LASTING_PARTS),
        };
        let mut look = |who: &str| {
            tests::play_within(ROW_WITHIN, async {
                let before = realm.figures().await;
                let sockets = realm.sockets();
                let mut attackers: Vec<_> = (0..row.at_once)
                    .map(|attacker| {
                        Attacker::new(realm.address, format!("{who}{number}x{attacker}"))
                    })
                    .collect();
                let mut kib = Vec::new();
                let warm_up = (times / WARM_UP).max(row.at_once.min(times) * row.each);
                for times in std::iter::once(warm_up).chain(vec![times / parts; parts]) {
                    let repeat = row.repeat(&mut attackers, |begun| begun < times).await;
                    match repeat {
                        Ok(repeated) => all += repeated,
                        // The other rows are worth a look too.
                        Err(odd) => faults.push(odd),
                    }
                    attackers.iter_mut().for_each(Attacker::leave);
                    realm.settles(&before, sockets).await;
                    kib.push(realm.memory_kib());
                }
                realm.figures().await.tell_of_no_fault();
                first_kib.get_or_insert(kib[0]);
                let mut grown: Vec<i64> = kib.windows(2).map(|looks| looks[1] - looks[0]).collect();
                grown.sort_unstable();
                grown[(parts - 1) / 4] * parts as i64
            })
        };
        let mut grown = look("Foe");
        if grown > GROWTH_KIB_MAX {
            // Caches fill and the allocator takes for itself once; a leak comes again.
            println!("{:>28} {grown:>6} KiB, looked at again", row.name);
            grown = look("Fox");
        }
        honest.plays_on();
        println!("{:>28} {grown:>6} KiB", row.name);
        if grown > grown_most.0 {
            grown_most = (grown, row.name);
        }
        if grown > GROWTH_KIB_MAX {
            faults.push(format!("{} left {grown} KiB", row.name));
        }
    }
    let last_kib = realm.memory_kib();
    let grown = last_kib - first_kib.unwrap_or(last_kib);
    let (most, by) = grown_most;
    println!("the most, {most} KiB, was left by {by}");
    tests::soak::figures(
        "hostile",
        "",
        &[
            ("rows", rows().count() as f64),
            ("repetitions_of_each", times as f64),
            ("repetitions", all as f64),
            ("grown_kib", grown as f64),
            ("grown_most_by_a_row_kib", most as f64),
            ("memory_kib", last_kib as f64),
            ("honest_strike_ms_max", honest.struck_ms_max as f64),
        ],
    );
    honest.stop();
    assert!(faults.is_empty(), "memory should be flat, but {faults:?}");
    assert!(
        grown <= GROWTH_OF_ALL_KIB_MAX,
        "memory should be flat over all attacks, not grow by {grown} KiB"
    );
}
