//! `realm smoke`: the main job of a realm, played by a script over a real WebSocket.

use std::path::PathBuf;
use std::process::ExitCode;

use crate::launch::{self, Launch};
use anyhow::Context;
use clap::Args;
use client::WebSocket;
use client::smoke::kill_the_dog;
use realm::{Clock, Hub, Moment, Outside, Secrets};

use super::up::{aside, load, seed};
use super::{Known, LOCAL_ROLE};

#[derive(Args)]
pub(super) struct Smoke {
    /// The realm to play in, such as ws://127.0.0.1:7777/ws; without it a local role is started for the occasion
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// The role to start without --url
    #[arg(long, value_name = "ROLE", default_value = LOCAL_ROLE, conflicts_with = "url")]
    role: PathBuf,
}

impl Smoke {
    pub(super) fn run(self, known: Known) -> anyhow::Result<ExitCode> {
        let clock = Clock::machine();
        let began = clock.now();
        match self.url {
            Some(url) => {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build()?;
                runtime.block_on(play(&url, &clock, began))
            }
            None => {
                let roles = load(&[self.role], &known.modules)?;
                let data = tempfile::tempdir().context("no temporary folder for the data")?;
                let aside = aside()?;
                let launch = Launch {
                    data: data.path().to_owned(),
                    listen: Some("127.0.0.1:0".to_owned()),
                    admin: Some(([127, 0, 0, 1], 0).into()),
                    wire: None,
                    nats: Default::default(),
                    hub: Hub::new(clock.clone()),
                    clock: clock.clone(),
                    modules: known.modules,
                    seed: seed()?,
                    outside: Outside::new(aside.handle().clone()),
                    stepped: None,
                    trace: None,
                };
                let code = actix_rt::System::new().block_on(async {
                    let nodes = launch.start(roles).await?;
                    let address = nodes.iter().find_map(|node| node.listener("client"));
                    let address = address.context("the role has no gateway to connect to")?;
                    let code = play(&format!("ws://{address}/ws"), &clock, began).await;
                    launch::stop(nodes).await;
                    code
                });
                aside.shutdown_background();
                code
            }
        }
    }
}

async fn play(url: &str, clock: &Clock, began: Moment) -> anyhow::Result<ExitCode> {
    let mut letters = [0; 8];
    Secrets::machine()
        .fill(&mut letters)
        .context("the operating system gives no randomness")?;
    let name: String = letters
        .iter()
        .map(|byte| char::from(b'a' + byte % 26))
        .collect();
    let password = format!("{name}-{name}");
    println!("{name} goes to {url}");
    let mut server_clock = None;
    let told = kill_the_dog(
        async || WebSocket::connect(url).await,
        &name,
        &password,
        &mut |step| {
            println!(
                "{:>8.3} s  {}",
                clock.now().since(began).as_secs_f64(),
                step.name
            );
            server_clock = step.clock.or(server_clock);
        },
    )
    .await;
    match told {
        Ok(story) => {
            let items: Vec<String> = story
                .items
                .iter()
                .map(|(item, count)| format!("{count} {item}"))
                .collect();
            println!(
                "the dog is dead: {} experience, {} coins, {}",
                story.xp,
                story.coins,
                items.join(", ")
            );
            if let Some(known) = server_clock {
                let ms = |us: u64| us as f64 / 1000.0;
                println!(
                    "the realm answers in {:.3} ms (jitter {:.3} ms); its clock is {:+.3} ms off this one, give or take {:.3} ms",
                    ms(known.delay_us),
                    ms(known.jitter_us),
                    known.offset_us as f64 / 1000.0,
                    ms(known.error_us_max)
                );
            }
            Ok(ExitCode::SUCCESS)
        }
        Err(failure) => {
            println!("FAILED at '{}': {}", failure.step, failure.why);
            Ok(ExitCode::FAILURE)
        }
    }
}
