//! The database service as other services meet it.

use std::path::Path;

use futures_util::future::join3;
use realm::{Modules, StartError};
use sqlx::Connection;

use super::*;
use crate::database::scene::{asker, asking, module, play};

fn modules() -> Modules {
    Modules::new().with::<DatabaseModule>()
}

fn settings(file: &Path, in_flight_max: usize) -> String {
    format!(
        "file = '{}'\nin_flight_max = {in_flight_max}",
        file.display()
    )
}

async fn register(number: u64) -> Result<Registered, DatabaseError> {
    let (operation, name) = (
        OperationId::derived("test", number, 0),
        format!("name{number}"),
    );
    DatabaseProxy::new(&asking())
        .register(operation, name.clone(), name, "hash".to_owned())
        .await
}

#[test]
fn a_call_past_the_bound_is_refused_and_the_others_are_done() {
    play(modules(), async |mut scene| {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("realm.db");
        let node = scene
            .node(vec![module::<DatabaseModule>(&settings(&file, 2)), asker()])
            .await;

        // Somebody else holds the file, so the first two are under way for sure when the third comes.
        let mut holder = sqlx::SqliteConnection::connect(&format!("sqlite:{}", file.display()))
            .await
            .expect("the file");
        sqlx::query("BEGIN IMMEDIATE")
            .execute(&mut holder)
            .await
            .expect("the lock");
        let third = async {
            let refused = register(3).await;
            sqlx::query("ROLLBACK")
                .execute(&mut holder)
                .await
                .expect("the lock's end");
            refused
        };
        let (first, second, third) = join3(register(1), register(2), third).await;
        assert_eq!(
            third,
            Err(DatabaseError::Store(StoreError::Busy)),
            "the third call should be refused as busy"
        );
        assert!(
            first.is_ok() && second.is_ok(),
            "the first two should be done: {first:?} {second:?}"
        );
        assert!(
            register(3).await.is_ok(),
            "when they are done there should be room again"
        );
        node.stop().await;
    });
}

#[test]
fn a_node_that_stops_leaves_one_whole_file() {
    play(modules(), async |mut scene| {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("deep").join("realm.db");
        let node = scene
            .node(vec![
                module::<DatabaseModule>(&settings(&file, 64)),
                asker(),
            ])
            .await;
        let registered = register(1).await.expect("a free name should be registered");
        node.stop().await;
        let left: Vec<_> = std::fs::read_dir(folder.path().join("deep"))
            .expect("the folder")
            .flatten()
            .collect();
        assert_eq!(
            left.len(),
            1,
            "the log should be folded into the file: {left:?}"
        );

        let _node = scene
            .node(vec![
                module::<DatabaseModule>(&settings(&file, 64)),
                asker(),
            ])
            .await;
        let row = DatabaseProxy::new(&asking())
            .account_by_name("name1".to_owned())
            .await;
        let account = row.map(|row| row.map(|row| row.account));
        assert_eq!(
            account,
            Ok(Some(registered.account)),
            "the next start should find the account"
        );
    });
}

#[test]
fn a_file_that_does_not_open_is_told_with_what_to_do() {
    play(modules(), async |mut scene| {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("realm.db");
        std::fs::write(
            &file,
            "this is no database, however long one reads on in it",
        )
        .expect("a file");
        let Err(error) = scene
            .try_node(vec![module::<DatabaseModule>(&settings(&file, 64))])
            .await
        else {
            panic!("a node should not start on nonsense");
        };
        let (text, file) = (error.to_string(), file.display().to_string());
        for part in ["database", &file, "put a backup in its place", "`file`"] {
            assert!(text.contains(part), "the error should say {part}: {text}");
        }
    });
}

#[test]
fn a_bound_that_lets_nothing_through_is_refused() {
    play(modules(), async |mut scene| {
        let refused = scene
            .try_node(vec![module::<DatabaseModule>("in_flight_max = 0")])
            .await;
        assert!(
            matches!(refused, Err(StartError::Module { .. })),
            "a database that answers nobody should not start"
        );
    });
}
