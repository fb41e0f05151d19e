//! A client knows the realm's time, and the realm knows how far off its clients are.

use tests::in_each_mode;

/// The server tells whole milliseconds, and so does the client: each of the two may be off by one.
const ROUNDING_MS: u64 = 2;

in_each_mode! {
    async fn a_client_knows_the_realms_time_to_half_of_its_delay(world: World) {
        let mut player = world.player("Timely").await;
        let (mut off_ms_max, mut last_ms, mut looked) = (0, 0, 0);
        player.set_deadline("know the time", 30_000);
        while looked < 40 {
            player.next().await.expect("the realm should go on");
            let Some(known) = player.connection().clock() else { continue };
            let before_ms = world.clock().steady_ms();
            let told_ms = player.server_now_ms().expect("the time should be known by now");
            let after_ms = world.clock().steady_ms();
            // What was told too late once is made up for slowly, so the worst so far counts.
            off_ms_max = off_ms_max.max(known.delay_us / 2_000 + ROUNDING_MS);
            assert!(
                told_ms + off_ms_max >= before_ms && told_ms <= after_ms + off_ms_max,
                "{told_ms} should be within {off_ms_max} ms of {before_ms} to {after_ms}: {known:?}"
            );
            assert!(told_ms >= last_ms, "the time should not run back from {last_ms} to {told_ms}");
            let shown_ms = player.connection().header().server_time_ms;
            assert!(
                shown_ms <= told_ms + off_ms_max,
                "a frame that says {shown_ms} should not come from the future of {told_ms}"
            );
            last_ms = told_ms;
            looked += 1;
        }
    }

    async fn the_realm_measures_how_far_off_its_clients_are(world: World) {
        let mut player = world.player("Distant").await;
        player.set_deadline("be measured", 30_000);
        let measured = |text: &String| {
            let mut lines = text.lines().filter(|line| line.starts_with("realm_client_delay_ms_count"));
            lines.any(|line| !line.ends_with(" 0"))
        };
        while !world.metrics().await.iter().any(measured) {
            player.next().await.expect("the realm should go on");
        }
    }
}
