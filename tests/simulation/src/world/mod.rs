//! One server, five phones, three territories, and everything that happens to them.

mod checks;
mod disasters;
mod people;
mod traffic;

use crate::action::{Action, Age, Fault, PAIRS, PHONES, REPS, TERRITORIES};
use crate::disk::StoreFault;
use crate::oracle::{Expected, Oracle, PhoneCopy, ServerCopy, Wrong};
use crate::phone::{Key, SimPhone};
use crate::random::Random;
use crate::server::SimServer;
use fieldfare_model::schema::{lead, visit};
use fieldfare_model::{
    ClientId, Columns, DeviceId, Entity, LeadStatus, OperationId, RepId, Row, RowId, TerritoryId,
    TimestampMs, Value,
};
use fieldfare_sync::{
    Backoff, Change, DeviceContext, Effect, Epoch, Event, Failure, FeedChange, FieldEdit, Frame,
    Operation, PullReply, PullStatus, Request, ScopeId, SyncClient, SyncLimits, decode_message,
    encode_message,
};
use std::collections::{BTreeMap, BTreeSet};

const START_MS: i64 = 1_790_000_000_000;
const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const TOMBSTONES_MS: i64 = 15 * 24 * HOUR_MS;

/// In so many rounds without faults everything comes to rest.
const ROUNDS: usize = 6;

/// A lead the CRM knows.
pub fn lead_id(n: u8) -> RowId {
    id(1, u64::from(n))
}

fn id(kind: u8, n: u64) -> RowId {
    let mut bytes = [0x77; 16];
    bytes[0] = kind;
    bytes[8..].copy_from_slice(&n.to_be_bytes());
    RowId::from_bytes(bytes)
}

fn rep_id(n: u8) -> RepId {
    RepId::from_bytes([0xa0 + n; 16])
}

/// A territory.
pub fn territory_id(n: u8) -> TerritoryId {
    TerritoryId::from_bytes([0x50 + n; 16])
}

const fn rep_of(phone: u8) -> u8 {
    match phone {
        0 | 1 => 0,
        3 => 2,
        _ => 1,
    }
}

struct Phone<P> {
    store: P,
    device: DeviceId,
    backoff: Backoff,
    clock_ms: i64,
    client: Option<SyncClient>,
    in_flight: Option<Request>,
    budget: u32,
    is_fresh: bool,
    /// What it must show, as far as it is known.
    expected: Option<Expected>,
    is_rotten: bool,
    /// What it was to show after so many writes of its cache, in order; a power cut goes back.
    marks: Vec<Mark>,
    age: Age,
    mismatches: u64,
    seen_frames: BTreeSet<(u64, ScopeId, u64, u64)>,
    frames_twice: u64,
    interruptions: u64,
    syncs_done: u64,
}

struct Mark {
    writes: u64,
    expected: Option<Expected>,
    is_rotten: bool,
}

/// A phone's files and what is known of them.
struct PhoneBackup<P> {
    store: P,
    expected: Option<Expected>,
    is_rotten: bool,
    oracle: PhoneCopy,
}

/// Which territories each rep has.
type Assigned = BTreeMap<u8, BTreeSet<u8>>;

/// Everything there is.
pub struct World<S: SimServer, P> {
    server: S,
    phones: Vec<Phone<P>>,
    oracle: Oracle,
    random: Random,
    now: i64,
    made: u64,
    epoch: u64,
    server_backup: Option<(S::Backup, ServerCopy, Assigned)>,
    phone_backups: BTreeMap<u8, PhoneBackup<P>>,
    assigned: Assigned,
    late: Vec<(DeviceContext, Request)>,
    old_rows: BTreeMap<Key, Row>,
    trace: Option<Vec<String>>,
}

impl<S: SimServer, P: SimPhone> World<S, P> {
    /// A world before anything happened. `epoch` is the server's.
    pub fn new(seed: u64, server: S, epoch: u64, phone: impl Fn(ClientId) -> P) -> Self {
        let mut random = Random::new(seed ^ 0x5eed);
        let phones = (0..PHONES).map(|n| Phone {
            store: phone(ClientId::from_bytes(random_id(&mut random))),
            device: DeviceId::from_bytes([n + 1; 16]),
            backoff: Backoff::default(),
            clock_ms: 0,
            client: None,
            in_flight: None,
            budget: 1,
            is_fresh: false,
            expected: None,
            is_rotten: false,
            marks: Vec::new(),
            age: Age::Same,
            mismatches: 0,
            seen_frames: BTreeSet::new(),
            frames_twice: 0,
            interruptions: 0,
            syncs_done: 0,
        });
        let phones = phones.collect();
        Self {
            server,
            phones,
            oracle: Oracle::default(),
            random,
            now: START_MS,
            made: 0,
            epoch,
            server_backup: None,
            phone_backups: BTreeMap::new(),
            assigned: BTreeMap::new(),
            late: Vec::new(),
            old_rows: BTreeMap::new(),
            trace: None,
        }
    }

    /// From now on, what happens is written down.
    pub fn keep_trace(&mut self) {
        self.trace = Some(Vec::new());
    }

    /// What was written down.
    pub fn trace(&self) -> &[String] {
        self.trace.as_deref().unwrap_or_default()
    }

    fn tell(&mut self, line: impl FnOnce() -> String) {
        if let Some(trace) = &mut self.trace {
            trace.push(line());
        }
    }

    fn phone(&mut self, n: u8) -> &mut Phone<P> {
        &mut self.phones[usize::from(n)]
    }

    fn phone_now(&self, n: u8) -> TimestampMs {
        TimestampMs(self.now + self.phones[usize::from(n)].clock_ms)
    }

    fn device(&self, n: u8) -> DeviceContext {
        DeviceContext {
            device: self.phones[usize::from(n)].device,
            rep: rep_id(rep_of(n)),
        }
    }

    fn next(&mut self) -> u64 {
        self.made += 1;
        self.made
    }

    /// Does one thing.
    ///
    /// # Errors
    /// What must hold and does not.
    pub fn act(&mut self, action: Action) -> Result<(), Wrong> {
        self.now += 1_000;
        match action {
            Action::Edit {
                phone,
                lead,
                second,
            } => self.edit(phone, lead, second),
            Action::AddLead { phone } => self.add_lead(phone),
            Action::Visit { phone, lead } => self.visit(phone, lead, false),
            Action::Unit { phone, lead } => self.visit(phone, lead, true),
            Action::Forbid { phone, lead } => {
                self.set_status(phone, lead, LeadStatus::DoNotContact)
            }
            Action::Reopen { phone, lead } => self.set_status(phone, lead, LeadStatus::Open),
            Action::Crm { lead, second } => {
                self.crm(lead, second);
                Ok(())
            }
            Action::CrmPair { pair } => {
                self.crm_pair(pair);
                Ok(())
            }
            Action::CrmForbid { lead: n } => {
                let status = Value::Int(LeadStatus::DoNotContact.code());
                self.crm_set(n, &[(lead::STATUS, status)]);
                Ok(())
            }
            Action::CrmUnknown { lead } => {
                let value = Value::Int(self.next() as i64);
                self.crm_set(lead, &[(900, value)]);
                Ok(())
            }
            Action::Move { lead: n, to } => {
                let to = (to < TERRITORIES).then(|| territory_id(to).as_bytes().to_vec());
                self.crm_set(n, &[(lead::TERRITORY, to.into())]);
                Ok(())
            }
            Action::Delete { lead } => {
                let now = TimestampMs(self.now);
                self.server.delete_lead(lead_id(lead), now);
                self.tell(|| format!("CRM deletes lead {lead}"));
                Ok(())
            }
            Action::Assign { rep, territory } => self.assign(rep, territory, true),
            Action::Withdraw { rep, territory } => self.assign(rep, territory, false),
            Action::Sync { phone, budget } => self.start_sync(phone, budget),
            Action::Deliver { phone, fault } => self.deliver(phone, fault),
            Action::LateCopy { which } => {
                self.late_copy(usize::from(which));
                Ok(())
            }
            Action::Kill { phone } => self.kill(phone),
            Action::PowerCut { phone, lost } => {
                self.phone(phone).store.disk().cut_power(lost);
                self.kill(phone)
            }
            Action::LoseCache { phone } => self.lose_cache(phone),
            Action::AgeOfApp { phone, age } => {
                self.tell(|| format!("phone {phone}: its app is {age:?}"));
                self.phone(phone).age = age;
                Ok(())
            }
            Action::PhoneDisk {
                phone,
                after,
                fault,
            } => {
                self.tell(|| format!("phone {phone}: after {after} writes one is {fault:?}"));
                self.phone(phone).store.disk().plan(after, fault);
                Ok(())
            }
            Action::ServerDisk { fault } => {
                self.tell(|| format!("server: the next push is {fault:?}"));
                self.server.disk().plan(0, fault);
                Ok(())
            }
            Action::BackUpServer => {
                let copy = self.oracle.copy_of_server(&self.server);
                let backup = (self.server.backup(), copy, self.assigned.clone());
                self.server_backup = Some(backup);
                self.tell(|| "server is backed up".to_owned());
                Ok(())
            }
            Action::RestoreServer => {
                self.restore_server();
                Ok(())
            }
            Action::BackUpPhone { phone } => {
                self.back_up_phone(phone);
                Ok(())
            }
            Action::RestorePhone { phone } => self.restore_phone(phone),
            Action::Clone { from, to } => self.clone_phone(from, to),
            Action::Rot {
                phone,
                row,
                is_gone,
            } => {
                self.rot(phone, row, is_gone);
                Ok(())
            }
            Action::PhoneClock { phone, hours } => {
                self.tell(|| format!("phone {phone}: its clock jumps {hours} hours"));
                self.phone(phone).clock_ms += i64::from(hours) * HOUR_MS;
                Ok(())
            }
            Action::Wait { minutes } => {
                self.now += i64::from(minutes) * MINUTE_MS;
                Ok(())
            }
            Action::LongWait => self.long_wait(),
            Action::Collect => {
                let now = TimestampMs(self.now);
                self.server.collect(now, TOMBSTONES_MS);
                self.tell(|| "server collects tombstones".to_owned());
                Ok(())
            }
            Action::Purge { phone } => self.purge(phone),
            Action::Settle => self.settle(),
        }
    }
}

type Tag = fieldfare_model::Tag;

const fn cell(second: bool) -> Tag {
    if second { lead::PHONE } else { lead::NAME }
}

fn random_id(random: &mut Random) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&random.next().to_be_bytes());
    bytes[8..].copy_from_slice(&random.next().to_be_bytes());
    bytes
}

fn short(id: OperationId) -> String {
    let [a, b, ..] = id.as_bytes()[4..] else {
        return String::new();
    };
    format!("operation {}", u16::from_be_bytes([a, b]))
}
