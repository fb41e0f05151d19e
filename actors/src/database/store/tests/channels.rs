//! A channel has one host at a time.

use super::*;

on_each_database! {
    async fn each_host_of_a_channel_begins_a_new_epoch(scene: Scene) {
        let other = scene.open_again().await;
        let channel = (1 << 53) - 1;
        let first = scene.store.take_channel(op("take", 1, 0), channel, "maps/meadow", 7).await;
        assert_eq!(first, Ok(Epoch(1)), "a new channel should begin at 1");
        let second = other.take_channel(op("take", 2, 0), channel, "maps/meadow", 8).await;
        assert_eq!(second, Ok(Epoch(2)), "the next host should begin a new epoch");
        let repeated = other.take_channel(op("take", 1, 0), channel, "maps/meadow", 7).await;
        assert_eq!(repeated, Ok(Epoch(1)), "a repetition should get the one answer");
        let third = scene.store.take_channel(op("take", 3, 0), channel, "maps/meadow", 7).await;
        assert_eq!(third, Ok(Epoch(3)), "the repetition should have had no effect");
        let another = scene.store.take_channel(op("take", 4, 0), 1, "maps/meadow", 7).await;
        assert_eq!(another, Ok(Epoch(1)), "another channel should have epochs of its own");
        scene.assert_sound().await;
    }
}
