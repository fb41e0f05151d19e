//! What a stranger may say at the wrong time, about what is another's, or once more.

use client::command::{Cast, Enter, Join, Leave, LogIn, Loot, Move, Part, Resume, Say, Use};
use client::player::STRIKE;
use client::{Code, Command, Event, Handle};

use super::raw::{BINARY, Raw};
use super::{Answer, Attacker, Odd, rows};

/// One refusal that all of some commands got.
async fn refused(raw: &mut Raw, commands: &[Command]) -> Result<Answer, Odd> {
    let mut got = Answer::Harmless;
    for (number, command) in commands.iter().enumerate() {
        let sequence = raw.command(command.clone()).await;
        let this = raw.refusal(sequence).await?;
        if number > 0 && this != got {
            return Err(Odd::because(format!(
                "{} got {this:?}, and what came before {got:?}",
                command.name()
            )));
        }
        got = this;
    }
    Ok(got)
}

/// What is for players in the world only.
fn deeds(target: Handle) -> [Command; 5] {
    let spell = STRIKE.to_owned();
    [
        Move { x: 1.0, y: 1.0 }.into(),
        Cast { spell, target }.into(),
        Loot { target }.into(),
        Use { target }.into(),
        Leave {}.into(),
    ]
}

/// What is for players who are logged in only.
fn talk() -> [Command; 4] {
    let room = || "room:foes".to_owned();
    let text = || "hello".to_owned();
    let whisper = client::command::Whisper {
        to: "Honest".to_owned(),
        text: text(),
    };
    [
        Say {
            room: "realm".to_owned(),
            text: text(),
        }
        .into(),
        whisper.into(),
        Join { room: room() }.into(),
        Part { room: room() }.into(),
    ]
}

fn log_in(attacker: &Attacker) -> Command {
    LogIn {
        name: attacker.name().to_owned(),
        password: tests::PASSWORD.to_owned(),
    }
    .into()
}

fn token_of(event: &Event) -> Option<String> {
    match event {
        Event::LoggedIn(it) => Some(it.token.clone()),
        _ => None,
    }
}

rows! {
    /// To act before a login.
    deeds_before_login => Refused(Code::NotLoggedIn), |attacker| {
        attacker.leave();
        refused(attacker.stranger().await?, &deeds(Handle(1))).await
    }

    /// To talk before a login.
    talk_before_login => Refused(Code::NotLoggedIn), |attacker| {
        refused(attacker.stranger().await?, &talk()).await
    }

    /// To enter before a login.
    enter_before_login => Refused(Code::NotLoggedIn), |attacker| {
        refused(attacker.stranger().await?, &[Enter {}.into()]).await
    }

    /// To act outside the world.
    deeds_outside_the_world => Refused(Code::NotInWorld), |attacker| {
        refused(attacker.logged_in().await?, &deeds(Handle(1))).await
    }

    /// To log in a second time on one connection.
    second_login => Refused(Code::AlreadyLoggedIn), |attacker| {
        let resume = Resume { token: "0f".repeat(32) };
        let again = [log_in(attacker), resume.into()];
        refused(attacker.logged_in().await?, &again).await
    }

    /// To log in while a login is under way.
    login_in_a_login => Refused(Code::Busy), |attacker| {
        // Each time another name: who guesses at one is told so, sooner or later.
        let name = attacker.fresh_name();
        let password = tests::PASSWORD.to_owned();
        let stranger: Command = LogIn { name, password }.into();
        let mut raw = attacker.open().await?;
        let second = raw.command_twice(stranger).await;
        raw.refusal(second).await
    }

    /// To enter a second time.
    second_entry => Refused(Code::AlreadyInWorld), |attacker| {
        refused(attacker.in_world().await?, &[Enter {}.into()]).await
    }

    /// To act on what is not there: nobody, oneself, and who is out of sight.
    deeds_on_nobody => Refused(Code::NoTarget), |attacker| {
        attacker.in_world().await?;
        let me = attacker.me;
        let strike = |target| Cast { spell: STRIKE.to_owned(), target }.into();
        let commands = [
            strike(Handle(0)),
            strike(Handle(u16::MAX)),
            strike(me),
            Loot { target: Handle(u16::MAX) }.into(),
            Use { target: Handle(u16::MAX) }.into(),
            Use { target: me }.into(),
        ];
        refused(attacker.in_world().await?, &commands).await
    }

    /// To take what another player has. No command names whose avatar acts: a session has its own, and can only aim.
    loot_another_player => Refused(Code::NothingToLoot), |attacker| {
        let other = attacker.neighbour().await?;
        refused(attacker.in_world().await?, &[Loot { target: other }.into()]).await
    }

    /// To use another player as if it were a chest.
    use_another_player => Refused(Code::NoTarget), |attacker| {
        let other = attacker.neighbour().await?;
        refused(attacker.in_world().await?, &[Use { target: other }.into()]).await
    }

    /// To cast a spell that is a mob's, or none.
    spell_of_another => Refused(Code::UnknownSpell), |attacker| {
        let other = attacker.neighbour().await?;
        let cast = |spell: &str| Cast { spell: spell.to_owned(), target: other }.into();
        refused(attacker.in_world().await?, &[cast("spells/bite"), cast("../spells/strike")]).await
    }

    /// A command that was carried out, sent again byte for byte: it has no second effect.
    replayed_command => Refused(Code::StaleSequence), |attacker| {
        let room = format!("room:{}", attacker.name().to_lowercase());
        let raw = attacker.logged_in().await?;
        raw.command(Join { room: room.clone() }).await;
        let say = Command::from(Say { room: room.clone(), text: "once".to_owned() });
        let said = |event: &Event| match event {
            Event::Said(it) if it.room == room => Some(it.text.clone()),
            _ => None,
        };
        let first = raw.reply(say.clone(), said).await?;
        first.map_err(|other| Odd::because(format!("the first got {other:?}")))?;
        let (class, body) = say.encode();
        let sequence = raw.sequence();
        let frame = client::CommandFrame { class, sequence, body: &body };
        raw.frame(BINARY, &frame.encode()).await;
        let got = raw.refusal(sequence).await?;
        // Had it been said twice, the second would come before what is said last.
        let last = Say { room: room.clone(), text: "last".to_owned() };
        let next = raw.reply(last, said).await?;
        let twice = next.map_err(|other| Odd::because(format!("the last got {other:?}")))? != "last";
        if twice {
            return Err(Odd::because("a replayed command had a second effect"));
        }
        Ok(got)
    }

    /// Numbers below those that were used.
    sequence_that_falls => Refused(Code::StaleSequence), |attacker| {
        let raw = attacker.logged_in().await?;
        raw.serves().await?;
        let (class, body) = Command::from(client::command::Ping { client_time_ms: 1 }).encode();
        let frame = client::CommandFrame { class, sequence: 0, body: &body };
        raw.frame(BINARY, &frame.encode()).await;
        raw.refusal(0).await
    }

    /// Ten thousand commands in a moment. Each fifty count as one attack: it is the one that lasts.
    ten_thousand_commands [.by(200, 4)] => Expelled, |attacker| {
        attacker.leave();
        let raw = attacker.in_world().await?;
        let mut bytes = Vec::new();
        for sequence in 1_000..11_000 {
            let (class, body) = Command::from(Move { x: 1.0, y: 1.0 }).encode();
            let frame = client::CommandFrame { class, sequence, body: &body };
            bytes.extend(super::raw::frame(BINARY, &frame.encode()));
        }
        raw.bytes(&bytes).await;
        let end = raw.end().await?;
        attacker.leave();
        Ok(end)
    }

    /// A token that nobody was given.
    made_up_token => Refused(Code::BadToken), |attacker| {
        let resume = Resume { token: "0f".repeat(32) };
        refused(attacker.stranger().await?, &[resume.into()]).await
    }

    /// A token that was good once, and whose follower has arrived.
    old_token => Refused(Code::OldToken), |attacker| {
        let old = match attacker.token.clone() {
            Some(old) => old,
            None => {
                let mut raw = attacker.open().await?;
                let old = attacker.log_in_on(&mut raw).await?;
                let mut last = old.clone();
                for _ in 0..2 {
                    let mut raw = attacker.open().await?;
                    let next = raw.reply(Resume { token: last }, token_of).await?;
                    last = next.map_err(|other| Odd::because(format!("a good token got {other:?}")))?;
                }
                attacker.token = Some(old.clone());
                old
            }
        };
        refused(attacker.stranger().await?, &[Resume { token: old }.into()]).await
    }

    /// A resume, and then numbers of before it: what was carried out is done, and has no second effect.
    sequence_of_before_a_resume => Harmless, |attacker| {
        let room = format!("room:{}", attacker.name().to_lowercase());
        let mut first = attacker.open().await?;
        let token = attacker.log_in_on(&mut first).await?;
        let said = |event: &Event| match event {
            Event::Said(it) => Some(it.text.clone()),
            _ => None,
        };
        first.command(Join { room: room.clone() }).await;
        let once = Command::from(Say { room: room.clone(), text: "once".to_owned() });
        first.reply(once.clone(), said).await?.map_err(|other| Odd::because(format!("the first got {other:?}")))?;
        let sequence = first.sequence();
        drop(first);
        let mut second = attacker.open().await?;
        second.skip_sequences(sequence);
        loop {
            match second.reply(Resume { token: token.clone() }, token_of).await? {
                Ok(_) => break,
                // Too many come at once: that is another row's attack.
                Err(Answer::Refused(Code::Busy)) => {}
                Err(other) => return Err(Odd::because(format!("a good token got {other:?}"))),
            }
        }
        second.command(Join { room: room.clone() }).await;
        let (class, body) = once.encode();
        let frame = client::CommandFrame { class, sequence, body: &body };
        second.frame(BINARY, &frame.encode()).await;
        let last = Say { room, text: "last".to_owned() };
        let next = second.reply(last, said).await?.map_err(|other| Odd::because(format!("the last got {other:?}")))?;
        match next.as_str() {
            "last" => second.serves().await,
            again => Err(Odd::because(format!("{again:?} was said twice"))),
        }
    }

    /// Two connections take up one session at once, and enter: one of them plays, the other is told and closed.
    two_resumes_at_once [.by(1, 8)] => Goodbye(Code::Replaced), |attacker| {
        let mut first = attacker.open().await?;
        let token = attacker.log_in_on(&mut first).await?;
        drop(first);
        let (mut one, mut other) = (attacker.open().await?, attacker.open().await?);
        for raw in [&mut one, &mut other] {
            raw.command(Resume { token: token.clone() }).await;
        }
        for raw in [&mut one, &mut other] {
            raw.until(token_of).await?.map_err(|end| Odd::because(format!("a resume got {end:?}")))?;
        }
        for raw in [&mut one, &mut other] {
            raw.command(Enter {}).await;
        }
        // The later of the two in the database's order plays. Which of them that is, is open.
        let ended = {
            let ends = futures_util::future::select(Box::pin(one.end()), Box::pin(other.end())).await;
            match ends {
                futures_util::future::Either::Left((end, _)) => (end?, true),
                futures_util::future::Either::Right((end, _)) => (end?, false),
            }
        };
        let (end, one_ended) = ended;
        let winner = if one_ended { &mut other } else { &mut one };
        match winner.serves().await? {
            Answer::Harmless => Ok(end),
            both => Err(Odd::because(format!("both lost their connection: {end:?}, {both:?}"))),
        }
    }

    /// An earlier login that wants the avatar back from a later one: it is told and closed.
    earlier_login_comes_back [.by(1, 8)] => Goodbye(Code::Replaced), |attacker| {
        let mut earlier = attacker.log_in().await?;
        let mut later = attacker.log_in().await?;
        attacker.enter_on(&mut later).await?;
        earlier.command(Enter {}).await;
        let end = earlier.end().await?;
        match later.serves().await? {
            Answer::Harmless => Ok(end),
            lost => Err(Odd::because(format!("the later login was lost: {lost:?}"))),
        }
    }

    /// A second login of an account that plays: when it enters, the first is told and closed.
    same_account_twice [.by(1, 8)] => Goodbye(Code::Replaced), |attacker| {
        let mut old = attacker.log_in().await?;
        attacker.enter_on(&mut old).await?;
        let mut new = attacker.log_in().await?;
        attacker.enter_on(&mut new).await?;
        let end = old.end().await?;
        match new.serves().await? {
            Answer::Harmless => Ok(end),
            lost => Err(Odd::because(format!("the new connection was lost: {lost:?}"))),
        }
    }
}
