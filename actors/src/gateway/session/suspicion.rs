//! How much a client's refusals weigh together: a score that every one of them feeds and time halves, and the stages that
//! it passes. Knows neither mail nor sockets; what a stage means is for the session to carry out.

use client::Code;
use realm::Moment;

use crate::gateway::config::SuspicionConfig;

/// So many commands of unknown classes are the end, however long they took: the client is not one of ours.
const UNKNOWN_MAX: u32 = 10;

/// What a frame over the gate's rate weighs. So an honest client that is a little too eager is slowed before it is sent
/// away, and a flood is over in a moment.
pub(super) const OVER_RATE: f64 = 0.25;

/// What a refusal weighs. Nothing, where another player, the realm or a moment's delay brings it on an honest client; much,
/// where only a client that is broken or lies can cause it.
const fn weight(code: Code) -> f64 {
    match code {
        Code::UnknownClass | Code::Malformed | Code::OutOfBounds | Code::StaleSequence => 8.0,
        Code::WrongCredentials | Code::BadToken | Code::OldToken => 5.0,
        Code::NotLoggedIn | Code::AlreadyLoggedIn | Code::UnknownSpell => 4.0,
        Code::TooManyLogins => 2.0,
        Code::BadName
        | Code::NameTaken
        | Code::BadPassword
        | Code::AlreadyInWorld
        | Code::BadText
        | Code::TooFast
        | Code::NoSuchPlayer
        | Code::NoSuchRoom
        | Code::TooManyRooms => 1.0,
        Code::Busy
        | Code::NotInWorld
        | Code::NoTarget
        | Code::OutOfRange
        | Code::NoSight
        | Code::Cooldown
        | Code::TargetDead
        | Code::NothingToLoot
        | Code::YouAreDead
        | Code::InTheWay
        // Frames over the rate weigh by themselves; a line that is full has an avatar that does not hear.
        | Code::TooManyCommands
        | Code::Full
        | Code::Unavailable
        | Code::Replaced
        | Code::Stopping
        | Code::Idle
        | Code::Expelled
        | Code::Unknown => 0.0,
    }
}

/// How far a client has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::gateway) enum Suspected {
    /// Nothing to tell.
    #[default]
    Trusted,
    /// The operator should know.
    Noted,
    /// It may send less.
    Slowed,
    /// It has to go. This does not pass.
    Kicked,
}

/// One client's score.
#[derive(Debug, Default)]
pub(super) struct Suspicion {
    /// What it was at `at`.
    score: f64,
    at: Moment,
    stage: Suspected,
    unknown: u32,
}

impl Suspicion {
    /// A command was refused: the stage that the client has come to by it, if it is a new one.
    pub(super) fn refused(
        &mut self,
        code: Code,
        now: Moment,
        config: &SuspicionConfig,
    ) -> Option<Suspected> {
        self.unknown += u32::from(code == Code::UnknownClass);
        if self.unknown >= UNKNOWN_MAX {
            self.cool(now, config);
            self.score += weight(code);
            return self.rise(Suspected::Kicked);
        }
        self.weigh(weight(code), now, config)
    }

    /// Something weighs so much: the stage that the client has come to by it, if it is a new one.
    pub(super) fn weigh(
        &mut self,
        points: f64,
        now: Moment,
        config: &SuspicionConfig,
    ) -> Option<Suspected> {
        self.cool(now, config);
        self.score += points;
        let stages = [
            (config.kick, Suspected::Kicked),
            (config.slow, Suspected::Slowed),
            (config.note, Suspected::Noted),
        ];
        let (_, stage) = stages
            .into_iter()
            .find(|(from, _)| self.score >= f64::from(from.get()))?;
        self.rise(stage)
    }

    /// Lets time do its part. A stage is left at half of what it takes to come to it, so that nobody goes in and out.
    pub(super) fn cool(&mut self, now: Moment, config: &SuspicionConfig) -> Suspected {
        let half_lives =
            now.since(self.at).as_secs_f64() * 1000.0 / f64::from(config.half_life_ms.get());
        self.score *= (-half_lives).exp2();
        self.at = self.at.max(now);
        let stays = |from: std::num::NonZeroU32| self.score * 2.0 > f64::from(from.get());
        if self.stage == Suspected::Slowed && !stays(config.slow) {
            self.stage = Suspected::Noted;
        }
        if self.stage == Suspected::Noted && !stays(config.note) {
            self.stage = Suspected::Trusted;
        }
        self.stage
    }

    /// The score when it was last looked at.
    pub(super) fn score(&self) -> f64 {
        self.score
    }

    fn rise(&mut self, stage: Suspected) -> Option<Suspected> {
        if stage <= self.stage {
            return None;
        }
        self.stage = stage;
        Some(stage)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::limit::some;

    fn config() -> SuspicionConfig {
        SuspicionConfig {
            note: some(25),
            slow: some(50),
            kick: some(100),
            half_life_ms: some(30_000),
        }
    }

    fn start() -> Moment {
        Moment::default() + Duration::from_secs(1_000)
    }

    #[test]
    fn each_stage_is_told_once_as_the_score_rises() {
        let mut suspicion = Suspicion::default();
        let told: Vec<_> = (0..13)
            .filter_map(|_| suspicion.refused(Code::Malformed, start(), &config()))
            .collect();
        assert_eq!(
            told,
            [Suspected::Noted, Suspected::Slowed, Suspected::Kicked],
            "13 frames that nobody could read should lead from one stage to the next"
        );
        assert!(
            suspicion
                .refused(Code::Malformed, start(), &config())
                .is_none(),
            "who is to go is not told again"
        );
    }

    #[test]
    fn one_great_thing_leaps_over_stages() {
        let mut suspicion = Suspicion::default();
        assert_eq!(
            suspicion.weigh(1_000.0, start(), &config()),
            Some(Suspected::Kicked),
            "what weighs enough should be the end at once"
        );
    }

    #[test]
    fn the_score_halves_and_stages_pass_but_for_the_last() {
        let mut suspicion = Suspicion::default();
        suspicion.weigh(60.0, start(), &config());
        let later = |seconds| start() + Duration::from_secs(seconds);
        assert_eq!(
            suspicion.cool(later(30), &config()),
            Suspected::Slowed,
            "at 30 the client should still be slowed, lest it go in and out"
        );
        assert!(
            (suspicion.score() - 30.0).abs() < 1e-9,
            "after a half-life half should be left, not {}",
            suspicion.score()
        );
        assert_eq!(
            suspicion.cool(later(45), &config()),
            Suspected::Noted,
            "at 21 it should be slowed no more"
        );
        assert_eq!(
            suspicion.cool(later(90), &config()),
            Suspected::Trusted,
            "at 7 it should be trusted again"
        );
        assert_eq!(
            suspicion.weigh(20.0, later(90), &config()),
            Some(Suspected::Noted),
            "and be told of again when it goes on"
        );
        suspicion.weigh(100.0, later(90), &config());
        assert_eq!(
            suspicion.cool(later(100_000), &config()),
            Suspected::Kicked,
            "who was sent away should stay so"
        );
    }

    #[test]
    fn ten_unknown_classes_are_the_end_however_long_they_took() {
        let mut suspicion = Suspicion::default();
        let told: Vec<_> = (1..=10)
            .filter_map(|hour| {
                let now = start() + Duration::from_secs(3_600 * hour);
                let stage = suspicion.refused(Code::UnknownClass, now, &config());
                stage.map(|stage| (hour, stage))
            })
            .collect();
        assert_eq!(
            told,
            [(10, Suspected::Kicked)],
            "the tenth should be the end, and none before it weigh after an hour"
        );
    }

    #[test]
    fn an_honest_player_in_a_fight_is_never_suspected() {
        let mut suspicion = Suspicion::default();
        for strike in 0..10_000_u64 {
            let now = start() + Duration::from_millis(100 * strike);
            for code in [
                Code::Cooldown,
                Code::OutOfRange,
                Code::NoSight,
                Code::NoTarget,
                Code::TargetDead,
                Code::YouAreDead,
                Code::NothingToLoot,
                Code::NotInWorld,
                Code::Unavailable,
            ] {
                assert_eq!(
                    suspicion.refused(code, now, &config()),
                    None,
                    "{code:?} befalls honest players"
                );
            }
        }
    }

    proptest! {
        #[test]
        fn a_score_never_falls_below_nothing_nor_rises_by_time(
            steps in proptest::collection::vec((0_u64..100_000, 0_usize..Code::ALL.len()), 0..60),
        ) {
            let mut suspicion = Suspicion::default();
            let mut now = start();
            for (pause_ms, code) in steps {
                let before = suspicion.score();
                now = now + Duration::from_millis(pause_ms);
                suspicion.cool(now, &config());
                prop_assert!((0.0..=before).contains(&suspicion.score()), "time should only take from {before}");
                suspicion.refused(Code::ALL[code], now, &config());
            }
        }
    }
}
