//! Who changed something in the CRM.

/// The author of a change, as webhooks name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Author {
    /// An app through the API, by its app number.
    App(u64),
    /// A person at the CRM's own screens, by user number.
    User(u64),
    /// A person's import of a file, by user number.
    Import(u64),
}

impl Author {
    /// `changeSource` of a webhook event.
    pub fn change_source(self) -> &'static str {
        match self {
            Self::App(_) => "INTEGRATION",
            Self::User(_) => "CRM_UI",
            Self::Import(_) => "IMPORT",
        }
    }

    /// `sourceId` of a webhook event.
    pub fn source_id(self) -> String {
        match self {
            Self::App(id) => id.to_string(),
            Self::User(id) | Self::Import(id) => format!("userId:{id}"),
        }
    }

    /// Only apps are held to the portal's validation rules.
    pub(crate) fn is_app(self) -> bool {
        matches!(self, Self::App(_))
    }
}
