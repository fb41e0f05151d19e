//! The rules for a text that players read: short, visible, in one direction, and no markup. Knows nothing of who says it.

use super::ChatError;

/// The longest text, in characters.
const TEXT_CHARS_MAX: usize = 256;

/// A player's text as it may be shown: without the space around it.
///
/// # Errors
/// [`ChatError::BadText`] when it is empty, too long, or holds a character that no text may.
pub(super) fn clean(text: &str) -> Result<&str, ChatError> {
    let text = text.trim();
    let fits = (1..=TEXT_CHARS_MAX).contains(&text.chars().count());
    match fits && text.chars().all(is_plain) {
        true => Ok(text),
        false => Err(ChatError::BadText),
    }
}

/// False for what cannot be seen, turns the text round, breaks the line, or could be read as a tag.
fn is_plain(char: char) -> bool {
    let hidden = matches!(
        char,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{feff}' | '\u{1d173}'..='\u{1d17a}'
            // Letters without a shape.
            | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{3164}' | '\u{ffa0}'
            // Zero-width ones, and marks and overrides of direction.
            | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            // Ends of lines and paragraphs; annotations; tags.
            | '\u{2028}' | '\u{2029}' | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}'
    );
    !(hidden || char.is_control() || matches!(char, '<' | '>'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_plain_text_is_said_without_the_space_around_it() {
        for (text, said) in [
            ("hello", "hello"),
            ("  to the left\t", "to the left"),
            ("¿Qué tal? 你好 שלום 🐕", "¿Qué tal? 你好 שלום 🐕"),
            ("\n50% & \"more\"\n", "50% & \"more\""),
        ] {
            assert_eq!(clean(text), Ok(said), "{text:?} should be said");
        }
    }

    #[test]
    fn a_text_is_measured_in_characters() {
        assert!(
            clean(&"🐕".repeat(256)).is_ok(),
            "256 characters should be said, whatever their bytes"
        );
        assert!(
            clean(&format!(" {} ", "a".repeat(256))).is_ok(),
            "the space around a text should not count"
        );
        for text in ["a".repeat(257), "🐕".repeat(257), String::new(), " ".into()] {
            assert_eq!(
                clean(&text),
                Err(ChatError::BadText),
                "{} characters should be refused",
                text.chars().count()
            );
        }
    }

    #[test]
    fn what_deceives_the_reader_is_refused() {
        for bad in [
            "a\0b",
            "a\nb",
            "a\u{7f}b",
            "a\u{85}b",
            "a\u{1b}[31mb",
            "a\u{200b}b",
            "a\u{200d}b",
            "a\u{2060}b",
            "\u{feff}a",
            "a\u{ad}b",
            "a\u{202e}b",
            "a\u{2066}b",
            "a\u{200f}b",
            "a\u{2028}b",
            "a\u{e0041}b",
            "\u{3164}",
            "<b>a</b>",
            "a < b",
            "a > b",
        ] {
            assert_eq!(
                clean(bad),
                Err(ChatError::BadText),
                "{bad:?} should be refused"
            );
        }
    }

    proptest! {
        #[test]
        fn what_is_said_has_passed_already(text in any::<String>()) {
            if let Ok(said) = clean(&text) {
                prop_assert_eq!(clean(said), Ok(said), "a text should not change when it is passed on");
                prop_assert!(!said.contains(['<', '>', '\0', '\u{200b}', '\u{202e}']), "{:?} should be plain", said);
            }
        }
    }
}
