use crate::config::ConfigError;
use serde::{Deserialize, Serialize, Serializer};
use std::fmt;
use zeroize::Zeroizing;

/// A text that is never shown: printed and serialised as `***`.
///
/// In the configuration it is the text itself, `env:NAME` for an environment variable, or
/// `file:PATH` for the first line of a file.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Wraps a text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The text. Keep it out of logs and errors.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Replaces a reference to the environment or to a file by what it refers to.
    ///
    /// # Errors
    /// [`ConfigError::Secret`] if that does not exist or is empty.
    pub(crate) fn resolve(
        &mut self,
        setting: &str,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<(), ConfigError> {
        let missing = || ConfigError::Secret(setting.to_owned());
        let text = if let Some(name) = self.0.strip_prefix("env:") {
            env(name).ok_or_else(missing)?
        } else if let Some(path) = self.0.strip_prefix("file:") {
            let text = Zeroizing::new(std::fs::read_to_string(path).map_err(|_| missing())?);
            text.lines().next().unwrap_or_default().to_owned()
        } else {
            return if self.0.is_empty() {
                Err(missing())
            } else {
                Ok(())
            };
        };
        if text.is_empty() {
            return Err(missing());
        }
        *self = Self::new(text);
        Ok(())
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str("***")
    }
}
