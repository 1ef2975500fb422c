//! Which scope a call needs.

use serde_json::json;

use crate::error::ApiError;

/// Refuses a call for which the app lacks every scope that would do.
pub(super) fn check(withheld: &[String], method: &str, path: &str) -> Result<(), ApiError> {
    let needed = needed(method, path);
    if needed.is_empty() || needed.iter().any(|scope| !withheld.contains(scope)) {
        return Ok(());
    }
    let errors = json!([{
        "message": "One or more of the following scopes are required.",
        "context": { "requiredGranularScopes": needed },
    }]);
    Err(ApiError::missing_scopes().with_errors(errors))
}

/// The scopes of which one is needed.
fn needed(method: &str, path: &str) -> Vec<String> {
    let parts: Vec<&str> = path.trim_start_matches("/crm/").split('/').collect();
    // Numbered versions stand before what is called, dated ones behind it.
    let (what, object) = match parts.as_slice() {
        [version, what, object, ..] if version.starts_with('v') => (*what, *object),
        [what, _, object, ..] => (*what, *object),
        _ => return Vec::new(),
    };
    let reads = method == "GET" || path.ends_with("/search") || path.ends_with("/batch/read");
    match (what, reads) {
        ("objects", true) => vec![format!("crm.objects.{object}.read")],
        ("objects", false) => vec![format!("crm.objects.{object}.write")],
        ("properties", true) => vec![
            format!("crm.schemas.{object}.read"),
            format!("crm.objects.{object}.read"),
        ],
        ("properties", false) => vec![format!("crm.schemas.{object}.write")],
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_follow_what_a_call_does() {
        let one = |method, path| needed(method, path).remove(0);
        for (method, path, scope) in [
            (
                "GET",
                "/crm/v3/objects/companies",
                "crm.objects.companies.read",
            ),
            (
                "POST",
                "/crm/objects/2026-09/notes",
                "crm.objects.notes.write",
            ),
            (
                "POST",
                "/crm/v3/objects/tasks/search",
                "crm.objects.tasks.read",
            ),
            (
                "POST",
                "/crm/v3/properties/tasks/groups",
                "crm.schemas.tasks.write",
            ),
            (
                "POST",
                "/crm/properties/2026-09/notes",
                "crm.schemas.notes.write",
            ),
        ] {
            assert_eq!(one(method, path), scope);
        }
        assert!(needed("GET", "/crm/v3/owners").is_empty());
    }
}
