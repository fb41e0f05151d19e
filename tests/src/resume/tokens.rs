//! Who resumes: tokens that were replaced, and two who come by one.

use std::future::Future;

use client::command::{Enter, Resume};
use client::player::Player;
use client::{Code, Connection, Event, Happening, Missed, WebSocket};
use tests::{PASSWORD, World};

use super::{avatars, connect, on_two_gateways};

async fn resume(url: &str, token: &str) -> Result<(Connection<WebSocket>, String), Missed> {
    let mut connection = Connection::new(connect(url).await);
    let token = token.to_owned();
    let fresh = connection.ask(20_000, Resume { token }, |event| match event {
        Event::LoggedIn(logged_in) => Some(logged_in.token.clone()),
        _ => None,
    });
    let fresh = fresh.await?;
    Ok((connection, fresh))
}

async fn enter(connection: &mut Connection<WebSocket>) -> Result<(), Missed> {
    connection
        .ask(20_000, Enter {}, |event| {
            matches!(event, Event::Entered(_)).then_some(())
        })
        .await
}

fn refused_with(code: Code) -> impl Fn(&Result<(Connection<WebSocket>, String), Missed>) -> bool {
    move |answer| matches!(answer, Err(Missed::Refused { code: got, .. }) if *got == code)
}

async fn registered(world: &World, name: &str) -> String {
    let socket = connect(&world.gateways()[0].1).await;
    let mut player = Player::connect(socket)
        .await
        .expect("the realm should say welcome");
    let logged_in = player.register(name, PASSWORD).await;
    logged_in.expect("a new name should be registered").token
}

/// What becomes of a connection within the next three seconds: told goodbye, or still in play.
fn end(connection: &mut Connection<WebSocket>) -> impl Future<Output = Result<(), Missed>> {
    connection.until(3_000, "a goodbye", |happening, _| {
        matches!(happening, Happening::Event(Event::Left(_))).then_some(())
    })
}

on_two_gateways! {
    async fn an_old_token_is_refused_once_the_new_one_has_arrived(world: World) {
        let urls = [world.gateways()[0].1.as_str(), world.gateways()[1].1.as_str()];
        let old = registered(world, "Older").await;
        // Answers that were lost: the old token does as long as no new one was seen to arrive.
        for url in urls {
            drop(resume(url, &old).await.expect("the old token should do yet"));
        }
        let (mut connection, new) = resume(urls[1], &old).await.expect("the old token should do yet");
        enter(&mut connection).await.expect("the avatar should enter");
        let old_again = async |url: &str| {
            // That the new one has arrived is written down beside the entry.
            let mut answer = resume(url, &old).await;
            for _ in 0..100 {
                if answer.is_ok() {
                    answer = resume(url, &old).await;
                }
            }
            answer
        };
        let is_old = refused_with(Code::OldToken);
        assert!(is_old(&old_again(urls[0]).await), "who resumed and played should have ended the old token");
        assert!(is_old(&resume(urls[1], &old).await), "on every gateway");
        let made_up = resume(urls[0], &"0f".repeat(32)).await;
        assert!(refused_with(Code::BadToken)(&made_up), "a token of no lineage is told from an old one");
        drop(connection);
        let (_, third) = resume(urls[0], &new).await.expect("the new token should do on any gateway");
        resume(urls[1], &third).await.expect("and so should the one after it");
        assert!(is_old(&resume(urls[0], &new).await), "a token should end when its follower is shown");
    }

    async fn of_two_resumes_at_once_one_plays_and_the_other_is_told(world: World) {
        let urls = [world.gateways()[0].1.as_str(), world.gateways()[1].1.as_str()];
        let mut token = registered(world, "Twofold").await;
        for round in 0..4 {
            let both = futures_util::future::join(resume(urls[0], &token), resume(urls[1], &token)).await;
            let (mut one, one_token) = both.0.expect("the first should resume");
            let (mut two, two_token) = both.1.expect("the second should resume");
            let entries = futures_util::future::join(enter(&mut one), enter(&mut two)).await;
            let told = |entry: &Result<(), Missed>| matches!(entry, Err(Missed::Goodbye(Code::Replaced)));
            assert!(
                entries.0.is_ok() || told(&entries.0),
                "who cannot enter should be told why: {:?}",
                entries.0
            );
            let ends = match (&entries.0, &entries.1) {
                (Ok(()), Ok(())) => futures_util::future::join(end(&mut one), end(&mut two)).await,
                (Ok(()), replaced) => (end(&mut one).await, replaced.clone()),
                (replaced, _) => (replaced.clone(), end(&mut two).await),
            };
            let in_play = |end: &Result<(), Missed>| matches!(end, Err(Missed::TimedOut { .. }));
            assert!(
                in_play(&ends.0) && told(&ends.1) || in_play(&ends.1) && told(&ends.0),
                "in round {round} exactly one should play and the other be told: {ends:?}"
            );
            assert_eq!(avatars(world).await, 1, "round {round} should make no second avatar");
            token = if in_play(&ends.0) { one_token } else { two_token };
        }
    }

    async fn a_later_login_plays_whoever_enters_last(world: World) {
        let urls = [world.gateways()[0].1.as_str(), world.gateways()[1].1.as_str()];
        let token = registered(world, "Latecomer").await;
        let (mut earlier, _) = resume(urls[0], &token).await.expect("the first should resume");
        let (mut later, _) = resume(urls[1], &token).await.expect("the second should resume");
        enter(&mut later).await.expect("the later login should enter");
        let refused = enter(&mut earlier).await;
        assert!(
            matches!(refused, Err(Missed::Goodbye(Code::Replaced))),
            "the earlier login should be told, and not take the avatar back: {refused:?}"
        );
        assert!(
            matches!(end(&mut later).await, Err(Missed::TimedOut { .. })),
            "the later one should play on"
        );
    }
}
