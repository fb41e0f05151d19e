//! The rule for names: plain letters and digits, so that no two names look alike. Knows nothing of who has which name.

use super::AccountError;

const LEN_MIN: usize = 3;
const LEN_MAX: usize = 16;

/// Names that would let their owner speak for the realm.
const RESERVED: &[&str] = &[
    "admin",
    "administrator",
    "gamemaster",
    "mod",
    "moderator",
    "owner",
    "realm",
    "root",
    "server",
    "staff",
    "support",
    "system",
];

/// The spelling under which a name is reserved: "Ann" and "ANN" are one name.
pub(super) fn key(name: &str) -> Result<String, AccountError> {
    let fits = (LEN_MIN..=LEN_MAX).contains(&name.len())
        && name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if !fits {
        let rule =
            format!("a name has {LEN_MIN} to {LEN_MAX} letters a-z and digits, the first a letter");
        return Err(AccountError::BadName(rule));
    }
    Ok(name.to_ascii_lowercase())
}

/// The key of a name that a player may have.
pub(super) fn key_of_new(name: &str) -> Result<String, AccountError> {
    let key = key(name)?;
    if RESERVED.contains(&key.as_str()) {
        return Err(AccountError::BadName(
            "this name is kept for those who run the realm".to_owned(),
        ));
    }
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::{key, key_of_new};

    #[test]
    fn a_name_is_plain_letters_and_digits() {
        for (name, expected) in [
            ("Ann", "ann"),
            ("x86", "x86"),
            ("ABCDEFGHIJKLMNOP", "abcdefghijklmnop"),
        ] {
            assert_eq!(
                key_of_new(name).as_deref(),
                Ok(expected),
                "{name} should be a name"
            );
        }
        let bad = [
            "",
            "Al",
            "ABCDEFGHIJKLMNOPQ",
            "1up",
            "Ann Lee",
            " Ann",
            "Ann\n",
            "Ann\0",
            "A_nn",
            "Änne",
            "Аnn",
            "Ann\u{200b}",
            "A\u{301}nn",
            "Ann\u{202e}",
        ];
        for name in bad {
            assert!(key_of_new(name).is_err(), "{name:?} should be no name");
        }
    }

    #[test]
    fn nobody_may_pose_as_the_realm() {
        for name in ["admin", "ADMIN", "System"] {
            assert!(key_of_new(name).is_err(), "{name} should be kept");
            assert!(
                key(name).is_ok(),
                "{name} should still log in where it was registered before it was kept"
            );
        }
    }
}
