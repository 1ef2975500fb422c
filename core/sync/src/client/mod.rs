//! The phone's half.

mod compare;
mod pull;
mod push;

use crate::{
    DEFAULT_PULL_BUDGET, ErrorBody, ErrorCode, NumberGap, Operation, PhoneStore, ProtocolError,
    RepairPlan, ScopeId, SyncState, decode_message, packed,
};
use fieldfare_model::{ClientId, Entity, RowId, TimestampMs};
use pull::Expected;

/// The most bytes that the reply to a push may have.
const MAX_PUSH_REPLY_BYTES: usize = 4 * 1024 * 1024;

/// How often one sync may take a detour (new epoch, gap, fork) before it gives up.
const MAX_DETOURS: u8 = 4;

/// What happened outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Begin: push what waits, then pull what changed.
    Start {
        /// A fresh random client id, used only if this phone turns out to be a copy.
        fresh: ClientId,
        /// How many bytes of frames one pull asks for.
        budget: u32,
        /// Where to stop.
        limits: SyncLimits,
    },
    /// The reply to the request in flight.
    Reply {
        /// HTTP status.
        status: u16,
        /// Body.
        body: Vec<u8>,
        /// The `Retry-After` header, in milliseconds.
        retry_after_ms: Option<u64>,
        /// The phone's clock.
        now: TimestampMs,
    },
    /// No reply came.
    Offline,
    /// A new access token is there; the request is repeated.
    TokenRefreshed,
    /// What [`Effect::Proceed`] waited for is done.
    Proceed,
    /// Stop. What was done so far stays done.
    Cancel,
}

/// Where a sync stops though there is more, as a background task must.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SyncLimits {
    /// After this many bytes of replies.
    pub bytes: Option<u64>,
    /// From this moment on, by the phone's clock.
    pub until: Option<TimestampMs>,
}

impl SyncLimits {
    fn are_reached(self, bytes: u64, now: TimestampMs) -> bool {
        self.bytes.is_some_and(|most| bytes >= most) || self.until.is_some_and(|until| now >= until)
    }

    /// The most bytes of frames to ask for with `spent` bytes behind.
    fn budget(self, budget: u32, spent: u64) -> u32 {
        let left = self
            .bytes
            .map_or(u64::MAX, |most| most.saturating_sub(spent));
        budget.min(u32::try_from(left).unwrap_or(u32::MAX))
    }
}

/// A request to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Path below the server's address; the method is POST.
    pub path: &'static str,
    /// MessagePack body.
    pub body: Vec<u8>,
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Make this request and report the reply.
    Send(Request),
    /// Get a new access token and report it, or [`Event::Offline`] or [`Event::Cancel`].
    RefreshToken,
    /// These rows look different now.
    Changed(Vec<(Entity, RowId)>),
    /// How far it is.
    Progress(Progress),
    /// Go on with [`Event::Proceed`] once the effects before this one are carried out: what is new
    /// is shown, and whoever looks need not wait until it has been checked.
    Proceed,
    /// Everything is pushed and pulled.
    Done(SyncSummary),
    /// It stopped at a limit, between two frames; the next sync goes on from there.
    Paused(SyncSummary),
    /// It ended early. What was done so far stays done.
    Failed(Failure),
}

/// How far a sync is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// Operations that have a result now.
    pub pushed: u64,
    /// Frames staged.
    pub frames: u64,
    /// Rows in them.
    pub rows: u64,
}

/// What a sync did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SyncSummary {
    /// Operations that have a result now.
    pub pushed: u64,
    /// Operations that were refused.
    pub refused: u64,
    /// Frames staged.
    pub frames: u64,
    /// Rows in them, those that left included.
    pub rows: u64,
    /// Bytes of request bodies.
    pub bytes_up: u64,
    /// Bytes of reply bodies.
    pub bytes_down: u64,
    /// The tenant's sequence that is shown now, 0 if no checkpoint came.
    pub head: u64,
    /// Scopes whose stored rows were not what the server says they are, and were repaired.
    pub mismatches: u64,
    /// Scopes that still were not after two repairs.
    pub unrepaired: u64,
    /// Operations that neither side has any more, which the server put on record.
    pub lost: u64,
}

/// Why a sync ended early.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// No connection.
    Offline,
    /// The server asks to come later.
    Busy {
        /// Not before this many milliseconds.
        retry_after_ms: Option<u64>,
    },
    /// The server has a fault.
    Unavailable,
    /// The device must be enrolled again.
    Unauthorized,
    /// The device was revoked: its data is to be wiped.
    Revoked,
    /// The app must be updated; the outbox is kept.
    Upgrade,
    /// The reply was not what the protocol prescribes.
    Protocol(ProtocolError),
    /// The caller asked to stop.
    Cancelled,
}

/// A refused operation, as shown to the rep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// What was to change.
    pub operation: Operation,
    /// Why not.
    pub code: crate::RejectCode,
    /// Why not, for people.
    pub reason: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Phase {
    Idle,
    Pushing(Vec<Operation>, Vec<NumberGap>),
    Pulling(SyncState),
    /// Shown and to be checked, since a reply that came at this moment; and whether the first pull of
    /// all ends with it.
    Checking(Expected, TimestampMs, bool),
    Comparing(SyncState),
    Repairing(SyncState, RepairPlan),
}

/// The phone's half of the protocol: one sync at a time, one request in flight.
#[derive(Debug)]
pub struct SyncClient {
    phase: Phase,
    in_flight: Option<Request>,
    fresh: Option<ClientId>,
    budget: u32,
    limits: SyncLimits,
    detours: u8,
    repairs: u8,
    /// Scopes found different in this sync and not compared yet.
    mismatches: u32,
    /// Scopes that could not be compared, as the device does not hold them. They go with the next
    /// complete checkpoint, unless they are held again by then.
    unheld: Vec<ScopeId>,
    token_refreshed: bool,
    summary: SyncSummary,
}

impl Default for SyncClient {
    fn default() -> Self {
        Self {
            phase: Phase::Idle,
            in_flight: None,
            fresh: None,
            budget: DEFAULT_PULL_BUDGET,
            limits: SyncLimits::default(),
            detours: 0,
            repairs: 0,
            mismatches: 0,
            unheld: Vec::new(),
            token_refreshed: false,
            summary: SyncSummary::default(),
        }
    }
}

/// Why a step ended the sync, told apart from a failure of storage.
enum Stop<E> {
    Store(E),
    Failed(Failure),
}

impl<E> From<ProtocolError> for Stop<E> {
    fn from(error: ProtocolError) -> Self {
        Self::Failed(Failure::Protocol(error))
    }
}

type Stepped<T, E> = Result<T, Stop<E>>;

const fn malformed<E>(what: &'static str) -> Stop<E> {
    Stop::Failed(Failure::Protocol(ProtocolError::Malformed(what)))
}

impl SyncClient {
    /// Takes one event and says what to do next. Effects are to be carried out in order; the
    /// sync is over at [`Effect::Done`] or [`Effect::Failed`].
    ///
    /// # Errors
    /// The store's error. The sync is over then too; nothing half-done is kept.
    pub fn step<S: PhoneStore>(
        &mut self,
        store: &mut S,
        event: Event,
    ) -> Result<Vec<Effect>, S::Error> {
        let mut effects = Vec::new();
        match self.advance(store, event, &mut effects) {
            Ok(()) => Ok(effects),
            Err(Stop::Store(error)) => {
                self.end();
                Err(error)
            }
            Err(Stop::Failed(failure)) => {
                self.end();
                effects.push(Effect::Failed(failure));
                Ok(effects)
            }
        }
    }

    fn end(&mut self) {
        *self = Self::default();
    }

    fn advance<S: PhoneStore>(
        &mut self,
        store: &mut S,
        event: Event,
        effects: &mut Vec<Effect>,
    ) -> Stepped<(), S::Error> {
        match event {
            Event::Start {
                fresh,
                budget,
                limits,
            } => {
                *self = Self {
                    fresh: Some(fresh),
                    budget,
                    limits,
                    ..Self::default()
                };
                self.next_request(store, effects)
            }
            Event::Offline => Err(Stop::Failed(Failure::Offline)),
            Event::Cancel => Err(Stop::Failed(Failure::Cancelled)),
            Event::Proceed => self.proceed(store, effects),
            Event::TokenRefreshed => {
                let request = self.in_flight.clone().ok_or(malformed("event"))?;
                effects.push(Effect::Send(request));
                Ok(())
            }
            Event::Reply {
                status,
                body,
                retry_after_ms,
                now,
            } => {
                self.summary.bytes_down += body.len() as u64;
                if status == 200 {
                    self.token_refreshed = false;
                    self.take_reply(store, &body, now, effects)
                } else {
                    self.take_error(status, &body, retry_after_ms, effects)
                }
            }
        }
    }

    fn take_error<E>(
        &mut self,
        status: u16,
        body: &[u8],
        retry_after_ms: Option<u64>,
        effects: &mut Vec<Effect>,
    ) -> Stepped<(), E> {
        let code = decode_message::<ErrorBody>(body).map(|error| error.code);
        Err(Stop::Failed(match (status, code) {
            (401, _) if !self.token_refreshed => {
                self.token_refreshed = true;
                effects.push(Effect::RefreshToken);
                return Ok(());
            }
            (401, _) => Failure::Unauthorized,
            (403, Ok(ErrorCode::Revoked)) => Failure::Revoked,
            (426, _) => Failure::Upgrade,
            (429, _) => Failure::Busy { retry_after_ms },
            (503, _) if retry_after_ms.is_some() => Failure::Busy { retry_after_ms },
            (400 | 403 | 404 | 413, _) => {
                Failure::Protocol(ProtocolError::Malformed("request, says the server"))
            }
            _ => Failure::Unavailable,
        }))
    }

    fn take_reply<S: PhoneStore>(
        &mut self,
        store: &mut S,
        body: &[u8],
        now: TimestampMs,
        effects: &mut Vec<Effect>,
    ) -> Stepped<(), S::Error> {
        match std::mem::replace(&mut self.phase, Phase::Idle) {
            Phase::Idle | Phase::Checking(..) => return Err(malformed("event")),
            Phase::Pushing(offered, gaps) => {
                let reply = decode_message(&packed::unpack_message(body, MAX_PUSH_REPLY_BYTES)?)?;
                self.take_push(store, (&offered, &gaps), &reply, now, effects)?;
            }
            Phase::Pulling(state) => {
                let reply = pull::complete(&state, decode_message(body)?)?;
                if let Some(expected) = self.take_pull(store, &state, reply, effects)? {
                    self.phase = Phase::Checking(expected, now, state.epoch.is_none());
                    effects.push(Effect::Proceed);
                    return Ok(());
                }
            }
            Phase::Comparing(state) => {
                let reply = decode_message(body)?;
                self.take_comparison(store, &state, &reply, effects)?;
            }
            Phase::Repairing(state, plan) => {
                let reply = decode_message(body)?;
                self.take_repair(store, &state, &plan, &reply, effects)?;
            }
        }
        self.go_on(store, now, effects)
    }

    /// Checks what was shown.
    fn proceed<S: PhoneStore>(
        &mut self,
        store: &mut S,
        effects: &mut Vec<Effect>,
    ) -> Stepped<(), S::Error> {
        let phase = std::mem::replace(&mut self.phase, Phase::Idle);
        let Phase::Checking(expected, now, is_first) = phase else {
            return Err(malformed("event"));
        };
        if !self.verify(store, &expected)? {
            return self.go_on(store, now, effects);
        }
        // The first pull of all came before the push.
        if !is_first || !self.push(store, effects)? {
            effects.push(Effect::Done(self.summary.clone()));
            self.end();
        }
        Ok(())
    }

    /// The next request, unless a limit is reached.
    fn go_on<S: PhoneStore>(
        &mut self,
        store: &mut S,
        now: TimestampMs,
        effects: &mut Vec<Effect>,
    ) -> Stepped<(), S::Error> {
        if self.limits.are_reached(self.summary.bytes_down, now) {
            effects.push(Effect::Paused(self.summary.clone()));
            self.end();
        } else {
            self.next_request(store, effects)?;
        }
        Ok(())
    }

    /// Offers what waits; then compares, repairs or pulls. The first thing of all is to learn which
    /// history there is, so that no operation is offered to an unknown one.
    fn next_request<S: PhoneStore>(
        &mut self,
        store: &mut S,
        effects: &mut Vec<Effect>,
    ) -> Stepped<(), S::Error> {
        let may_push = store.sync_state().map_err(Stop::Store)?.may_push();
        if may_push && self.push(store, effects)? {
            return Ok(());
        }
        let state = store.sync_state().map_err(Stop::Store)?;
        if state.uncompared.iter().any(|s| !self.unheld.contains(s)) {
            return self.compare(store, state, effects);
        }
        if self.repair(store, &state, effects)? {
            return Ok(());
        }
        self.pull(state, effects)
    }

    fn send(&mut self, path: &'static str, body: Vec<u8>, effects: &mut Vec<Effect>) {
        self.summary.bytes_up += body.len() as u64;
        let request = Request { path, body };
        self.in_flight = Some(request.clone());
        effects.push(Effect::Send(request));
    }

    fn detour<E>(&mut self) -> Stepped<(), E> {
        self.detours += 1;
        if self.detours > MAX_DETOURS {
            Err(malformed("conversation"))
        } else {
            Ok(())
        }
    }

    const fn progress(&self) -> Progress {
        let s = &self.summary;
        Progress {
            pushed: s.pushed,
            frames: s.frames,
            rows: s.rows,
        }
    }
}

fn report(changed: Vec<(Entity, RowId)>, effects: &mut Vec<Effect>) {
    if !changed.is_empty() {
        effects.push(Effect::Changed(changed));
    }
}
