use crate::phone::PhoneError;
use serde_json::{Value, json};

/// What a command answers, for programs and for people.
pub struct Answer {
    /// For programs.
    pub json: Value,
    /// For people.
    pub text: String,
}

impl Answer {
    /// An answer in both forms.
    pub fn new(json: Value, text: impl Into<String>) -> Self {
        Self {
            json,
            text: text.into(),
        }
    }

    /// Nothing to tell but that it is done.
    pub fn done(text: impl Into<String>) -> Self {
        Self::new(json!({ "done": true }), text)
    }

    /// The JSON form on one line.
    pub fn json_line(&self) -> String {
        self.json.to_string()
    }
}

/// The JSON form of an error.
pub fn error_json(error: &PhoneError) -> Value {
    json!({ "error": { "code": error.code(), "message": error.to_string() } })
}
