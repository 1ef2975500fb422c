//! The server's own program on a folder of leads.

use crate::process::{Process, this_program};
use fieldfare_model::{Entity, Lead};
use fieldfare_server::config::{Config, RepConfig, TenantConfig, TerritoryConfig};
use fieldfare_server::{Server, feed};
use fieldfare_tests::leads::{Random, leads, lean};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;

pub const PROGRAM: &str = "fieldfare-server";
pub const FILL: &str = "fill";
pub const EDIT: &str = "edit";
pub const REPS: [&str; 2] = ["ada@example.com", "bob@example.com"];
/// What operators present.
pub const ADMIN_TOKEN: &str = "bench";
const BATCH: usize = 5_000;
const SEED: u64 = 3;

/// Who works where.
pub struct Company {
    /// How many territories there are, each with as many leads.
    pub territories: usize,
    pub leads_each: usize,
    /// Each rep's e-mail address and territory.
    pub reps: Vec<(String, usize)>,
}

impl Company {
    /// Two reps who share a territory.
    pub fn of_two(leads: usize) -> Self {
        Self {
            territories: 1,
            leads_each: leads,
            reps: REPS.map(|rep| (rep.to_owned(), 0)).to_vec(),
        }
    }

    fn configuration(&self, data: &Path) -> Config {
        let mut config = Config::default();
        config.server.listen = ([127, 0, 0, 1], 0).into();
        config.server.admin_listen = ([127, 0, 0, 1], 0).into();
        data.clone_into(&mut config.server.data_dir);
        config.log.filter = "warn".to_owned();
        // All phones have one address here.
        config.limits.enrol_per_minute = 1_000_000;
        config.limits.enrol_burst = 1_000_000;
        config.tenants = vec![TenantConfig {
            id: None,
            name: "acme".to_owned(),
            reps: self.reps.iter().map(|(email, _)| rep(email)).collect(),
            territories: (0..self.territories).map(|at| self.territory(at)).collect(),
            connections: Vec::new(),
        }];
        config
    }

    fn territory(&self, at: usize) -> TerritoryConfig {
        let here = self.reps.iter().filter(|(_, territory)| *territory == at);
        TerritoryConfig {
            id: None,
            name: format!("Territory {at}"),
            precedence: 0,
            rule: None,
            reps: here.map(|(email, _)| email.clone()).collect(),
        }
    }
}

/// A folder with a configuration and a server's data.
pub struct Office {
    config: PathBuf,
    data: PathBuf,
    leads: usize,
}

/// The server at work.
pub struct Serving {
    pub process: Process,
    pub addr: SocketAddr,
    pub admin: SocketAddr,
}

impl Office {
    /// Writes the configuration and fills the database.
    pub fn filled(dir: &Path, company: &Company) -> Self {
        let office = Self {
            config: dir.join("fieldfare.toml"),
            data: dir.join("server"),
            leads: company.leads_each,
        };
        let toml = company.configuration(&office.data).to_toml().unwrap();
        std::fs::write(&office.config, toml).unwrap();
        office.run(&[FILL, office.config(), &office.leads.to_string()]);
        office
    }

    /// Changes every lead of the first territory so many times.
    pub fn edit_every_lead(&self, times: usize) {
        let leads = self.leads.to_string();
        self.run(&[EDIT, self.config(), &leads, &times.to_string()]);
    }

    fn run(&self, args: &[&str]) {
        assert!(this_program(args).status().unwrap().success());
    }

    fn config(&self) -> &str {
        self.config.to_str().unwrap()
    }

    /// Bytes of the databases on disk.
    pub fn disk(&self) -> u64 {
        crate::measured::bytes_below(&self.data)
    }

    /// Starts serving and says where.
    pub fn serve(&self) -> Serving {
        let args = [PROGRAM, "--config", self.config(), "serve"];
        let mut command = this_program(&args);
        command.env("FIELDFARE_ADMIN_TOKEN", ADMIN_TOKEN);
        let mut process = Process::start(&mut command);
        let mut place = || {
            let line = process.line();
            line.rsplit("http://").next().unwrap().parse().unwrap()
        };
        let (addr, admin) = (place(), place());
        Serving {
            process,
            addr,
            admin,
        }
    }

    /// A code for a rep's next device.
    pub fn code(&self, rep: &str) -> String {
        let args = [
            PROGRAM,
            "--config",
            self.config(),
            "device",
            "add",
            "--rep",
            rep,
        ];
        let output = this_program(&args)
            .stderr(Stdio::inherit())
            .output()
            .unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    pub fn tenant(&self) -> String {
        Config::load(Some(&self.config)).unwrap().tenants[0]
            .id()
            .to_string()
    }
}

fn rep(email: &str) -> RepConfig {
    RepConfig {
        id: None,
        name: email.split('@').next().unwrap().to_owned(),
        email: email.to_owned(),
        crm_owner: None,
        day: None,
    }
}

/// The 300-byte leads of this bench, the same for all who take part.
fn bench_leads(config: &Config, territory: usize, n: usize) -> Vec<Lead> {
    let tenant = &config.tenants[0];
    let id = tenant.territories[territory].id(tenant.id());
    let made = leads(SEED + territory as u64, n, id);
    made.iter().map(located).collect()
}

/// Lean, but known to the geocoder, which otherwise goes to work on those that are edited.
fn located(full: &Lead) -> Lead {
    let mut lead = lean(full);
    lead.geocode.status = full.geocode.status;
    lead
}

/// The same leads as a peer stores them: JSON of about 300 bytes each, one a line.
pub fn json_lines(n: usize) -> String {
    let config = Company::of_two(n).configuration(Path::new("unused"));
    let mut out = String::new();
    for lead in bench_leads(&config, 0, n) {
        out.push_str(&json(&lead).to_string());
        out.push('\n');
    }
    out
}

fn json(lead: &Lead) -> serde_json::Value {
    let at = lead.geocode.position.unwrap();
    serde_json::json!({
        "_id": lead.id.to_string(),
        "name": lead.name,
        "street": lead.address.street,
        "zip": lead.address.postal_code,
        "city": lead.address.city,
        "lat": at.lat(),
        "lon": at.lon(),
        "phone": lead.phone,
        "status": format!("{:?}", lead.status).to_lowercase(),
        "territory": lead.territory.unwrap().to_string(),
        "owner": lead.owner,
        "score": lead.score,
        "updated_at": lead.source_updated_at.unwrap().0,
    })
}

pub fn fill(config: &Path, n: usize) {
    let config = Config::load(Some(config)).unwrap();
    for territory in 0..config.tenants[0].territories.len() {
        write(config.clone(), &bench_leads(&config, territory, n));
    }
}

/// Another telephone number and score for every lead, in another order each time.
pub fn edit_every_lead(config: &Path, n: usize, times: usize) {
    let config = Config::load(Some(config)).unwrap();
    let mut leads = bench_leads(&config, 0, n);
    let mut random = Random::new(SEED + 1);
    for _ in 0..times {
        shuffle(&mut leads, &mut random);
        for lead in &mut leads {
            lead.phone = Some(format!("+1{}", 2_000_000_000 + random.below(7_999_999_999)));
            lead.score = Some(random.below(101) as u8);
        }
        write(config.clone(), &leads);
    }
}

fn shuffle(leads: &mut [Lead], random: &mut Random) {
    for last in (1..leads.len()).rev() {
        leads.swap(last, random.below(last as u64 + 1) as usize);
    }
}

#[tokio::main]
async fn write(config: Config, leads: &[Lead]) {
    let server = Server::start(config).await.unwrap();
    let tenant = server.state.tenants.all().remove(0);
    for batch in leads.chunks(BATCH) {
        let now = server.state.now();
        tenant
            .write(|tx| {
                for lead in batch {
                    feed::put(tx, Entity::LEAD, lead.id.row(), lead.to_columns(), now)?;
                }
                Ok(())
            })
            .unwrap();
    }
    server.shutdown().await;
}
