//! Which database settings and environment name, and what is never told of it.

use super::*;

const SECRET: &str = "gr8-secret";

fn place(settings: &str, environment: &Environment) -> Result<Place, String> {
    let config = toml::from_str(settings).expect("settings in TOML");
    Place::new(&config, environment)
}

fn with_url(url: &str) -> Environment {
    Environment {
        url: Some(url.to_owned()),
        password: None,
    }
}

#[test]
fn a_url_names_a_server_and_the_environment_replaces_it() {
    let from_role = "url = 'postgres://realm@db.example/world?sslmode=verify-full'";
    let named = place(from_role, &Environment::default()).expect("a url names a place");
    assert_eq!(named.to_string(), "postgres://realm@db.example:5432/world");
    let other = with_url("postgres://realm@other.example:5433/world");
    for settings in [from_role, "file = 'realm.db'", ""] {
        let named = place(settings, &other).expect("a url names a place");
        assert_eq!(
            named.to_string(),
            "postgres://realm@other.example:5433/world"
        );
    }
    let file = place("file = 'deep/realm.db'", &Environment::default()).expect("a file is a place");
    assert!(matches!(file, Place::File(path) if path.ends_with("deep/realm.db")));
}

#[test]
fn a_password_is_told_to_nobody() {
    let url = format!("postgres://realm:{SECRET}@db.example/world");
    let in_url = place("", &with_url(&url)).expect("the environment's url may hold a password");
    let beside = Environment {
        url: None,
        password: Some(SECRET.to_owned()),
    };
    let beside = place("url = 'postgres://realm@db.example/world'", &beside).expect("a place");
    for place in [in_url, beside] {
        let mut told = format!("{place} {place:?} {place:#?}");
        for error in [
            StoreError::Away,
            StoreError::Login("no".to_owned()),
            StoreError::Full,
        ] {
            told += &place.advice(&error);
        }
        assert!(!told.contains(SECRET), "nobody should be told: {told}");
        assert!(
            told.contains("realm@db.example"),
            "the rest should be told: {told}"
        );
    }
}

#[test]
fn a_url_that_cannot_be_is_refused_without_repeating_it() {
    let urls = [
        (
            format!("postgres://realm:{SECRET}@db.example/world"),
            "holds a password",
        ),
        (format!("postgres://realm:{SECRET}@:bad/world"), "is no"),
        (
            format!("mysql://realm@db.example/{SECRET}"),
            "must be postgres://",
        ),
        (
            "postgres://realm@db.example".to_owned(),
            "names no database",
        ),
        (
            format!("postgres://realm@db.example/world?passwort={SECRET}"),
            "unknown parameter",
        ),
        (
            format!("postgres://realm@db.example/world?password={SECRET}"),
            "unknown parameter",
        ),
        (
            format!("postgres://realm@db.example/world?sslmode={SECRET}"),
            "`sslmode`",
        ),
        (
            "postgres://realm@db.example/world?sslrootcert=/no/such.pem".to_owned(),
            "`sslrootcert`",
        ),
        (format!("realm {SECRET}"), "is no"),
    ];
    for (url, words) in urls {
        let settings = format!("url = '{url}'");
        let refused = place(&settings, &Environment::default()).expect_err("no place");
        assert!(
            refused.contains(words) && refused.contains("`url`") && !refused.contains(SECRET),
            "{url} should be refused as one that {words}: {refused}"
        );
    }
}

#[test]
fn settings_that_cannot_be_are_refused() {
    let wrong = [
        (
            "file = 'a'\nurl = 'postgres://realm@db.example/world'",
            "two databases",
        ),
        ("connections_max = 0", "`connections_max`"),
        ("statement_timeout_ms = 0", "`statement_timeout_ms`"),
        ("connect_timeout_ms = 99999999999", "`connect_timeout_ms`"),
    ];
    for (settings, words) in wrong {
        let refused = place(settings, &Environment::default()).expect_err("no place");
        assert!(
            refused.contains(words),
            "{settings} should be refused for {words}: {refused}"
        );
    }
}
