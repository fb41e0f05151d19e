//! Where a role's data are: the file or the server that the settings of its module `database` name, or the environment. Keeps
//! the server's password to itself: neither an error nor a log shows it.

#[cfg(test)]
mod tests;

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use serde::Deserialize;
use sqlx::postgres::PgConnectOptions;

use super::store::{PostgresLimits, StoreError};

/// The variable that replaces the url of the role, password and all.
pub const URL_VARIABLE: &str = "REALM_DATABASE_URL";

/// The variable with the password to the server.
pub const PASSWORD_VARIABLE: &str = "REALM_DATABASE_PASSWORD";

/// The file, where nothing is said.
const FILE_DEFAULT: &str = "data/realm.db";

/// What may follow the `?` of a url.
const PARAMETERS: [&str; 7] = [
    "sslmode",
    "sslrootcert",
    "sslcert",
    "sslkey",
    "host",
    "port",
    "options",
];

/// Settings of the module `database`.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatabaseConfig {
    /// The SQLite file; made when it is not there.
    file: Option<PathBuf>,
    /// In place of a file: a database on a PostgreSQL server, such as `postgres://realm@db.example/realm?sslmode=verify-full`.
    url: Option<String>,
    /// Calls under way at most; more are refused as busy.
    pub(super) in_flight_max: Option<usize>,
    /// Connections to the server at most.
    connections_max: Option<u32>,
    /// How long a call waits for a connection to the server.
    connect_timeout_ms: Option<u64>,
    /// The server ends a statement that takes longer.
    statement_timeout_ms: Option<u64>,
    /// The server ends a transaction that stands still for longer.
    idle_in_transaction_timeout_ms: Option<u64>,
}

/// What the environment says of the database.
#[derive(Clone, Default)]
pub struct Environment {
    /// Replaces file and url.
    pub url: Option<String>,
    /// The password; it goes before one in a url.
    pub password: Option<String>,
}

impl Environment {
    /// That of this process.
    pub fn of_process() -> Environment {
        let set = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        Environment {
            url: set(URL_VARIABLE),
            password: set(PASSWORD_VARIABLE),
        }
    }
}

/// Where the data are.
#[derive(Clone, Debug)]
pub enum Place {
    /// An SQLite file.
    File(PathBuf),
    /// A database on a PostgreSQL server.
    Postgres(PostgresPlace),
}

/// A database on a PostgreSQL server, and how it is used.
#[derive(Clone)]
pub struct PostgresPlace {
    options: Box<PgConnectOptions>,
    limits: PostgresLimits,
    /// User, server and database, for people to read.
    name: String,
}

impl Place {
    /// The place that these settings name.
    ///
    /// # Errors
    /// In words for the operator, when they name none.
    pub fn new(config: &DatabaseConfig, environment: &Environment) -> Result<Place, String> {
        if config.file.is_some() && config.url.is_some() {
            return Err(
                "`file` and `url` name two databases: keep the one that the realm is in".to_owned(),
            );
        }
        let limits = config.limits()?;
        let (url, from) = match (&environment.url, &config.url) {
            (Some(url), _) => (url, URL_VARIABLE),
            (None, Some(url)) => (url, "`url`"),
            (None, None) => {
                let file = config.file.clone();
                return Ok(Place::File(file.unwrap_or_else(|| FILE_DEFAULT.into())));
            }
        };
        let is_secret = from == URL_VARIABLE;
        let options = options(url, is_secret).map_err(|why| format!("{from} {why}"))?;
        let options = match &environment.password {
            Some(password) => options.password(password),
            None => options,
        };
        Ok(Place::Postgres(PostgresPlace {
            name: name_of(&options),
            options: Box::new(options),
            limits,
        }))
    }

    /// What the operator should do about a place that does not open.
    pub fn advice(&self, error: &StoreError) -> String {
        let what_to_do = match (self, error) {
            (Place::File(_), error) => match error {
                StoreError::NotWritable(_) => "make it writable, or set `file` to a path that is",
                StoreError::Corrupt(_) => {
                    "put a backup in its place, or set `file` to another path"
                }
                StoreError::Schema(_) => {
                    "use the program that fits it, or set `file` to another path"
                }
                StoreError::Full => "make room on its disk, or set `file` to a path on another",
                StoreError::Busy => "stop the process that holds it, or wait for it",
                _ => "set `file` to a path that works",
            },
            (Place::Postgres(_), error) => match error {
                StoreError::Away => {
                    "start the server, or correct host and port in the url, and see that nothing between lets no \
                     connection through"
                }
                StoreError::Login(_) => {
                    "set REALM_DATABASE_PASSWORD to the user's password, or have the server let the user in (pg_hba.conf)"
                }
                StoreError::Tls(_) => {
                    "correct `sslmode` and `sslrootcert` in the url, or the server's certificate"
                }
                StoreError::TooOld(_) => "bring the server to a newer release",
                StoreError::NotWritable(_) => {
                    "let the user make tables in the database's schema, and take a server that is no stand-by"
                }
                StoreError::Schema(_) => {
                    "use the program that fits it, or name another database in the url"
                }
                StoreError::Full => "make room on the server's disk",
                _ => "see that the database is there (createdb) and the url is right",
            },
        };
        format!("the database {self} did not open: {error}; {what_to_do}")
    }
}

// The password is within, so no derived `Debug`.
impl fmt::Debug for PostgresPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::File(path) => path.display().fmt(f),
            Place::Postgres(server) => f.write_str(&server.name),
        }
    }
}

impl PostgresPlace {
    pub(super) fn options(&self) -> PgConnectOptions {
        (*self.options).clone()
    }

    pub(super) fn limits(&self) -> &PostgresLimits {
        &self.limits
    }
}

impl DatabaseConfig {
    /// True when the settings say where the data are.
    pub fn names_a_server(&self) -> bool {
        self.url.is_some()
    }

    fn limits(&self) -> Result<PostgresLimits, String> {
        let usual = PostgresLimits::default();
        let ms = |key: &str, set: Option<u64>, usual: Duration| match set {
            // The server takes 0 for "never", and no more than 31 bits.
            Some(ms) if !(1..=3_600_000).contains(&ms) => {
                Err(format!("`{key}` must be from 1 to 3600000, an hour"))
            }
            set => Ok(set.map_or(usual, Duration::from_millis)),
        };
        let connections_max = self.connections_max.unwrap_or(usual.connections_max);
        if !(1..=1000).contains(&connections_max) {
            return Err("`connections_max` must be from 1 to 1000".to_owned());
        }
        Ok(PostgresLimits {
            connections_max,
            connect_timeout: ms(
                "connect_timeout_ms",
                self.connect_timeout_ms,
                usual.connect_timeout,
            )?,
            statement_timeout: ms(
                "statement_timeout_ms",
                self.statement_timeout_ms,
                usual.statement_timeout,
            )?,
            idle_in_transaction_timeout: ms(
                "idle_in_transaction_timeout_ms",
                self.idle_in_transaction_timeout_ms,
                usual.idle_in_transaction_timeout,
            )?,
        })
    }
}

/// What a url says, or why it says nothing. No part of it is repeated: whatever is wrong in it may be the password.
fn options(url: &str, may_hold_password: bool) -> Result<PgConnectOptions, String> {
    const SHAPE: &str = "postgres://USER@HOST/DATABASE";
    let parsed = url::Url::parse(url).map_err(|error| format!("is no {SHAPE}: {error}"))?;
    if !matches!(parsed.scheme(), "postgres" | "postgresql") {
        return Err(format!("must be {SHAPE}"));
    }
    if parsed.path().trim_start_matches('/').is_empty() {
        return Err(format!("names no database: it must be {SHAPE}"));
    }
    if parsed.password().is_some() && !may_hold_password {
        return Err(format!(
            "holds a password: take it out, and set {PASSWORD_VARIABLE} instead"
        ));
    }
    for (key, value) in parsed.query_pairs() {
        if !PARAMETERS.contains(&&*key) {
            let known = PARAMETERS.join(", ");
            return Err(format!("has an unknown parameter; known are {known}"));
        }
        let is_file = key.starts_with("ssl") && key != "sslmode";
        if is_file && !Path::new(&*value).exists() {
            return Err(format!("names a file in `{key}` that is not there"));
        }
    }
    PgConnectOptions::from_str(url).map_err(|_| {
        format!("has a parameter that cannot be: see `sslmode` and `port`, or {SHAPE}")
    })
}

fn name_of(options: &PgConnectOptions) -> String {
    let host = match options.get_socket() {
        Some(socket) => socket.display().to_string(),
        None => format!("{}:{}", options.get_host(), options.get_port()),
    };
    let (user, database) = (options.get_username(), options.get_database());
    format!("postgres://{user}@{host}/{}", database.unwrap_or_default())
}
