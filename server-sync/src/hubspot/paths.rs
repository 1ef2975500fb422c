use url::Url;

/// HubSpot's paths: `/crm/v3/objects/companies` or `/crm/objects/2026-09/companies`.
#[derive(Debug, Clone)]
pub(crate) struct Paths {
    base: String,
    version: String,
}

impl Paths {
    pub(crate) fn new(base: Url, version: &str) -> Self {
        Self {
            base: base.as_str().trim_end_matches('/').to_owned(),
            version: version.to_owned(),
        }
    }

    pub(crate) fn object(&self, kind: &str, rest: &str) -> String {
        self.of_kind("objects", kind, rest)
    }

    /// Definitions of properties, and their groups.
    pub(crate) fn properties(&self, kind: &str, rest: &str) -> String {
        self.of_kind("properties", kind, rest)
    }

    pub(crate) fn owners(&self) -> String {
        format!("{}/crm/{}", self.base, self.place("owners"))
    }

    fn of_kind(&self, what: &str, kind: &str, rest: &str) -> String {
        let slash = if rest.is_empty() { "" } else { "/" };
        let place = self.place(what);
        format!("{}/crm/{place}/{kind}{slash}{rest}", self.base)
    }

    /// Versions by number stand before the name, versions by date behind it.
    fn place(&self, name: &str) -> String {
        match self.version.starts_with('v') {
            true => format!("{}/{name}", self.version),
            false => format!("{name}/{}", self.version),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_generations_of_paths() {
        let base = || Url::parse("https://api.hubapi.com").unwrap();
        let (old, new) = (Paths::new(base(), "v3"), Paths::new(base(), "2026-09"));
        assert_eq!(
            old.object("companies", "batch/read"),
            "https://api.hubapi.com/crm/v3/objects/companies/batch/read"
        );
        assert_eq!(
            new.object("tasks", ""),
            "https://api.hubapi.com/crm/objects/2026-09/tasks"
        );
        assert_eq!(
            new.properties("notes", "groups"),
            "https://api.hubapi.com/crm/properties/2026-09/notes/groups"
        );
        assert_eq!(old.owners(), "https://api.hubapi.com/crm/v3/owners");
        assert_eq!(new.owners(), "https://api.hubapi.com/crm/owners/2026-09");
    }
}
