//! What comes of a client's suspicion: the operator is told, the client slowed, and in the end sent away.

use client::Code;
use realm::{Cx, Moment};

use super::Session;
use super::suspicion::{OVER_RATE, Suspected};

impl Session {
    /// A command was refused.
    pub(super) fn suspect_refused(&mut self, code: Code, cx: &mut Cx<Self>) {
        let config = &self.house.config.suspicion;
        let stage = self.suspicion.refused(code, cx.now(), config);
        self.come_to(stage, code, cx);
    }

    /// So many frames were over the rate.
    pub(super) fn suspect_flood(&mut self, frames: u32, cx: &mut Cx<Self>) {
        let config = &self.house.config.suspicion;
        let points = OVER_RATE * f64::from(frames);
        let stage = self.suspicion.weigh(points, cx.now(), config);
        self.come_to(stage, Code::TooManyCommands, cx);
    }

    /// Time has passed: who was slowed may be slowed no more.
    pub(super) fn trust_again(&mut self, now: Moment) {
        let stage = self.suspicion.cool(now, &self.house.config.suspicion);
        self.guest.gate.slow(stage >= Suspected::Slowed);
    }

    fn come_to(&mut self, stage: Option<Suspected>, code: Code, cx: &mut Cx<Self>) {
        let Some(stage) = stage else { return };
        self.house.metrics.suspected(stage);
        let player = self.player.as_ref().map_or("", |player| &player.name);
        let score = self.suspicion.score().round();
        tracing::warn!(
            session = %cx.address(), player, peer = %self.guest.address, score, ?code, ?stage,
            "a client is suspected"
        );
        match stage {
            Suspected::Trusted | Suspected::Noted => {}
            Suspected::Slowed => self.guest.gate.slow(true),
            Suspected::Kicked => self.expel(cx),
        }
    }
}
