//! Walls and speed hold, whatever a client says.

use client::command::Move;
use tests::in_each_mode;

/// What the resources say a human walks, in tiles per second.
const SPEED: f32 = 5.0;

in_each_mode! {
    async fn nobody_outruns_its_speed(world: World) {
        let mut runner = world.player("Runner").await;
        runner.set_deadline("run", 20_000);
        runner.next().await.expect("the realm should tell its time");
        let (mut from, mut time) = (runner.position(), runner.connection().header().server_time_ms);
        let began = (from, time);
        // A liar asks for a far place over and over, as if each request were worth a step.
        while runner.position().0 < began.0.0 + 15.0 {
            for _ in 0..3 {
                runner.connection_mut().command(Move { x: 60.0, y: 33.5 }).await.expect("the socket should hold");
            }
            runner.next().await.expect("the runner should go on");
            let (now, at) = (runner.connection().header().server_time_ms, runner.position());
            if at == from {
                continue;
            }
            // What is seen may be up to two replication periods older or younger than the time it came with, and waits
            // on the way.
            let seconds = (now - began.1) as f32 / 1000.0 + 0.4;
            let gone = (at.0 - began.0.0).hypot(at.1 - began.0.1);
            assert!(gone <= SPEED * seconds, "{gone} tiles in {seconds} s is faster than {SPEED} tiles per second");
            (from, time) = (at, now);
        }
        assert!(time > began.1, "time should have passed");
    }

    async fn nobody_walks_through_a_wall(world: World) {
        let mut liar = world.player("Liar").await;
        liar.walk_to(17.5, 24.5, 0.3).await.expect("the way to the wall is open");
        // The house's west wall stands at x = 20; the door is on the other side.
        let from = liar.connection().header().server_time_ms;
        liar.set_deadline("push", 20_000);
        while liar.connection().header().server_time_ms < from + 3_000 {
            liar.connection_mut().command(Move { x: 23.5, y: 24.5 }).await.expect("the socket should hold");
            liar.next().await.expect("the liar should go on");
            let (x, y) = liar.position();
            assert!(x < 20.0, "the wall at x = 20 should hold, but the liar is at {x}, {y}");
        }
        let (x, _) = liar.position();
        assert!(x > 19.0, "the liar should have come up to the wall, not stand at {x}");
    }

    async fn numbers_that_are_none_are_refused(world: World) {
        let mut liar = world.player("Zeno").await;
        let refused = liar.connection_mut().ask(20_000, Move { x: f32::NAN, y: 1.0 }, |_| None::<()>).await;
        let refused = refused.expect_err("NaN is no place to walk to");
        assert!(format!("{refused:?}").contains("OutOfBounds"), "the refusal should say why, not {refused:?}");
    }
}
