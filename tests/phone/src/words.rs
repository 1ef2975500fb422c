//! Splitting a line into words.

/// Splits at blanks; single and double quotes keep blanks, a backslash keeps the next character.
/// `None` if a quote is not closed.
pub fn split(line: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote: Option<char> = None;
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (Some('\''), c) => word.get_or_insert_default().push(c),
            (_, '\\') => word.get_or_insert_default().push(chars.next()?),
            (Some(_), c) => word.get_or_insert_default().push(c),
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            (None, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    quote.is_none().then_some(words)
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn words_and_quotes() {
        let words = |line| split(line).unwrap();
        assert_eq!(words("  a  bc\t"), ["a", "bc"]);
        assert_eq!(
            words(r#"x "two words" 'it is "so"' """#),
            ["x", "two words", r#"it is "so""#, ""]
        );
        assert_eq!(words(r#"a\ b "c\"d" no'te'd"#), ["a b", "c\"d", "noted"]);
        assert_eq!(words(""), Vec::<String>::new());
        assert_eq!(split("\"open"), None);
        assert_eq!(split("end\\"), None);
    }
}
