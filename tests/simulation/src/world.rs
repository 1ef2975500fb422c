//! One server, five phones, three territories, and everything that happens to them.

use crate::action::{Action, Fault, PAIRS, PHONES, REPS, TERRITORIES};
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
    Backoff, Change, DeviceContext, Effect, Epoch, Event, Failure, FieldEdit, Frame, Operation,
    PullReply, PullStatus, Request, ScopeId, SyncClient, SyncLimits, decode_message,
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
    mismatches: u64,
    seen_frames: BTreeSet<(u64, ScopeId, u64, u64)>,
    frames_twice: u64,
    interruptions: u64,
    syncs_done: u64,
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

    // What people do.

    fn record(&mut self, phone: u8, mut operations: Vec<Operation>) -> Result<(), Wrong> {
        let group = operations[0].id;
        let size = u16::try_from(operations.len()).unwrap_or(1);
        for operation in &mut operations {
            operation.group = group;
            operation.group_size = size;
        }
        let saved = self.phone(phone).store.record(&operations);
        self.tell(|| {
            let ids: Vec<_> = operations.iter().map(|o| short(o.id)).collect();
            format!("phone {phone}: records {} ({saved:?})", ids.join(" and "))
        });
        let store = &self.phones[usize::from(phone)].store;
        let kept = operations.iter().filter(|o| store.outcome(o).is_some());
        let kept = kept.count();
        let right = match saved {
            Ok(()) => kept == operations.len(),
            Err(_) => kept == 0 || kept == operations.len(),
        };
        if !right {
            return Err(format!(
                "phone {phone} kept {kept} of a unit of {}",
                operations.len()
            ));
        }
        if kept > 0 {
            self.oracle.recorded(phone, &operations);
        }
        match saved {
            Err(StoreFault::Killed) => self.kill(phone),
            Err(StoreFault::Broken) => Err(format!("phone {phone}: its store is broken")),
            _ => self.check_phone(phone),
        }
    }

    fn operation(&mut self, phone: u8, entity: Entity, row: RowId, change: Change) -> Operation {
        let n = self.next();
        let seen = self.phone(phone).store.look((entity, row));
        Operation {
            id: OperationId::v7(n, [0x0f; 10]),
            n: 0,
            group: OperationId::v7(n, [0x0f; 10]),
            group_size: 1,
            entity,
            row,
            base_version: seen.map_or(0, |row| row.version),
            depends_on: None,
            at: self.phone_now(phone),
            change,
        }
    }

    fn edit_cell(&mut self, phone: u8, lead: u8, tag: Tag, new: Value) -> Option<Operation> {
        let row = lead_id(lead);
        let seen = self.phone(phone).store.look((Entity::LEAD, row))?;
        let base = seen.columns.get(tag).clone();
        let edit = Change::Edit(vec![FieldEdit { tag, base, new }]);
        Some(self.operation(phone, Entity::LEAD, row, edit))
    }

    fn edit(&mut self, phone: u8, lead: u8, second: bool) -> Result<(), Wrong> {
        let value = format!("phone {phone} {}", self.made);
        match self.edit_cell(phone, lead, cell(second), value.into()) {
            Some(operation) => self.record(phone, vec![operation]),
            None => Ok(()),
        }
    }

    fn set_status(&mut self, phone: u8, lead: u8, status: LeadStatus) -> Result<(), Wrong> {
        let status = Value::Int(status.code());
        match self.edit_cell(phone, lead, lead::STATUS, status) {
            Some(operation) => self.record(phone, vec![operation]),
            None => Ok(()),
        }
    }

    fn add_lead(&mut self, phone: u8) -> Result<(), Wrong> {
        let row = id(2, self.next());
        let mut columns = Columns::new();
        columns.set(lead::NAME, format!("found by {phone}"));
        columns.set(lead::COUNTRY, "US");
        let operation = self.operation(phone, Entity::LEAD, row, Change::Create(columns));
        self.record(phone, vec![operation])
    }

    fn visit(&mut self, phone: u8, lead: u8, with_edit: bool) -> Result<(), Wrong> {
        let to = lead_id(lead);
        if self.phone(phone).store.look((Entity::LEAD, to)).is_none() {
            return Ok(());
        }
        let row = id(3, self.next());
        let mut columns = Columns::new();
        columns.set(visit::LEAD, to.as_bytes().to_vec());
        columns.set(visit::REP, rep_id(rep_of(phone)).as_bytes().to_vec());
        columns.set(visit::STARTED_AT, self.phone_now(phone).0);
        columns.set(visit::OUTCOME, 1);
        let made = self.operation(phone, Entity::VISIT, row, Change::Create(columns));
        let mut unit = vec![made];
        if with_edit {
            let value = format!("visited {}", self.made);
            unit.extend(self.edit_cell(phone, lead, cell(true), value.into()));
        }
        self.record(phone, unit)
    }

    fn crm_set(&mut self, n: u8, cells: &[(Tag, Value)]) {
        let Some(row) = self.server.row((Entity::LEAD, lead_id(n))) else {
            return;
        };
        self.old_rows.insert((Entity::LEAD, row.id), row.clone());
        let mut columns = row.columns;
        for (tag, value) in cells {
            columns.set(*tag, value.clone());
        }
        let now = TimestampMs(self.now);
        let versions = self.server.put_leads(&[(row.id, columns)], now);
        self.note_crm(row.id, versions[0], cells);
        self.tell(|| format!("CRM sets lead {n} to {cells:?} at {}", versions[0]));
    }

    fn note_crm(&mut self, row: RowId, version: u64, cells: &[(Tag, Value)]) {
        for (tag, value) in cells {
            if [lead::NAME, lead::PHONE, lead::STATUS].contains(tag) {
                self.oracle.crm_wrote(version, row, *tag, value.clone());
            }
        }
    }

    fn crm(&mut self, n: u8, second: bool) {
        let value = Value::from(format!("crm {}", self.next()));
        if self.server.row((Entity::LEAD, lead_id(n))).is_some() {
            return self.crm_set(n, &[(cell(second), value)]);
        }
        let territory = territory_id(n % TERRITORIES).as_bytes().to_vec();
        let mut columns = Columns::new();
        columns.set(lead::NAME, value.clone());
        columns.set(lead::PHONE, value.clone());
        columns.set(lead::COUNTRY, "US");
        columns.set(lead::TERRITORY, territory);
        let now = TimestampMs(self.now);
        let versions = self.server.put_leads(&[(lead_id(n), columns)], now);
        let cells = [
            (lead::NAME, value.clone()),
            (lead::PHONE, value),
            (lead::STATUS, Value::Null),
        ];
        self.note_crm(lead_id(n), versions[0], &cells);
        self.tell(|| format!("CRM makes lead {n} at {}", versions[0]));
    }

    fn crm_pair(&mut self, pair: u8) {
        let score = self.next() as i64;
        let pair = pair % PAIRS;
        let ids = [lead_id(2 * pair), lead_id(2 * pair + 1)];
        let rows = ids.map(|id| self.server.row((Entity::LEAD, id)));
        let [Some(a), Some(b)] = rows else {
            return;
        };
        let with_score = |row: Row| {
            let mut columns = row.columns;
            columns.set(lead::SCORE, score);
            (row.id, columns)
        };
        let now = TimestampMs(self.now);
        self.server.put_leads(&[with_score(a), with_score(b)], now);
        self.tell(|| format!("CRM sets pair {pair} to {score}"));
    }

    fn assign(&mut self, rep: u8, territory: u8, is_given: bool) -> Result<(), Wrong> {
        let held = self.assigned.entry(rep % REPS).or_default();
        if is_given {
            held.insert(territory);
        } else {
            held.remove(&territory);
        }
        let territories: Vec<_> = held.iter().map(|t| territory_id(*t)).collect();
        self.server.assign(rep_id(rep), &territories);
        for phone in 0..PHONES {
            if rep_of(phone) == rep {
                self.phone(phone).interruptions += 1;
                self.phone(phone).seen_frames.clear();
            }
        }
        self.tell(|| format!("rep {rep} serves {} territories", territories.len()));
        Ok(())
    }

    // Syncing.

    fn start_sync(&mut self, phone: u8, budget: u32) -> Result<(), Wrong> {
        let now = self.phone_now(phone);
        let fresh = ClientId::from_bytes(random_id(&mut self.random));
        let state = self.phone(phone);
        if state.client.is_some() || state.backoff.wait_ms(now) > 0 {
            return Ok(());
        }
        state.client = Some(SyncClient::default());
        state.budget = budget;
        self.tell(|| format!("phone {phone}: begins to sync"));
        let event = Event::Start {
            fresh,
            budget,
            limits: SyncLimits::default(),
        };
        self.step(phone, event)
    }

    fn step(&mut self, phone: u8, event: Event) -> Result<(), Wrong> {
        let state = self.phone(phone);
        let Some(client) = &mut state.client else {
            return Ok(());
        };
        let stepped = client.step(&mut state.store, event);
        match stepped {
            Ok(effects) => self.carry_out(phone, effects)?,
            Err(StoreFault::Killed) => self.kill(phone)?,
            Err(StoreFault::Full) => {
                self.tell(|| format!("phone {phone}: the disk is full, the sync ends"));
                self.end_sync(phone, Some(None))?;
            }
            Err(StoreFault::Broken) => return Err(format!("phone {phone}: its store is broken")),
        }
        self.check_phone(phone)
    }

    fn carry_out(&mut self, phone: u8, effects: Vec<Effect>) -> Result<(), Wrong> {
        for effect in effects {
            match effect {
                Effect::Send(request) => {
                    self.tell(|| {
                        format!(
                            "phone {phone}: sends {} of {} B",
                            request.path,
                            request.body.len()
                        )
                    });
                    let state = self.phone(phone);
                    state.is_fresh &= state.in_flight.as_ref() == Some(&request);
                    state.in_flight = Some(request);
                }
                Effect::RefreshToken => {
                    let before = self.phone(phone).in_flight.clone();
                    self.step(phone, Event::TokenRefreshed)?;
                    if self.phone(phone).in_flight != before {
                        return Err(format!("phone {phone} repeats another request"));
                    }
                }
                Effect::Done(summary) => {
                    self.tell(|| format!("phone {phone}: done at {}", summary.head));
                    if summary.unrepaired > 0 {
                        return Err(format!("phone {phone} could not be repaired"));
                    }
                    self.phone(phone).syncs_done += 1;
                    self.end_sync(phone, None)?;
                    self.check_done(phone)?;
                }
                Effect::Paused(_) => self.end_sync(phone, None)?,
                Effect::Failed(failure) => self.failed(phone, failure)?,
                Effect::Changed(_) | Effect::Progress(_) => {}
            }
        }
        Ok(())
    }

    fn failed(&mut self, phone: u8, failure: Failure) -> Result<(), Wrong> {
        self.tell(|| format!("phone {phone}: the sync fails, {failure:?}"));
        let wish = match failure {
            Failure::Busy { retry_after_ms } => retry_after_ms,
            Failure::Revoked | Failure::Unauthorized | Failure::Upgrade => {
                return Err(format!("phone {phone} was turned away: {failure:?}"));
            }
            _ => None,
        };
        self.end_sync(phone, Some(wish))
    }

    /// `failure` is what the server wished, if the sync failed.
    fn end_sync(&mut self, phone: u8, failure: Option<Option<u64>>) -> Result<(), Wrong> {
        let now = self.phone_now(phone);
        let jitter = self.random.next();
        let state = self.phone(phone);
        state.client = None;
        state.in_flight = None;
        state.backoff = match failure {
            None => Backoff::default(),
            Some(wish) => {
                let jitter = jitter % state.backoff.ceiling_ms().max(1);
                state.backoff.failed(now, jitter, wish)
            }
        };
        if failure.is_some() {
            state.interruptions += 1;
        }
        Ok(())
    }

    fn deliver(&mut self, phone: u8, fault: Fault) -> Result<(), Wrong> {
        let Some(request) = self.phone(phone).in_flight.clone() else {
            return Ok(());
        };
        if fault != Fault::None {
            self.phone(phone).interruptions += 1;
            self.tell(|| format!("phone {phone}: its request meets {fault:?}"));
        }
        let status = |status| Event::Reply {
            status,
            body: Vec::new(),
            retry_after_ms: None,
            now: TimestampMs(0),
        };
        match fault {
            Fault::LoseRequest => return self.step(phone, Event::Offline),
            // A token that was just renewed is good.
            Fault::TokenExpired if !self.phone(phone).is_fresh => {
                self.phone(phone).is_fresh = true;
                return self.step(phone, status(401));
            }
            Fault::Unavailable => return self.step(phone, status(503)),
            Fault::Busy(seconds) => {
                let busy = Event::Reply {
                    status: 429,
                    body: Vec::new(),
                    retry_after_ms: Some(u64::from(seconds) * 1000),
                    now: self.phone_now(phone),
                };
                return self.step(phone, busy);
            }
            Fault::Twice => drop(self.ask(phone, &request)),
            Fault::Late => self.late.push((self.device(phone), request.clone())),
            _ => {}
        }
        let Some((status, mut body)) = self.ask(phone, &request) else {
            return self.step(phone, Event::Offline);
        };
        let is_pull = request.path == "/v1/pull";
        if fault == Fault::LoseReply {
            if is_pull {
                self.count_frames(phone, &body);
            }
            return self.step(phone, Event::Offline);
        }
        let expected = self.expected_after(phone, &request, &body);
        let is_whole = damage(&mut body, fault);
        if is_whole && is_pull {
            self.count_frames(phone, &body);
        }
        let reply = Event::Reply {
            status,
            body,
            retry_after_ms: None,
            now: self.phone_now(phone),
        };
        self.take_reply(phone, reply, expected.filter(|_| is_whole))
    }

    /// The server's answer, if it lives to give it.
    fn ask(&mut self, phone: u8, request: &Request) -> Option<(u16, Vec<u8>)> {
        let device = self.device(phone);
        let now = TimestampMs(self.now);
        match self
            .server
            .answer(&device, request.path, &request.body, now)
        {
            Ok(effect) => Some((effect.status, effect.body)),
            Err(StoreFault::Full) => Some((503, Vec::new())),
            Err(_) => None,
        }
    }

    /// What the phone must show if it shows the checkpoint in this reply.
    fn expected_after(&self, phone: u8, request: &Request, body: &[u8]) -> Option<Expected> {
        if request.path != "/v1/pull" {
            return None;
        }
        let reply: PullReply = decode_message(body).ok()?;
        let is_complete = reply.checkpoint.is_some_and(|c| c.complete);
        if reply.status != PullStatus::Ok || !is_complete {
            return None;
        }
        let scopes = self.server.scopes(rep_id(rep_of(phone)));
        let scopes = scopes.into_iter().collect();
        Some(Expected::of(&self.server, reply.epoch.0, scopes))
    }

    /// Lets the phone take a reply, and looks at what it shows if it shows a new head.
    fn take_reply(
        &mut self,
        phone: u8,
        reply: Event,
        expected: Option<Expected>,
    ) -> Result<(), Wrong> {
        let Some(expected) = expected else {
            return self.step(phone, reply);
        };
        // Until it is known which of the two it shows, neither is held against it.
        let before = self.phone(phone).expected.take();
        self.step_silently(phone, reply, &expected, before)?;
        self.check_phone(phone)
    }

    fn step_silently(
        &mut self,
        phone: u8,
        reply: Event,
        expected: &Expected,
        before: Option<Expected>,
    ) -> Result<(), Wrong> {
        let state = self.phone(phone);
        let Some(client) = &mut state.client else {
            return Ok(());
        };
        let stepped = client.step(&mut state.store, reply);
        let shows = self.shows(phone, expected)?;
        self.note_answers(phone)?;
        let is_rotten = self.phone(phone).is_rotten;
        if let Some(before) = before.as_ref().filter(|_| shows)
            && before.epoch == expected.epoch
            && before.head > expected.head
        {
            return Err(format!(
                "phone {phone} went back from {} to {}",
                before.head, expected.head
            ));
        }
        self.phone(phone).expected = if shows {
            Some(expected.clone())
        } else {
            before
        };
        if shows && !is_rotten {
            let state = &self.phones[usize::from(phone)];
            self.oracle.check_shown(phone, &state.store, expected)?;
        }
        match stepped {
            Ok(effects) => self.carry_out(phone, effects),
            Err(StoreFault::Killed) => self.kill(phone),
            Err(StoreFault::Full) => self.end_sync(phone, Some(None)),
            Err(StoreFault::Broken) => Err(format!("phone {phone}: its store is broken")),
        }
    }

    fn shows(&self, phone: u8, expected: &Expected) -> Result<bool, Wrong> {
        let store = &self.phones[usize::from(phone)].store;
        let state = store.sync_state().map_err(|e| format!("{e:?}"))?;
        let scopes = store.shown();
        Ok(store.head() == expected.head
            && state.epoch == Some(Epoch(expected.epoch))
            && scopes == expected.scopes)
    }

    fn count_frames(&mut self, phone: u8, body: &[u8]) {
        let Ok(reply) = decode_message::<PullReply>(body) else {
            return;
        };
        let state = self.phone(phone);
        if state.budget > 1 {
            state.interruptions += reply.frames.len() as u64;
        }
        for bytes in &reply.frames {
            if let Ok(frame) = Frame::decode(bytes) {
                let key = (reply.epoch.0, frame.scope, frame.from, frame.to);
                if !state.seen_frames.insert(key) {
                    state.frames_twice += 1;
                }
            }
        }
    }

    fn late_copy(&mut self, which: usize) {
        if self.late.is_empty() {
            return;
        }
        let (device, request) = self.late.swap_remove(which % self.late.len());
        let now = TimestampMs(self.now);
        self.tell(|| format!("a late copy of {} arrives", request.path));
        // Nobody waits for the answer.
        drop(
            self.server
                .answer(&device, request.path, &request.body, now),
        );
    }

    // Disasters.

    fn kill(&mut self, phone: u8) -> Result<(), Wrong> {
        self.tell(|| format!("phone {phone}: killed"));
        let state = self.phone(phone);
        state.client = None;
        state.in_flight = None;
        state.interruptions += 1;
        state.store.restart();
        self.check_phone(phone)
    }

    fn restore_server(&mut self) {
        let Some((backup, copy, assigned)) = self.server_backup.take() else {
            return;
        };
        self.epoch = self.random.next() | 1;
        self.server.restore(&backup, Epoch(self.epoch));
        self.oracle.server_restored(&copy);
        self.assigned = assigned.clone();
        self.old_rows.clear();
        let head = self.server.head();
        self.server_backup = Some((backup, copy, assigned));
        for phone in 0..PHONES {
            self.phone(phone).interruptions += 1;
            self.phone(phone).seen_frames.clear();
        }
        self.tell(|| format!("server comes back from its backup, at {head}"));
    }

    fn back_up_phone(&mut self, phone: u8) {
        let oracle = self.oracle.copy_of_phone(phone);
        let state = self.phone(phone);
        let backup = PhoneBackup {
            store: state.store.backup(),
            expected: state.expected.clone(),
            is_rotten: state.is_rotten,
            oracle,
        };
        self.phone_backups.insert(phone, backup);
        self.tell(|| format!("phone {phone} is backed up"));
    }

    fn restore_phone(&mut self, phone: u8) -> Result<(), Wrong> {
        let Some(backup) = self.phone_backups.remove(&phone) else {
            return Ok(());
        };
        self.tell(|| format!("phone {phone} comes back from its backup"));
        self.replace_files(phone, &backup)
    }

    fn clone_phone(&mut self, from: u8, to: u8) -> Result<(), Wrong> {
        if from == to || rep_of(from) != rep_of(to) {
            return Ok(());
        }
        let oracle = self.oracle.copy_of_phone(from);
        let state = self.phone(from);
        let backup = PhoneBackup {
            store: state.store.backup(),
            expected: state.expected.clone(),
            is_rotten: state.is_rotten,
            oracle,
        };
        self.tell(|| format!("phone {from} is copied to phone {to}"));
        self.replace_files(to, &backup)
    }

    fn replace_files(&mut self, phone: u8, backup: &PhoneBackup<P>) -> Result<(), Wrong> {
        let device = DeviceId::from_bytes(random_id(&mut self.random));
        let state = self.phone(phone);
        backup.store.copy_to(&mut state.store);
        // Tokens of a copy are refused, so it enrols again.
        state.device = device;
        state.client = None;
        state.in_flight = None;
        state.expected.clone_from(&backup.expected);
        state.is_rotten = backup.is_rotten;
        state.mismatches = state.store.mismatches();
        state.interruptions += 1;
        state.seen_frames.clear();
        self.oracle
            .phone_replaced(phone, backup.oracle.clone(), &self.server);
        self.check_phone(phone)
    }

    fn rot(&mut self, phone: u8, row: u8, is_gone: bool) {
        let old_rows = &self.old_rows;
        let older = |key: Key| old_rows.get(&key).cloned();
        let state = &mut self.phones[usize::from(phone)];
        if state.store.rot(usize::from(row), is_gone, &older) {
            state.is_rotten = true;
            state.interruptions += 1;
            self.tell(|| format!("phone {phone}: an old page comes back"));
        }
    }

    fn long_wait(&mut self) -> Result<(), Wrong> {
        self.tell(|| "ten days pass".to_owned());
        for _ in 0..4 {
            self.now += 60 * HOUR_MS;
            let now = TimestampMs(self.now);
            self.server.collect(now, TOMBSTONES_MS);
        }
        Ok(())
    }

    fn purge(&mut self, phone: u8) -> Result<(), Wrong> {
        let now = self.phone_now(phone);
        let purged = self.phone(phone).store.purge(now);
        if purged == Err(StoreFault::Killed) {
            self.kill(phone)?;
        }
        let state = &self.phones[usize::from(phone)];
        self.oracle.purged(phone, &state.store, now.0, &self.server)
    }

    // What must hold.

    fn note_answers(&mut self, phone: u8) -> Result<(), Wrong> {
        let now = self.phone_now(phone).0;
        let state = &self.phones[usize::from(phone)];
        let epoch = state
            .store
            .sync_state()
            .map_err(|e| format!("{e:?}"))?
            .epoch;
        let is_present = epoch == Some(Epoch(self.epoch));
        self.oracle
            .note_answers(phone, &state.store, now, is_present);
        Ok(())
    }

    fn check_phone(&mut self, phone: u8) -> Result<(), Wrong> {
        self.note_answers(phone)?;
        let state = &self.phones[usize::from(phone)];
        if state.is_rotten {
            return Ok(());
        }
        if state.store.mismatches() != state.mismatches {
            return Err(format!("phone {phone} had to repair what nothing damaged"));
        }
        self.oracle
            .check_phone(phone, &state.store, state.expected.as_ref())
    }

    /// A sync that is done leaves nothing damaged.
    fn check_done(&mut self, phone: u8) -> Result<(), Wrong> {
        let state = self.phone(phone);
        state.is_rotten = false;
        state.mismatches = state.store.mismatches();
        let state = &self.phones[usize::from(phone)];
        match &state.expected {
            Some(expected) => self.oracle.check_shown(phone, &state.store, expected),
            None => Err(format!("phone {phone} is done and shows nothing")),
        }
    }

    /// Faults stop. In a bounded number of rounds everything is where it should be.
    fn settle(&mut self) -> Result<(), Wrong> {
        self.tell(|| "faults stop".to_owned());
        self.server.disk().heal();
        while !self.late.is_empty() {
            self.late_copy(0);
        }
        for phone in 0..PHONES {
            self.phone(phone).store.disk().heal();
        }
        for _ in 0..ROUNDS {
            self.now += 20 * MINUTE_MS;
            for phone in 0..PHONES {
                self.sync_undisturbed(phone)?;
            }
        }
        self.check_rest()
    }

    fn sync_undisturbed(&mut self, phone: u8) -> Result<(), Wrong> {
        self.start_sync(phone, 1)?;
        for _ in 0..2_000 {
            if self.phone(phone).client.is_none() {
                return Ok(());
            }
            self.deliver(phone, Fault::None)?;
        }
        Err(format!("phone {phone} syncs for ever"))
    }

    fn check_rest(&mut self) -> Result<(), Wrong> {
        for phone in 0..PHONES {
            let scopes = self.server.scopes(rep_id(rep_of(phone)));
            let scopes = scopes.into_iter().collect();
            let expected = Expected::of(&self.server, self.epoch, scopes);
            let state = &mut self.phones[usize::from(phone)];
            if std::mem::take(&mut state.syncs_done) == 0 {
                return Err(format!(
                    "phone {phone} never synced though nothing stood in its way"
                ));
            }
            if state.expected.as_ref() != Some(&expected) {
                return Err(format!(
                    "phone {phone} did not come to rest at the server's head"
                ));
            }
            if state.frames_twice > state.interruptions {
                return Err(format!(
                    "phone {phone} got {} frames twice for {} interruptions",
                    state.frames_twice, state.interruptions
                ));
            }
            let store = &self.phones[usize::from(phone)].store;
            self.oracle.check_shown(phone, store, &expected)?;
        }
        self.check_clients()?;
        let stores: Vec<&P> = self.phones.iter().map(|phone| &phone.store).collect();
        self.oracle.check_rest(&self.server, &stores)
    }

    /// A copy that did nothing yet may share a numbering; none goes on in it.
    fn check_clients(&self) -> Result<(), Wrong> {
        let mut clients = BTreeMap::new();
        for (n, phone) in self.phones.iter().enumerate() {
            let state = phone.store.sync_state().map_err(|e| format!("{e:?}"))?;
            let next_n = *clients.entry(state.client).or_insert(state.next_n);
            if next_n != state.next_n {
                return Err(format!("phone {n} goes on in the numbering of another"));
            }
        }
        Ok(())
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

/// Cuts or flips what the fault says. Whether the reply is as it was sent.
fn damage(body: &mut Vec<u8>, fault: Fault) -> bool {
    match fault {
        Fault::Cut(part) => body.truncate(body.len() * usize::from(part) / 256),
        Fault::Flip(at) if !flip(body, usize::from(at)) => body.truncate(body.len() / 2),
        Fault::Flip(_) => {}
        _ => return true,
    }
    false
}

/// Flips a bit of a frame. (The rest of a message is TLS's to protect; frames lie on disk, too.)
fn flip(body: &mut Vec<u8>, at: usize) -> bool {
    let Ok(mut reply) = decode_message::<PullReply>(body) else {
        return false;
    };
    let frames = reply.frames.len();
    let Some(frame) = reply.frames.get_mut(at % frames.max(1)) else {
        return false;
    };
    let bit = at % (frame.len() * 8);
    frame[bit / 8] ^= 1 << (bit % 8);
    *body = encode_message(&reply).unwrap_or_default();
    true
}
