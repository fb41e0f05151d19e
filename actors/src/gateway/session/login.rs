//! Who the player is: asks the account service.

use client::{Code, Command, event};
use realm::Cx;

use super::{Player, Session, Stage};
use crate::accounts::{AccountError, AccountsProxy, LoggedIn};
use crate::gateway::addresses::Network;

impl Session {
    /// Brings `Register`, `LogIn` or `Resume` before the account service.
    pub(super) fn log_in(&mut self, sequence: u32, command: Command, cx: &mut Cx<Self>) {
        let (addresses, from) = (&self.house.addresses, self.guest.address);
        let may = match command {
            Command::Register(_) => addresses.register(from),
            _ => addresses.log_in(from),
        };
        if !may {
            return self.refuse(sequence, Code::TooManyLogins, cx);
        }
        self.stage = Stage::LoggingIn;
        let accounts = AccountsProxy::new(cx.service());
        let network = Network::of(from).address();
        let anew = self.sequences.begin_anew();
        let asked = async move {
            match command {
                Command::Register(it) => accounts.register(it.name, it.password).await,
                Command::LogIn(it) => accounts.log_in(it.name, it.password, network).await,
                Command::Resume(it) => accounts.resume(it.token, anew).await,
                other => Err(AccountError::Unavailable(format!(
                    "{} logs nobody in",
                    other.name()
                ))),
            }
        };
        cx.call(asked, move |me, answer, cx| {
            me.logged_in(sequence, answer, cx)
        });
    }

    fn logged_in(
        &mut self,
        sequence: u32,
        answer: Result<LoggedIn, AccountError>,
        cx: &mut Cx<Self>,
    ) {
        match answer {
            Ok(LoggedIn {
                account,
                character,
                name,
                token,
                login,
                numbers,
            }) => {
                if numbers != login {
                    self.sequences.go_on_after(sequence);
                }
                self.player = Some(Player {
                    account,
                    character,
                    name: name.clone(),
                    login,
                    numbers,
                    confirmed: false,
                });
                self.stand_outside(cx);
                self.listen(cx);
                self.answer(sequence, &event::LoggedIn { name, token }.into(), cx);
                self.tell_gateways(cx);
            }
            Err(error) => {
                self.stage = Stage::Fresh;
                let code = code_of(&error);
                let text = match error {
                    AccountError::Unavailable(why) => {
                        tracing::warn!(session = %cx.address(), why, "a player could not log in");
                        code.text().to_owned()
                    }
                    said => said.to_string(),
                };
                self.refuse_saying(sequence, code, text, cx);
            }
        }
    }

    /// Tells the client where it can go, if that is news.
    pub(super) fn tell_gateways(&mut self, cx: &mut Cx<Self>) {
        let others = &self.house.others;
        if self.player.is_none() || self.gateways_told == others.version() {
            return;
        }
        self.gateways_told = others.version();
        let urls = others.told(cx.address().get());
        self.tell(&event::Gateways { urls }.into(), cx);
    }

    /// The client has read that it is logged in, for it sends what only players may: the token that it came by has done.
    pub(super) fn confirm(&mut self, cx: &mut Cx<Self>) {
        let Some(player) = self.player.as_mut().filter(|player| !player.confirmed) else {
            return;
        };
        player.confirmed = true;
        let (account, login) = (player.account, player.login);
        let accounts = AccountsProxy::new(cx.service());
        let confirmed = async move { accounts.confirm(account, login).await };
        cx.call(confirmed, |me, confirmed, cx| {
            if let Err(error) = confirmed {
                tracing::warn!(session = %cx.address(), %error, "a token could not be confirmed");
                // The next command tries again; until then the old token does as well.
                if let Some(player) = &mut me.player {
                    player.confirmed = false;
                }
            }
        });
    }

    /// The session stands outside the world.
    pub(super) fn stand_outside(&mut self, cx: &mut Cx<Self>) {
        self.stage = Stage::LoggedIn;
        self.outside_since = cx.now();
    }
}

fn code_of(error: &AccountError) -> Code {
    match error {
        AccountError::BadName(_) => Code::BadName,
        AccountError::NameTaken => Code::NameTaken,
        AccountError::BadPassword(_) => Code::BadPassword,
        AccountError::WrongCredentials => Code::WrongCredentials,
        AccountError::BadToken => Code::BadToken,
        AccountError::OldToken => Code::OldToken,
        AccountError::TooManyLogins => Code::TooManyLogins,
        AccountError::Busy => Code::Busy,
        AccountError::Unavailable(_) => Code::Unavailable,
    }
}
