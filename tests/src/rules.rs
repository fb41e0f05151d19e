//! The rules of a strike: range, sight and cooldown are the server's, read from what the world shows of itself.

use client::command::{Cast, Loot};
use client::player::Player;
use client::{Code, Handle, Missed, State, Transport};
use tests::in_each_mode;

const STRIKE: &str = "spells/strike";
const FIREBALL: &str = "spells/fireball";

/// Casts a spell; what it did, or why not.
async fn cast<T: Transport>(
    player: &mut Player<T>,
    spell: &str,
    target: Handle,
) -> Result<u32, Code> {
    let spell = spell.to_owned();
    let struck = player
        .connection_mut()
        .ask(20_000, Cast { spell, target }, |event| match event {
            client::Event::Struck(struck) if struck.target == target => Some(struck.amount),
            _ => None,
        });
    match struck.await {
        Ok(amount) => Ok(amount),
        Err(Missed::Refused { code, .. }) => Err(code),
        Err(other) => panic!("a spell should work or be refused, not {other:?}"),
    }
}

/// Living dogs that the player sees, with how far each is.
fn dogs<T: Transport>(player: &Player<T>) -> Vec<(Handle, f32, (f32, f32))> {
    let (x, y) = player.position();
    let seen = player.connection().view().entities();
    let dogs = seen.filter(|(_, near)| &*near.kind == "mobs/dog" && near.state != State::Dead);
    dogs.map(|(handle, near)| (handle, (near.x - x).hypot(near.y - y), (near.x, near.y)))
        .collect()
}

in_each_mode! {
    async fn a_strike_keeps_to_range_and_cooldown(world: World) {
        let mut player = world.player("Duellist").await;
        let nobody = cast(&mut player, STRIKE, Handle(60_000)).await;
        assert_eq!(nobody, Err(Code::NoTarget), "nobody has this handle");
        let me = player.me().handle;
        assert_eq!(cast(&mut player, STRIKE, me).await, Err(Code::NoTarget), "a player should not strike itself");
        let dog = player.find("mobs/dog").await.expect("a dog should be found");
        let far = cast(&mut player, STRIKE, dog).await;
        let distance = dogs(&player).iter().find(|(handle, ..)| *handle == dog).map(|(_, distance, _)| *distance);
        if distance.is_some_and(|distance| distance > 3.0) {
            assert_eq!(far, Err(Code::OutOfRange), "a dog {distance:?} tiles off is too far for a strike");
        }
        let unknown = cast(&mut player, "spells/bite", dog).await;
        assert_eq!(unknown, Err(Code::UnknownSpell), "a player should not bite");
        let unlooted = player.connection_mut().ask(20_000, Loot { target: dog }, |_| None::<()>).await;
        let unlooted = format!("{:?}", unlooted.expect_err("a living dog has nothing to give"));
        assert!(unlooted.contains("NothingToLoot"), "the refusal should say why, not {unlooted}");
        // Two casts at once: the second meets the cooldown of the first, whatever the dog does meanwhile.
        let mut struck = false;
        while !struck {
            player.approach(dog, 1.2).await.expect("the dog should be reached");
            struck = cast(&mut player, STRIKE, dog).await.is_ok();
        }
        let again = cast(&mut player, STRIKE, dog).await;
        assert!(
            matches!(again, Err(Code::Cooldown | Code::OutOfRange | Code::TargetDead)),
            "a strike right after a strike should be refused, not {again:?}"
        );
    }

    async fn a_fireball_needs_a_line_of_sight(world: World) {
        let mut player = world.player("Pyromancer").await;
        // West of the enclosure in the south, whose west wall stands at x = 22; its dogs are behind it.
        player.walk_to(20.5, 50.5, 0.5).await.expect("the way to the enclosure is open");
        player.set_deadline("see a dog behind the wall", 60_000);
        let behind = loop {
            let behind = dogs(&player).into_iter().find(|(_, distance, (x, _))| *x > 23.0 && *distance < 7.5);
            if let Some((dog, ..)) = behind {
                break dog;
            }
            player.next().await.expect("a dog should come within range, behind the wall");
        };
        let refused = cast(&mut player, FIREBALL, behind).await;
        assert_eq!(refused, Err(Code::NoSight), "a dog within range, but behind a wall, should be safe");
    }
}
