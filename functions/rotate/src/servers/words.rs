//! What a server said, fit to be repeated: short, on one line, and without anything that was to stay secret.

/// Longer words than these are a page of a proxy, not an answer.
const LONGEST: usize = 300;
/// Eight characters of a password in a row are as good as part of it.
const WINDOW: usize = 8;
const LEFT_OUT: &str = "(its words repeat part of a secret and are left out)";

/// The words, or a note in their place if any eight characters of a secret, or a shorter one as a whole, are in them.
pub(crate) fn repeatable(words: &str, secrets: &[&str]) -> String {
    let repeats = |secret: &&str| {
        let window = WINDOW.min(secret.len()).max(1);
        secret.as_bytes().windows(window).any(|part| words.as_bytes().windows(window).any(|said| said == part))
    };
    if secrets.iter().any(repeats) {
        return LEFT_OUT.to_owned();
    }
    let one_line = words.split_whitespace().collect::<Vec<_>>().join(" ");
    match one_line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}...", one_line.get(..end).unwrap_or_default()),
        None => one_line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_repeat_a_part_of_a_secret_are_left_out() {
        let secret = "s3cr3t-of-the-orders";
        assert_eq!(repeatable("bad password \"s3cr3t-of-the-orders\"", &[secret]), LEFT_OUT);
        assert_eq!(repeatable("syntax error near \"-the-ord\"", &["other", secret]), LEFT_OUT);
        assert_eq!(repeatable("role\n \"app\" is  unknown", &[secret, ""]), "role \"app\" is unknown");
        assert_eq!(repeatable("the key abc is bad", &["abc"]), LEFT_OUT);
    }

    #[test]
    fn long_words_are_cut_between_characters() {
        let cut = repeatable(&"ü".repeat(400), &[]);
        assert_eq!(cut.chars().count(), LONGEST + 3);
    }
}
