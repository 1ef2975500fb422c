//! Copies of the data folder, made while it is served, and coming back from one.

mod folder;
mod make;
mod manifest;
mod restore;

pub use folder::FolderLock;
pub(crate) use folder::refuse_half_restored;
pub use make::make;
pub use manifest::{Manifest, ManifestFile};
pub use restore::{Restored, restore};
