//! One attacker: where it goes, what it is called there, and the connection that it goes on with from one repetition to the
//! next, where its attack lets it live.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU32, Ordering};

use client::command::{Enter, LogIn, Register};
use client::{Code, Event, Handle};
use tests::PASSWORD;

use super::raw::Raw;
use super::{Answer, Odd};

/// A connection without a login is sent away after some seconds, and ten unknown commands end it: it is left before.
const STRANGER_USES_MAX: u32 = 8;
/// Refusals add up to a suspicion, for which a client is sent away: the connection is left before.
const USES_MAX: u32 = 50;

/// Somebody with bad intents.
pub(super) struct Attacker {
    pub(super) address: SocketAddr,
    name: String,
    /// Where it comes from, if not from where everybody does.
    from: Option<Ipv4Addr>,
    /// Names that it made up.
    names: u32,
    registered: bool,
    kept: Option<(Kept, Raw)>,
    uses: u32,
    /// Its own avatar.
    pub(super) me: Handle,
    /// Somebody else in the world, for who needs one.
    other: Option<(Handle, Raw)>,
    other_registered: bool,
    /// A token that was good once.
    pub(super) token: Option<String>,
}

/// How far a connection that is kept has come.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kept {
    Stranger,
    LoggedIn,
    InWorld,
}

impl Attacker {
    /// An attacker under this name.
    pub(super) fn new(address: SocketAddr, name: String) -> Self {
        Self {
            address,
            name,
            from: None,
            names: 0,
            registered: false,
            kept: None,
            uses: 0,
            me: Handle::default(),
            other: None,
            other_registered: false,
            token: None,
        }
    }

    /// What it is called.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// A name that nobody has.
    pub(super) fn fresh_name(&mut self) -> String {
        self.names += 1;
        format!("{}c{}", self.name, self.names)
    }

    /// Comes from another address from now on, from which nobody came before.
    pub(super) fn move_away(&mut self) {
        static LAST: AtomicU32 = AtomicU32::new(0x7f01_0000);
        self.leave();
        self.from = Some(Ipv4Addr::from(LAST.fetch_add(1, Ordering::Relaxed) + 1));
    }

    /// A new connection that has said nothing.
    pub(super) async fn connect(&self) -> Result<Raw, Odd> {
        Ok(match self.from {
            Some(from) => Raw::connect_from(from, self.address).await?,
            None => Raw::connect(self.address).await?,
        })
    }

    /// A new connection that has shaken hands.
    pub(super) async fn open(&self) -> Result<Raw, Odd> {
        self.connect().await?.shake_hands().await
    }

    /// A new connection that is logged in.
    pub(super) async fn log_in(&mut self) -> Result<Raw, Odd> {
        let mut raw = self.open().await?;
        self.log_in_on(&mut raw).await?;
        Ok(raw)
    }

    /// Logs in on a connection; the token.
    pub(super) async fn log_in_on(&mut self, raw: &mut Raw) -> Result<String, Odd> {
        let (name, password) = (self.name.clone(), PASSWORD.to_owned());
        let mut was_busy = false;
        loop {
            let token = |event: &Event| match event {
                Event::LoggedIn(it) => Some(it.token.clone()),
                _ => None,
            };
            let (name, password) = (name.clone(), password.clone());
            let got = match self.registered {
                true => raw.reply(LogIn { name, password }, token).await?,
                false => raw.reply(Register { name, password }, token).await?,
            };
            match got {
                Ok(token) => {
                    self.registered = true;
                    return Ok(token);
                }
                // Too many hash at once: that is another row's attack.
                Err(Answer::Refused(Code::Busy)) => was_busy = true,
                // The account was made, and there was no room for its token: whoever is told to come again logs in.
                Err(Answer::Refused(Code::NameTaken)) if was_busy => self.registered = true,
                Err(other) => return Err(Odd::because(format!("the login got {other:?}"))),
            }
        }
    }

    /// Enters the world on a connection that is logged in.
    pub(super) async fn enter_on(&mut self, raw: &mut Raw) -> Result<(), Odd> {
        let me = raw.reply(Enter {}, |event| match event {
            Event::Entered(entered) => Some(entered.me),
            _ => None,
        });
        self.me = me
            .await?
            .map_err(|other| Odd::because(format!("the entry got {other:?}")))?;
        Ok(())
    }

    /// A connection without a login, which is used for some attacks.
    pub(super) async fn stranger(&mut self) -> Result<&mut Raw, Odd> {
        self.keep(Kept::Stranger).await
    }

    /// A connection that is logged in, and stays outside the world.
    pub(super) async fn logged_in(&mut self) -> Result<&mut Raw, Odd> {
        self.keep(Kept::LoggedIn).await
    }

    /// A connection that is in the world.
    pub(super) async fn in_world(&mut self) -> Result<&mut Raw, Odd> {
        self.keep(Kept::InWorld).await
    }

    /// The avatar of somebody else, who stands where the attacker came in.
    pub(super) async fn neighbour(&mut self) -> Result<Handle, Odd> {
        if let Some((handle, raw)) = &mut self.other
            && raw.serves().await? == Answer::Harmless
        {
            return Ok(*handle);
        }
        let mut other = Attacker::new(self.address, format!("{}b", self.name));
        other.registered = self.other_registered;
        let mut raw = other.log_in().await?;
        self.other_registered = true;
        other.enter_on(&mut raw).await?;
        self.other = Some((other.me, raw));
        Ok(other.me)
    }

    /// Ends the connections that it goes on with.
    pub(super) fn leave(&mut self) {
        self.kept = None;
        self.other = None;
        self.uses = 0;
    }

    async fn keep(&mut self, wanted: Kept) -> Result<&mut Raw, Odd> {
        let uses_max = match wanted {
            Kept::Stranger => STRANGER_USES_MAX,
            Kept::LoggedIn | Kept::InWorld => USES_MAX,
        };
        let raw = match self.kept.take() {
            Some((kept, raw)) if kept == wanted && self.uses < uses_max => raw,
            _ => {
                self.uses = 0;
                let mut raw = self.open().await?;
                if wanted != Kept::Stranger {
                    self.log_in_on(&mut raw).await?;
                }
                if wanted == Kept::InWorld {
                    self.enter_on(&mut raw).await?;
                }
                raw
            }
        };
        self.uses += 1;
        let (_, raw) = self.kept.insert((wanted, raw));
        Ok(raw)
    }
}
