//! How a sandbox and its portals are set up. All times are milliseconds.

use std::net::{Ipv4Addr, SocketAddr};

use serde::{Deserialize, Serialize};

use crate::object_type::ObjectType;
use crate::schema::CustomProperty;
use crate::webhook::Subscription;

/// Where the sandbox listens and which portals it starts with.
#[derive(Debug, Clone)]
pub struct SandboxConfig {
    /// Default: 127.0.0.1 on a free port. The control routes have no password: stay on loopback.
    pub bind: SocketAddr,
    /// The portals that exist from the start.
    pub portals: Vec<PortalConfig>,
}

impl Default for SandboxConfig {
    fn default() -> Self {
        Self {
            bind: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            portals: Vec::new(),
        }
    }
}

impl SandboxConfig {
    /// A sandbox on a free loopback port with these portals.
    pub fn with_portals(portals: impl IntoIterator<Item = PortalConfig>) -> Self {
        Self {
            portals: portals.into_iter().collect(),
            ..Self::default()
        }
    }
}

/// One portal: an account of the CRM with one installed app.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PortalConfig {
    /// HubSpot's account number.
    pub portal_id: u64,
    /// The bearer token of the installed app; it decides the portal of a call.
    pub access_token: String,
    /// The app's number, in webhooks and as source of its own changes.
    pub app_id: u64,
    /// The secret webhooks are signed with.
    pub client_secret: String,
    /// The user who makes the changes of the control interface.
    pub user_id: u64,
    /// The first record id; above 2^32 by default, as in real portals.
    pub first_record_id: u64,
    /// The people records can belong to.
    pub owners: Vec<Owner>,
    /// Properties beyond HubSpot's own.
    pub custom_properties: Vec<CustomProperty>,
    /// Scopes its token was not given, such as `crm.schemas.tasks.write`.
    pub withheld_scopes: Vec<String>,
    /// Request limits.
    pub limits: RateLimits,
    /// How many results of one search can be reached by paging.
    pub search_cap: usize,
    /// What a merge does with the ids.
    pub merge: MergeMode,
    /// Whether reading an id that was merged away gives the surviving record.
    pub merged_ids_redirect: bool,
    /// Where webhooks go; none: no events are queued.
    pub webhook: Option<WebhookTarget>,
    /// Which changes are told.
    pub subscriptions: Vec<Subscription>,
    /// How webhooks are delivered.
    pub delivery: DeliveryConfig,
}

impl Default for PortalConfig {
    fn default() -> Self {
        Self {
            portal_id: 1,
            access_token: "pat-sandbox-1".to_owned(),
            app_id: 4242,
            client_secret: "sandbox-client-secret".to_owned(),
            user_id: 9001,
            first_record_id: 18_000_000_001,
            owners: Owner::samples(),
            custom_properties: Vec::new(),
            withheld_scopes: Vec::new(),
            limits: RateLimits::default(),
            search_cap: 10_000,
            merge: MergeMode::NewRecord,
            merged_ids_redirect: true,
            webhook: None,
            subscriptions: Subscription::all_for(ObjectType::Companies),
            delivery: DeliveryConfig::default(),
        }
    }
}

impl PortalConfig {
    /// A portal with this number and token, all else by default.
    pub fn new(portal_id: u64, access_token: impl Into<String>) -> Self {
        Self {
            portal_id,
            access_token: access_token.into(),
            ..Self::default()
        }
    }
}

/// A person records can belong to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// The value of `hubspot_owner_id`.
    pub id: u64,
    /// The person's user number, different from the owner's.
    pub user_id: u64,
    /// Mail address.
    pub email: String,
    /// Given name.
    pub first_name: String,
    /// Family name.
    pub last_name: String,
    /// Whether the person has left.
    #[serde(default)]
    pub archived: bool,
}

impl Owner {
    /// Four people, so that a fresh portal has someone to give records to.
    pub fn samples() -> Vec<Self> {
        [
            ("Ada", "Marsh"),
            ("Ben", "Okafor"),
            ("Carla", "Ruiz"),
            ("Dev", "Lindqvist"),
        ]
        .into_iter()
        .zip(1_u64..)
        .map(|((first, last), n)| Self {
            id: 70_000_000 + n,
            user_id: 9_100 + n,
            email: format!(
                "{}.{}@sandbox.example",
                first.to_lowercase(),
                last.to_lowercase()
            ),
            first_name: first.to_owned(),
            last_name: last.to_owned(),
            archived: false,
        })
        .collect()
    }
}

/// Request limits of one app in one portal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RateLimits {
    /// Off: nothing is refused; the headers are sent all the same.
    pub enabled: bool,
    /// Calls allowed in a window, searches apart.
    pub burst: usize,
    /// Length of that rolling window.
    pub window_ms: u64,
    /// Searches allowed in one second.
    pub search_per_second: usize,
    /// Calls allowed in a day, only shown in the headers.
    pub daily: u64,
}

impl Default for RateLimits {
    fn default() -> Self {
        Self {
            enabled: true,
            burst: 190,
            window_ms: 10_000,
            search_per_second: 5,
            daily: 625_000,
        }
    }
}

impl RateLimits {
    /// Nothing is refused.
    pub fn off() -> Self {
        Self {
            enabled: false,
            ..Self::default()
        }
    }
}

/// What a merge does with the ids of the two records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MergeMode {
    /// The result is a third record with a new id, as HubSpot does today.
    NewRecord,
    /// The primary record keeps its id, as HubSpot did before.
    KeepPrimary,
}

/// Where webhooks go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookTarget {
    /// The address to connect to.
    pub url: String,
    /// The address that is signed: the public one a receiver behind a proxy is known by.
    pub public_url: String,
}

impl WebhookTarget {
    /// A target that is known by the address it is reached at.
    pub fn direct(url: impl Into<String>) -> Self {
        let url = url.into();
        Self {
            public_url: url.clone(),
            url,
        }
    }
}

/// How webhooks are delivered when nothing goes wrong on purpose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DeliveryConfig {
    /// Most events in a request; HubSpot: 100.
    pub batch_size: usize,
    /// How long events are gathered before they are sent.
    pub batch_window_ms: u64,
    /// Most requests under way at once; HubSpot: 10 for each account.
    pub max_in_flight: usize,
    /// How long the receiver may take to answer; HubSpot: 5 s.
    pub timeout_ms: u64,
    /// Attempts after the first; HubSpot: 10.
    pub max_retries: u32,
    /// Pause before the first retry, doubled for each further one and varied by half. HubSpot
    /// spreads its retries over 24 h; the default here is short.
    pub backoff_ms: u64,
    /// The longest pause.
    pub max_backoff_ms: u64,
    /// Seed of the pauses and of the faults.
    pub seed: u64,
}

impl Default for DeliveryConfig {
    fn default() -> Self {
        Self {
            batch_size: 100,
            batch_window_ms: 20,
            max_in_flight: 10,
            timeout_ms: 5_000,
            max_retries: 10,
            backoff_ms: 100,
            max_backoff_ms: 5_000,
            seed: 1,
        }
    }
}
