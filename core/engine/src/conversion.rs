//! The one place where errors of the store become errors of the engine.

use crate::EngineError;
use fieldfare_store::{StoreError, VaultError};

impl From<StoreError> for EngineError {
    fn from(error: StoreError) -> Self {
        let detail = || error.to_string();
        match error {
            StoreError::WrongKey
            | StoreError::KeysMissing
            | StoreError::KeysDamaged
            | StoreError::Vault(_) => Self::Key { detail: detail() },
            StoreError::Damaged(_) => Self::Damaged { detail: detail() },
            StoreError::DiskFull(_) => Self::DiskFull,
            StoreError::Suspended | StoreError::Closed => Self::Closed,
            StoreError::Group(what) => Self::invalid(format!("this is too large to save: {what}")),
            StoreError::NoSuchOperation => Self::not_found("change"),
            StoreError::SearchOff => Self::invalid("open the engine with full text to search"),
            _ => Self::Storage { detail: detail() },
        }
    }
}

impl From<VaultError> for EngineError {
    fn from(error: VaultError) -> Self {
        StoreError::Vault(error).into()
    }
}
