//! A line, cut into words: white space separates, quotes hold together.

use crate::ui::Failure;

/// The words of a line. `'...'` and `"..."` group; there is no other magic.
pub(crate) fn split(line: &str) -> Result<Vec<String>, Failure> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote: Option<char> = None;
    for c in line.chars() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '"' | '\'') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    if quote.is_some() {
        return Err(Failure::usage("a quote is not closed"));
    }
    words.extend(word);
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_group_and_an_open_one_is_refused() {
        assert_eq!(split("  a  'b c'd \"\" ").unwrap(), ["a", "b cd", ""]);
        assert!(split("  ").unwrap().is_empty());
        assert!(split("a 'b").is_err());
    }
}
