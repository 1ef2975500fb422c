use crate::config::{Config, ConfigError, LogFormat, Secret, TenantConfig, check_day};
use fieldfare_territory::{RuleSet, TerritoryRule};
use std::collections::BTreeSet;
use std::path::Path;

/// A variable that overrides a setting.
pub struct EnvOverride {
    /// The variable's name.
    pub name: &'static str,
    /// The setting it overrides.
    pub setting: &'static str,
    apply: fn(&mut Config, &str) -> Option<()>,
}

/// Every variable that is read.
pub const ENV_OVERRIDES: &[EnvOverride] = &[
    EnvOverride {
        name: "FIELDFARE_LISTEN",
        setting: "server.listen",
        apply: |c, v| v.parse().ok().map(|a| c.server.listen = a),
    },
    EnvOverride {
        name: "FIELDFARE_ADMIN_LISTEN",
        setting: "server.admin_listen",
        apply: |c, v| v.parse().ok().map(|a| c.server.admin_listen = a),
    },
    EnvOverride {
        name: "FIELDFARE_PUBLIC_URL",
        setting: "server.public_url",
        apply: |c, v| {
            c.server.public_url = Some(v.to_owned());
            Some(())
        },
    },
    EnvOverride {
        name: "FIELDFARE_DATA_DIR",
        setting: "server.data_dir",
        apply: |c, v| {
            c.server.data_dir = v.into();
            Some(())
        },
    },
    EnvOverride {
        name: "FIELDFARE_ADMIN_TOKEN",
        setting: "server.admin_token",
        apply: |c, v| {
            c.server.admin_token = Some(Secret::new(v));
            Some(())
        },
    },
    EnvOverride {
        name: "FIELDFARE_KEY",
        setting: "key.hex",
        apply: |c, v| {
            c.key.hex = Some(Secret::new(v));
            Some(())
        },
    },
    EnvOverride {
        name: "FIELDFARE_LOG",
        setting: "log.filter",
        apply: |c, v| {
            c.log.filter = v.to_owned();
            Some(())
        },
    },
    EnvOverride {
        name: "FIELDFARE_LOG_FORMAT",
        setting: "log.format",
        apply: |c, v| {
            c.log.format = match v {
                "text" => LogFormat::Text,
                "json" => LogFormat::Json,
                _ => return None,
            };
            Some(())
        },
    },
];

impl Config {
    /// Reads the file, if one is named, and the process's environment.
    ///
    /// # Errors
    /// [`ConfigError`], naming the setting.
    pub fn load(file: Option<&Path>) -> Result<Self, ConfigError> {
        let text = match file {
            None => String::new(),
            Some(path) => {
                std::fs::read_to_string(path).map_err(|e| ConfigError::Read(path.to_owned(), e))?
            }
        };
        Self::parse(&text, &|name| std::env::var(name).ok())
    }

    /// Reads a configuration from TOML text and an environment.
    ///
    /// # Errors
    /// [`ConfigError`], naming the setting.
    pub fn parse(text: &str, env: &dyn Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let mut config: Self = toml::from_str(text).map_err(|e| form_error(&e, text))?;
        for over in ENV_OVERRIDES {
            if let Some(value) = env(over.name) {
                (over.apply)(&mut config, &value)
                    .ok_or_else(|| value_error(over.name, "has a value that is not understood"))?;
            }
        }
        config.resolve_secrets(env)?;
        config.check()?;
        Ok(config)
    }

    fn resolve_secrets(&mut self, env: &dyn Fn(&str) -> Option<String>) -> Result<(), ConfigError> {
        if let Some(secret) = &mut self.key.hex {
            secret.resolve("key.hex", env)?;
        }
        if let Some(secret) = &mut self.server.admin_token {
            secret.resolve("server.admin_token", env)?;
        }
        for connection in self.tenants.iter_mut().flat_map(|t| &mut t.connections) {
            let name = &connection.name;
            connection
                .token
                .resolve(&format!("token of connection {name}"), env)?;
            for secret in &mut connection.webhook_secrets {
                secret.resolve(&format!("webhook_secrets of connection {name}"), env)?;
            }
        }
        Ok(())
    }

    /// Whether the parts fit together.
    ///
    /// # Errors
    /// [`ConfigError::Value`] for the first that does not.
    pub fn check(&self) -> Result<(), ConfigError> {
        unique("tenants.name", self.tenants.iter().map(|t| t.name.as_str()))?;
        unique("tenants.id", self.tenants.iter().map(TenantConfig::id))?;
        for (setting, value) in [
            ("limits.device_per_second", self.limits.device_per_second),
            ("limits.device_burst", self.limits.device_burst),
            ("limits.enrol_per_minute", self.limits.enrol_per_minute),
            ("limits.enrol_burst", self.limits.enrol_burst),
            ("limits.bootstraps", self.limits.bootstraps),
        ] {
            if value == 0 {
                return Err(value_error(setting, "must be at least 1"));
            }
        }
        if let Some(url) = &self.server.public_url {
            check_url("server.public_url", url)?;
        }
        self.routing.check()?;
        self.planning.check()?;
        self.tenants.iter().try_for_each(check_tenant)
    }

    /// The whole configuration as TOML, with secrets hidden.
    ///
    /// # Errors
    /// [`ConfigError::Form`] if it cannot be written as TOML.
    pub fn to_toml(&self) -> Result<String, ConfigError> {
        toml::to_string_pretty(self).map_err(|e| ConfigError::Form(e.to_string()))
    }
}

/// The parser's own message quotes the line, which may hold a secret.
fn form_error(error: &toml::de::Error, text: &str) -> ConfigError {
    let before = error
        .span()
        .and_then(|span| text.get(..span.start))
        .unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    ConfigError::Form(format!("line {line}: {}", error.message()))
}

fn check_tenant(tenant: &TenantConfig) -> Result<(), ConfigError> {
    let id = tenant.id();
    let place = |what: &str| format!("{what} of tenant {}", tenant.name);
    unique(
        &place("reps.email"),
        tenant.reps.iter().map(|r| r.email.as_str()),
    )?;
    unique(&place("reps.id"), tenant.reps.iter().map(|r| r.id(id)))?;
    unique(
        &place("territories.name"),
        tenant.territories.iter().map(|t| t.name.as_str()),
    )?;
    unique(
        &place("connections.name"),
        tenant.connections.iter().map(|c| c.name.as_str()),
    )?;
    for territory in &tenant.territories {
        if territory
            .reps
            .iter()
            .any(|email| tenant.rep(email).is_none())
        {
            let setting = place(&format!("reps of territory {}", territory.name));
            return Err(value_error(
                &setting,
                "names somebody who is not among the reps",
            ));
        }
    }
    for rep in &tenant.reps {
        if let Some(day) = &rep.day {
            check_day(day, &place(&format!("day of rep {}", rep.email)))?;
        }
    }
    for connection in &tenant.connections {
        check_url(
            &place(&format!("api_base of connection {}", connection.name)),
            &connection.api_base,
        )?;
        if let Some(url) = &connection.webhook_url {
            check_url(
                &place(&format!("webhook_url of connection {}", connection.name)),
                url,
            )?;
        }
    }
    tenant
        .rules()
        .map_err(|e| value_error(&place("territories"), &e.to_string()))?;
    Ok(())
}

impl TenantConfig {
    /// The territories that have a rule, as the pure rule set.
    ///
    /// # Errors
    /// [`fieldfare_territory::RuleError`].
    pub fn rules(&self) -> Result<RuleSet, fieldfare_territory::RuleError> {
        let tenant = self.id();
        let with_rule = |t: &crate::config::TerritoryConfig| {
            t.rule.clone().map(|rule| TerritoryRule {
                id: t.id(tenant),
                name: t.name.clone(),
                precedence: t.precedence,
                rule,
            })
        };
        RuleSet::new(self.territories.iter().filter_map(with_rule).collect())
    }
}

fn unique<T: Ord>(setting: &str, values: impl Iterator<Item = T>) -> Result<(), ConfigError> {
    let mut seen = BTreeSet::new();
    for value in values {
        if !seen.insert(value) {
            return Err(value_error(setting, "must be unique"));
        }
    }
    Ok(())
}

fn check_url(setting: &str, text: &str) -> Result<(), ConfigError> {
    let is_http = url::Url::parse(text)
        .is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    if is_http {
        Ok(())
    } else {
        Err(value_error(setting, "must be an http or https URL"))
    }
}

fn value_error(setting: &str, problem: &str) -> ConfigError {
    ConfigError::Value {
        setting: setting.to_owned(),
        problem: problem.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FULL: &str = r#"
        [server]
        listen = "127.0.0.1:0"
        admin_token = "env:ADMIN"
        [key]
        hex = "0000000000000000000000000000000000000000000000000000000000001234"
        [[tenants]]
        name = "Acme"
        [[tenants.reps]]
        name = "Ada"
        email = "ada@acme.example"
        [[tenants.territories]]
        name = "North"
        reps = ["ada@acme.example"]
        rule = { postal_prefix = ["021"] }
        [[tenants.connections]]
        name = "hub"
        kind = "hubspot"
        portal_id = 7
        api_base = "https://api.example"
        token = "pat-canary"
        webhook_secrets = ["hook-canary"]
    "#;

    fn env(name: &str) -> Option<String> {
        match name {
            "ADMIN" => Some("admin-canary".into()),
            "FIELDFARE_LISTEN" => Some("127.0.0.1:9".into()),
            _ => None,
        }
    }

    #[test]
    fn variables_override_the_file_and_secrets_are_looked_up() {
        let config = Config::parse(FULL, &env).unwrap();
        assert_eq!(config.server.listen.port(), 9);
        assert_eq!(config.server.admin_token.unwrap().expose(), "admin-canary");
        assert_eq!(config.tenants[0].rules().unwrap().territories().len(), 1);
    }

    #[test]
    fn no_form_of_printing_shows_a_secret() {
        let config = Config::parse(FULL, &env).unwrap();
        let printed = format!("{}\n{config:?}", config.to_toml().unwrap());
        assert!(printed.contains("***") && printed.contains("021"));
        for secret in ["canary", "1234"] {
            assert!(!printed.contains(secret), "{secret} in {printed}");
        }
    }

    #[test]
    fn errors_name_the_setting_and_quote_no_value() {
        let broken = FULL.replace("token = \"pat-canary\"", "token = [\"pat-canary\"]");
        let message = Config::parse(&broken, &env).unwrap_err().to_string();
        assert!(
            message.contains("line") && !message.contains("canary"),
            "{message}"
        );
        let unknown = FULL.replace("[\"ada@acme.example\"]", "[\"eve@acme.example\"]");
        assert!(
            Config::parse(&unknown, &env)
                .unwrap_err()
                .to_string()
                .contains("North")
        );
        let missing = Config::parse(FULL, &|_| None).unwrap_err().to_string();
        assert!(missing.contains("server.admin_token"), "{missing}");
    }

    #[test]
    fn the_same_names_give_the_same_ids() {
        let a = Config::parse(FULL, &env).unwrap();
        let b = Config::parse(FULL, &env).unwrap();
        let (a, b) = (&a.tenants[0], &b.tenants[0]);
        assert_eq!(a.id(), b.id());
        assert_eq!(a.reps[0].id(a.id()), b.reps[0].id(b.id()));
        assert_ne!(a.reps[0].id(a.id()).as_bytes(), a.id().as_bytes());
    }
}
