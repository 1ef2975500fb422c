//! One-time codes that people read out and type.

use crate::random;
use crate::store::StoreError;

/// How long a code may be used, milliseconds.
pub const CODE_LIFETIME_MS: i64 = 10 * 60 * 1000;

/// Crockford's base 32: no I, L, O, U.
const ALPHABET: [char; 32] = [
    '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'J',
    'K', 'M', 'N', 'P', 'Q', 'R', 'S', 'T', 'V', 'W', 'X', 'Y', 'Z',
];

const DIGITS: usize = 10;

/// A new code of 50 random bits, for example `7Q2KD-M0XRB`.
pub(super) fn new_code() -> Result<String, StoreError> {
    let random = random::bytes::<DIGITS>()?;
    let mut code = String::with_capacity(DIGITS + 1);
    for (place, byte) in random.into_iter().enumerate() {
        if place == DIGITS / 2 {
            code.push('-');
        }
        code.extend(ALPHABET.get(usize::from(byte % 32)));
    }
    Ok(code)
}

/// The code as it was made, whatever the case, blanks and hyphens it was typed with, and with
/// the letters that look like digits read as such.
pub(super) fn normalised(typed: &str) -> String {
    typed
        .chars()
        .filter(|c| c.is_ascii_alphanumeric())
        .map(|c| match c.to_ascii_uppercase() {
            'O' => '0',
            'I' | 'L' => '1',
            other => other,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_read_back_however_typed() {
        let code = new_code().unwrap();
        assert_eq!(code.len(), DIGITS + 1);
        let typed = format!(
            " {} ",
            code.to_lowercase().replace('-', " ").replace('0', "o")
        );
        assert_eq!(normalised(&typed), normalised(&code));
        assert_ne!(new_code().unwrap(), code);
    }
}
