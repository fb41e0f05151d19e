//! What an idle dog weighs: mobs from the real resources on a real mechanics service, counted at the allocator.

mod common;

use actors::mechanics::{Host, MechanicsModule, Mob, MobSeed, Tick};
use client::Handle;
use realm::role::Rate;
use realm::{Module, Modules};

use common::figures::{Figures, Goal};
use common::{cpu, inside};

#[global_allocator]
static ALLOCATOR: cap::Cap<mimalloc::MiMalloc> = cap::Cap::new(mimalloc::MiMalloc, usize::MAX);

/// A channel names its entities by 16 bits, so the dogs lie in two.
const CHANNELS: u64 = 2;
const DOGS_PER_CHANNEL: u16 = 50_000;
/// Dogs born before their service gets a turn.
const WAVE: usize = 1_000;

fn main() {
    let mut mechanics = inside::service("mechanics", Rate::Hz(20), &[MechanicsModule::NAME, "job"]);
    inside::set_resources(&mut mechanics);
    let modules = Modules::new().with::<MechanicsModule>();
    let (idle, ticked) = inside::run(vec![mechanics], modules, |cx| async move {
        let host = Host::of(&cx);
        let map = host
            .resources
            .map("maps/meadow")
            .expect("there is a meadow")
            .clone();
        let dog = host
            .resources
            .entity("mobs/dog")
            .expect("there is a dog")
            .clone();
        let places = inside::places(&map);
        let me = std::process::id();
        let mut dogs = Vec::with_capacity(CHANNELS as usize * usize::from(DOGS_PER_CHANNEL));
        let before = (ALLOCATOR.allocated(), cpu::resident_bytes(me));
        for channel in 1..=CHANNELS {
            host.replicas.open(channel, map.clone());
            for (number, at) in places
                .iter()
                .cycle()
                .take(DOGS_PER_CHANNEL.into())
                .enumerate()
            {
                let (map, template) = (map.clone(), dog.clone());
                dogs.push(cx.spawn::<Mob>(MobSeed {
                    channel,
                    map,
                    template,
                    at: *at,
                }));
                if number % WAVE == 0 {
                    tokio::task::yield_now().await;
                }
            }
            while host
                .replicas
                .get(channel, Handle(DOGS_PER_CHANNEL))
                .is_none()
            {
                tokio::task::yield_now().await;
            }
        }
        // The frames that tell of the new dogs are encoded, published and dropped meanwhile.
        let settled = async || {
            cx.clock().sleep(std::time::Duration::from_secs(1)).await;
            (
                (ALLOCATOR.allocated() - before.0) as f64,
                cpu::resident_bytes(me) - before.1,
            )
        };
        let idle = settled().await;
        for dog in dogs {
            cx.send(dog, Tick { ms: 50 });
        }
        (idle, settled().await)
    });
    let dogs = (CHANNELS * u64::from(DOGS_PER_CHANNEL)) as f64;
    let mut figures = Figures::of("memory");
    figures.aim("idle_dog_bytes", idle.0 / dogs, Goal::AtMost(2048.0));
    figures.add("idle_dog_resident_bytes", idle.1 / dogs);
    figures.add("dog_bytes_after_a_tick", ticked.0 / dogs);
    figures.add("dog_resident_bytes_after_a_tick", ticked.1 / dogs);
    figures.write();
}
