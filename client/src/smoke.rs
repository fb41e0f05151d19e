//! The scripted smoke test: a new player kills a dog, loots it, leaves, and finds its belongings when it comes back.
//! Knows only the client protocol, so it runs against any realm.

use std::collections::BTreeMap;
use std::fmt::Display;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::event::Entered;
use crate::player::{Player, REACH};
use crate::{Closed, Estimate, Handle, Missed, Transport};

#[cfg(test)]
mod fake_realm;

/// What is hunted.
pub const DOG: &str = "mobs/dog";

/// The longest that one step may take, in server time.
pub const STEP_MS_MAX: u64 = 60_000;

/// A step that was done.
#[derive(Debug, Copy, Clone, PartialEq, Eq)]
pub struct Step {
    /// Its name.
    pub name: &'static str,
    /// The server's clock when it was done.
    pub server_time_ms: u64,
    /// What the player knew of that clock by then, if its transport has one of its own.
    pub clock: Option<Estimate>,
}

/// What the player has to show for it; amounts are totals. Belongings are what it must find again at least.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Story {
    /// The name of what it killed.
    pub killed: String,
    /// Its experience.
    pub xp: u64,
    /// Its coins.
    pub coins: u64,
    /// Its items by resource id.
    pub items: BTreeMap<String, u64>,
    /// Where it left the world, in tiles.
    pub position: (f32, f32),
}

/// The step that failed, and why.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{step}: {why}")]
pub struct SmokeFailure {
    /// The name of the step.
    pub step: &'static str,
    /// Why, in words.
    pub why: String,
}

/// Plays the whole story with a character that does not exist yet. `report` is told each step that is done.
pub async fn kill_the_dog<T: Transport>(
    mut connect: impl AsyncFnMut() -> Result<T, Closed>,
    name: &str,
    password: &str,
    report: &mut dyn FnMut(Step),
) -> Result<Story, SmokeFailure> {
    let mut script = Script {
        step: "connect",
        report,
    };
    let mut player = script.arrive(&mut connect).await?;

    script.begin(&mut player, "register");
    let registered = player.register(name, password).await;
    script.done(&player, registered)?;

    script.begin(&mut player, "enter");
    let entered = player.enter().await;
    let entered = script.done(&player, entered)?;
    script.holds(entered.hp > 0, || {
        "the avatar entered without health".to_owned()
    })?;

    script.begin(&mut player, "see a dog");
    let seen = player.find(DOG).await;
    script.done(&player, seen)?;

    script.begin(&mut player, "walk");
    let reached = reach_a_dog(&mut player).await;
    let dog = script.done(&player, reached)?;

    script.begin(&mut player, "kill");
    let killed = kill_a_dog(&mut player, dog).await;
    let (dog, earned) = script.done(&player, killed)?;
    let killed = player
        .connection()
        .view()
        .get(dog)
        .map_or_else(|| DOG.to_owned(), |near| near.name.to_string());

    script.begin(&mut player, "loot");
    let looted = player.loot(dog).await;
    let looted = script.done(&player, looted)?;
    script.holds(looted.coins > 0 || !looted.items.is_empty(), || {
        "the dog held nothing".to_owned()
    })?;

    script.begin(&mut player, "leave");
    let position = player.position();
    let left = player.leave().await;
    script.done(&player, left)?;
    let me = player.me();
    let story = Story {
        killed,
        xp: me.xp.max(entered.xp.saturating_add(earned)),
        coins: me.coins,
        items: me.items.clone(),
        position,
    };
    drop(player);

    script.step = "come back";
    script
        .come_back(&mut connect, name, password, &story)
        .await?;
    Ok(story)
}

/// Logs in again and finds at least what the story tells: what a realm owes a player after any fault.
pub async fn check_belongings<T: Transport>(
    mut connect: impl AsyncFnMut() -> Result<T, Closed>,
    name: &str,
    password: &str,
    expected: &Story,
) -> Result<Entered, SmokeFailure> {
    let mut script = Script {
        step: "come back",
        report: &mut |_| {},
    };
    script
        .come_back(&mut connect, name, password, expected)
        .await
}

/// Finds a dog and walks up to it; another one when that is lost on the way.
async fn reach_a_dog<T: Transport>(player: &mut Player<T>) -> Result<Handle, Missed> {
    loop {
        let dog = player.find(DOG).await?;
        match player.approach(dog, REACH).await {
            Ok(()) => return Ok(dog),
            Err(Missed::Lost(_)) => {}
            Err(missed) => return Err(missed),
        }
    }
}

/// Kills this dog, or another one when it is lost.
async fn kill_a_dog<T: Transport>(
    player: &mut Player<T>,
    mut dog: Handle,
) -> Result<(Handle, u64), Missed> {
    loop {
        match player.kill(dog).await {
            Ok(earned) => return Ok((dog, earned)),
            Err(Missed::Lost(_)) => dog = reach_a_dog(player).await?,
            Err(missed) => return Err(missed),
        }
    }
}

/// Knows the step under way, so that every failure names it.
struct Script<'a> {
    step: &'static str,
    report: &'a mut dyn FnMut(Step),
}

impl Script<'_> {
    fn begin<T: Transport>(&mut self, player: &mut Player<T>, step: &'static str) {
        self.step = step;
        player.set_deadline(step, STEP_MS_MAX);
    }

    fn done<T: Transport, R>(
        &mut self,
        player: &Player<T>,
        result: Result<R, Missed>,
    ) -> Result<R, SmokeFailure> {
        let result = result.map_err(|missed| self.failure(missed))?;
        (self.report)(Step {
            name: self.step,
            server_time_ms: player.connection().header().server_time_ms,
            clock: player.connection().clock(),
        });
        Ok(result)
    }

    fn holds(&self, holds: bool, why: impl FnOnce() -> String) -> Result<(), SmokeFailure> {
        match holds {
            true => Ok(()),
            false => Err(self.failure(why())),
        }
    }

    fn failure(&self, why: impl Display) -> SmokeFailure {
        SmokeFailure {
            step: self.step,
            why: why.to_string(),
        }
    }

    async fn arrive<T: Transport>(
        &mut self,
        connect: &mut impl AsyncFnMut() -> Result<T, Closed>,
    ) -> Result<Player<T>, SmokeFailure> {
        let transport = connect().await.map_err(|closed| self.failure(closed))?;
        let player = Player::connect(transport)
            .await
            .map_err(|missed| self.failure(missed))?;
        self.done(&player, Ok(()))?;
        Ok(player)
    }

    async fn come_back<T: Transport>(
        &mut self,
        connect: &mut impl AsyncFnMut() -> Result<T, Closed>,
        name: &str,
        password: &str,
        expected: &Story,
    ) -> Result<Entered, SmokeFailure> {
        let transport = connect().await.map_err(|closed| self.failure(closed))?;
        let mut player = Player::connect(transport)
            .await
            .map_err(|missed| self.failure(missed))?;
        self.begin(&mut player, self.step);
        player
            .log_in(name, password)
            .await
            .map_err(|missed| self.failure(missed))?;
        let entered = player
            .enter()
            .await
            .map_err(|missed| self.failure(missed))?;
        let me = player.me();
        for (what, found, owed) in [
            ("experience", me.xp, expected.xp),
            ("coins", me.coins, expected.coins),
        ] {
            self.holds(found >= owed, || {
                format!("{owed} {what} were earned, but {found} are there")
            })?;
        }
        for (item, owed) in &expected.items {
            let found = me.items.get(item).copied().unwrap_or(0);
            self.holds(found >= *owed, || {
                format!("{owed} of {item} were owned, but {found} are there")
            })?;
        }
        let left = player.leave().await;
        self.done(&player, left)?;
        Ok(entered)
    }
}

#[cfg(test)]
mod tests {
    use super::fake_realm::FakeRealm;
    use super::*;

    #[tokio::test]
    async fn a_player_kills_the_dog_and_keeps_what_it_earned() {
        let realm = FakeRealm::default();
        let mut steps = Vec::new();
        let story = kill_the_dog(
            async || Ok(realm.connect()),
            "Ann",
            "a secret word",
            &mut |step| steps.push(step.name),
        )
        .await
        .expect("a realm that works should let the dog be killed");
        assert_eq!(
            steps,
            [
                "connect",
                "register",
                "enter",
                "see a dog",
                "walk",
                "kill",
                "loot",
                "leave",
                "come back"
            ],
            "every step should be reported once, in order"
        );
        assert_eq!(
            (story.killed.as_str(), story.xp, story.coins),
            ("Dog", 10, 3),
            "the story should tell what was earned"
        );
        assert_eq!(
            story.items.get("items/fang"),
            Some(&1),
            "the fang should be in the bag"
        );
        assert_eq!(
            realm.deaths(),
            1,
            "the dog should have killed the player once, and the player have borne it"
        );
    }

    #[tokio::test]
    async fn a_realm_that_forgets_is_found_out() {
        let realm = FakeRealm::default();
        let told = kill_the_dog(
            async || Ok(realm.connect()),
            "Ann",
            "a secret word",
            &mut |_| {},
        )
        .await;
        let mut story = told.expect("a realm that works should let the dog be killed");
        story.items.insert("items/fang".to_owned(), 2);
        let failure =
            check_belongings(async || Ok(realm.connect()), "Ann", "a secret word", &story).await;
        assert_eq!(
            failure.map(drop),
            Err(SmokeFailure {
                step: "come back",
                why: "2 of items/fang were owned, but 1 are there".to_owned()
            }),
            "a missing item should be named"
        );
    }

    #[tokio::test]
    async fn a_name_that_is_taken_fails_the_step_at_once() {
        let realm = FakeRealm::default();
        let play = async || {
            kill_the_dog(
                async || Ok(realm.connect()),
                "Ann",
                "a secret word",
                &mut |_| {},
            )
            .await
        };
        assert!(play().await.is_ok(), "the first Ann should live her story");
        let failure = play().await.expect_err("the second Ann should be refused");
        assert_eq!(failure.step, "register", "the failure should name its step");
        assert!(
            failure.why.contains("NameTaken"),
            "the failure should name the code: {}",
            failure.why
        );
    }
}
