use crate::config::Secret;
use crate::hubspot::HubspotOptions;
use fieldfare_model::{RepId, TenantId, TerritoryId};
use fieldfare_planner::workday::WorkDay;
use fieldfare_territory::Rule;
use serde::{Deserialize, Serialize};

/// A company.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TenantConfig {
    /// Its id; without one it follows from the name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<TenantId>,
    /// Its name, unique on this server.
    pub name: String,
    /// Who works there.
    #[serde(default)]
    pub reps: Vec<RepConfig>,
    /// How leads are divided.
    #[serde(default)]
    pub territories: Vec<TerritoryConfig>,
    /// Its CRMs.
    #[serde(default)]
    pub connections: Vec<ConnectionConfig>,
}

impl TenantConfig {
    /// The configured id, or the one that follows from the name.
    pub fn id(&self) -> TenantId {
        self.id
            .unwrap_or_else(|| TenantId::from_bytes(derived_id(&[b"tenant", self.name.as_bytes()])))
    }

    /// The rep with this e-mail address or name.
    pub fn rep(&self, email_or_name: &str) -> Option<&RepConfig> {
        self.reps
            .iter()
            .find(|rep| rep.email == email_or_name || rep.name == email_or_name)
    }
}

/// A field sales person.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RepConfig {
    /// Their id; without one it follows from the e-mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<RepId>,
    /// Display name.
    pub name: String,
    /// E-mail address, unique in the company.
    pub email: String,
    /// The owner id the CRM uses for them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crm_owner: Option<String>,
    /// Their working day; without one no days are planned for them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub day: Option<WorkDay>,
}

impl RepConfig {
    /// The configured id, or the one that follows from the e-mail address.
    pub fn id(&self, tenant: TenantId) -> RepId {
        let parts: [&[u8]; 3] = [b"rep", tenant.as_bytes(), self.email.as_bytes()];
        self.id
            .unwrap_or_else(|| RepId::from_bytes(derived_id(&parts)))
    }
}

/// A set of leads served by a rep.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TerritoryConfig {
    /// Its id; without one it follows from the name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<TerritoryId>,
    /// Display name, unique in the company.
    pub name: String,
    /// Smaller goes first.
    #[serde(default)]
    pub precedence: i32,
    /// What a lead must be to belong to it; without one only the CRM or an operator fills it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<Rule>,
    /// E-mail addresses of the reps who serve it.
    #[serde(default)]
    pub reps: Vec<String>,
}

impl TerritoryConfig {
    /// The configured id, or the one that follows from the name.
    pub fn id(&self, tenant: TenantId) -> TerritoryId {
        let parts: [&[u8]; 3] = [b"territory", tenant.as_bytes(), self.name.as_bytes()];
        self.id
            .unwrap_or_else(|| TerritoryId::from_bytes(derived_id(&parts)))
    }
}

/// A CRM account.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConnectionConfig {
    /// Its name, unique in the company; leads carry it as `crm_source`.
    pub name: String,
    /// Which connector serves it: `hubspot`.
    pub kind: String,
    /// The account's id at the vendor.
    pub portal_id: u64,
    /// Where the vendor's API is.
    pub api_base: String,
    /// What the API asks for.
    pub token: Secret,
    /// Secrets under which webhooks may be signed; several while one is being replaced.
    #[serde(default)]
    pub webhook_secrets: Vec<Secret>,
    /// The URL the vendor delivers webhooks to, exactly as registered there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook_url: Option<String>,
    /// Version in the API's paths.
    #[serde(default = "default_api_version")]
    pub api_version: String,
    /// What is particular to HubSpot.
    #[serde(default)]
    pub hubspot: HubspotOptions,
}

fn default_api_version() -> String {
    "v3".to_owned()
}

/// The same parts always give the same id: a UUID of version 8 (RFC 9562) from their BLAKE3 hash.
pub(crate) fn derived_id(parts: &[&[u8]]) -> [u8; 16] {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(&(part.len() as u64).to_be_bytes());
        hasher.update(part);
    }
    let mut id = [0; 16];
    hasher.finalize_xof().fill(&mut id);
    id[6] = (id[6] & 0x0f) | 0x80;
    id[8] = (id[8] & 0x3f) | 0x80;
    id
}
