//! What a client sees.

use client::{Cell, Event};
use realm::role::WireMode;

use super::fakes::{FIRST_VIEW, script};
use super::stage::{cast, event, play, play_by, see_dog};

fn snapshots() -> usize {
    script(|script| {
        script
            .log
            .iter()
            .filter(|line| line.starts_with("snapshot"))
            .count()
    })
}

#[test]
fn a_player_sees_snapshots_and_then_deltas() {
    for wire in [WireMode::Local, WireMode::Always] {
        play_by("", wire, |stage| async move {
            let connection = stage.player("Ann").await;
            let connection = stage
                .with(connection, async |mut connection| {
                    connection
                        .until(5_000, "both cells", |_, view| {
                            (view.cells().count() == 2).then_some(())
                        })
                        .await
                        .expect("the cells of the view should come");
                    for hp in 1..=3 {
                        cast(&mut connection, "delta 1,0").await;
                        see_dog(&mut connection, hp).await;
                    }
                    connection
                })
                .await;
            let mut connection = connection;
            assert!(
                connection.take_gaps().is_empty(),
                "no frame should be missing"
            );
            assert_eq!(
                snapshots(),
                1,
                "one call should bring the snapshots of all cells"
            );
        });
    }
}

#[test]
fn a_gap_is_healed_by_a_snapshot() {
    play("", |stage| async move {
        let connection = stage.player("Ann").await;
        let mut connection = stage
            .with(connection, async |mut connection| {
                cast(&mut connection, "delta 0,0").await;
                see_dog(&mut connection, 1).await;
                cast(&mut connection, "skip 0,0").await;
                cast(&mut connection, "delta 0,0").await;
                see_dog(&mut connection, 3).await;
                cast(&mut connection, "epoch 0,0").await;
                cast(&mut connection, "delta 0,0").await;
                see_dog(&mut connection, 1).await;
                connection
            })
            .await;
        assert!(
            connection.take_gaps().is_empty(),
            "the client should never see the gap"
        );
        assert_eq!(snapshots(), 3, "each gap should cost one snapshot");
    });
}

#[test]
fn a_cell_that_leaves_the_view_is_heard_no_more() {
    play("", |stage| async move {
        let connection = stage.player("Ann").await;
        let connection = stage
            .with(connection, async |mut connection| {
                cast(&mut connection, "delta 0,0").await;
                see_dog(&mut connection, 1).await;
                cast(&mut connection, "view 1,0 2,0").await;
                let turned = connection.until(5_000, "another view", |_, view| {
                    let cells: Vec<Cell> = view.cells().map(|(cell, _)| cell).collect();
                    (cells == [Cell { x: 1, y: 0 }, Cell { x: 2, y: 0 }]).then_some(())
                });
                turned.await.expect("the view should turn");
                cast(&mut connection, "delta 0,0").await;
                cast(&mut connection, "done").await;
                event(&mut connection, |event| {
                    matches!(event, Event::Struck(_)).then_some(())
                })
                .await;
                connection
            })
            .await;
        let left = FIRST_VIEW[0];
        assert!(
            connection.view().cells().all(|(cell, _)| cell != left),
            "nothing of a cell out of view should come"
        );
    });
}

#[test]
fn many_who_see_one_cell_are_told_alike() {
    play("", |stage| async move {
        let mut connections = Vec::new();
        for name in ["Ann", "Bob", "Cid"] {
            connections.push(stage.player(name).await);
        }
        let first = connections.remove(0);
        let first = stage
            .with(first, async |mut connection| {
                cast(&mut connection, "delta 1,0").await;
                see_dog(&mut connection, 1).await;
                connection
            })
            .await;
        // Who leaves takes nothing from those who stay.
        drop(first);
        for connection in connections {
            let connection = stage
                .with(connection, async |mut connection| {
                    see_dog(&mut connection, 1).await;
                    connection
                })
                .await;
            drop(connection);
        }
    });
}
