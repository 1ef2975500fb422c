//! The phone's half.

use crate::{
    ErrorBody, ErrorCode, Frame, MAX_PUSH_BYTES, MAX_PUSH_OPERATIONS, Operation, PROTOCOL,
    PhoneStore, ProtocolError, PullReply, PullRequest, PullStatus, PushReply, PushRequest,
    PushStatus, ScopeCursor, SyncState, decode_message, encode_message,
};
use fieldfare_model::{ClientId, Entity, RowId, SCHEMA, TimestampMs};

/// How many bytes of frames one pull asks for, unless the caller says otherwise.
pub const DEFAULT_PULL_BUDGET: u32 = 1024 * 1024;

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
    /// Stop. What was done so far stays done.
    Cancel,
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
    /// Everything is pushed and pulled.
    Done(SyncSummary),
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
    /// The tenant's sequence that is shown now.
    pub head: u64,
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
    Pushing(Vec<Operation>),
    Pulling(SyncState),
}

/// The phone's half of the protocol: one sync at a time, one request in flight.
#[derive(Debug)]
pub struct SyncClient {
    phase: Phase,
    in_flight: Option<Request>,
    fresh: Option<ClientId>,
    budget: u32,
    detours: u8,
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
            detours: 0,
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
            Event::Start { fresh, budget } => {
                *self = Self {
                    fresh: Some(fresh),
                    budget,
                    ..Self::default()
                };
                self.push_or_pull(store, effects)
            }
            Event::Offline => Err(Stop::Failed(Failure::Offline)),
            Event::Cancel => Err(Stop::Failed(Failure::Cancelled)),
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
            Phase::Idle => Err(malformed("event")),
            Phase::Pushing(offered) => {
                let reply: PushReply = decode_message(body)?;
                self.take_push(store, &offered, &reply, now, effects)
            }
            Phase::Pulling(state) => {
                let reply: PullReply = decode_message(body)?;
                self.take_pull(store, &state, &reply, effects)
            }
        }
    }

    fn push_or_pull<S: PhoneStore>(
        &mut self,
        store: &mut S,
        effects: &mut Vec<Effect>,
    ) -> Stepped<(), S::Error> {
        let batch = store
            .next_batch(MAX_PUSH_OPERATIONS, PUSH_BODY_BYTES)
            .map_err(Stop::Store)?;
        if batch.is_empty() {
            return self.pull(store, effects);
        }
        let state = store.sync_state().map_err(Stop::Store)?;
        let request = PushRequest {
            protocol: PROTOCOL,
            schema: SCHEMA,
            epoch: state.epoch,
            client: state.client,
            operations: batch,
        };
        let body = encode_message(&request)?;
        self.phase = Phase::Pushing(request.operations);
        self.send("/v1/push", body, effects);
        Ok(())
    }

    fn pull<S: PhoneStore>(
        &mut self,
        store: &S,
        effects: &mut Vec<Effect>,
    ) -> Stepped<(), S::Error> {
        let state = store.sync_state().map_err(Stop::Store)?;
        let request = PullRequest {
            protocol: PROTOCOL,
            schema: SCHEMA,
            epoch: state.epoch,
            client: state.client,
            cursors: state.cursors.clone(),
            budget: self.budget,
        };
        let body = encode_message(&request)?;
        self.phase = Phase::Pulling(state);
        self.send("/v1/pull", body, effects);
        Ok(())
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

    fn take_push<S: PhoneStore>(
        &mut self,
        store: &mut S,
        offered: &[Operation],
        reply: &PushReply,
        now: TimestampMs,
        effects: &mut Vec<Effect>,
    ) -> Stepped<(), S::Error> {
        match reply.status {
            PushStatus::Ok => self.take_results(store, offered, reply, now, effects)?,
            PushStatus::Gap => {
                self.detour()?;
                if !store.reoffer(reply.last_n).map_err(Stop::Store)? {
                    self.fork(store)?;
                }
            }
            PushStatus::Forked => {
                self.detour()?;
                self.fork(store)?;
            }
        }
        self.push_or_pull(store, effects)
    }

    fn fork<S: PhoneStore>(&mut self, store: &mut S) -> Stepped<(), S::Error> {
        let fresh = self.fresh.take().ok_or(malformed("conversation"))?;
        store.fork(fresh).map_err(Stop::Store)
    }

    fn take_results<S: PhoneStore>(
        &mut self,
        store: &mut S,
        offered: &[Operation],
        reply: &PushReply,
        now: TimestampMs,
        effects: &mut Vec<Effect>,
    ) -> Stepped<(), S::Error> {
        let answered = offered.len() == reply.results.len()
            && offered
                .iter()
                .zip(&reply.results)
                .all(|(op, result)| op.id == result.id);
        if !answered {
            return Err(malformed("push reply"));
        }
        let changed = store
            .save_results(&reply.results, now)
            .map_err(Stop::Store)?;
        self.summary.pushed += reply.results.len() as u64;
        self.summary.refused += reply
            .results
            .iter()
            .filter(|r| r.outcome.version().is_none())
            .count() as u64;
        report(changed, effects);
        effects.push(Effect::Progress(self.progress()));
        Ok(())
    }

    fn take_pull<S: PhoneStore>(
        &mut self,
        store: &mut S,
        state: &SyncState,
        reply: &PullReply,
        effects: &mut Vec<Effect>,
    ) -> Stepped<(), S::Error> {
        if reply.status == PullStatus::Rebase {
            self.detour()?;
            store.enter_epoch(reply.epoch).map_err(Stop::Store)?;
            return self.push_or_pull(store, effects);
        }
        match state.epoch {
            Some(known) if known != reply.epoch => return Err(malformed("pull reply")),
            Some(_) => {}
            None => store.enter_epoch(reply.epoch).map_err(Stop::Store)?,
        }
        self.stage_frames(store, state, reply, effects)?;
        let Some(checkpoint) = &reply.checkpoint else {
            return self.pull_on(store, reply, effects);
        };
        if checkpoint.complete || self.may_show_part(store, reply)? {
            let changed = store
                .publish(&reply.grants, checkpoint)
                .map_err(Stop::Store)?;
            report(changed, effects);
        }
        if !checkpoint.complete {
            return self.pull_on(store, reply, effects);
        }
        self.summary.head = checkpoint.head;
        effects.push(Effect::Done(self.summary.clone()));
        self.end();
        Ok(())
    }

    /// The next pull, unless the last brought nothing that could make the next one differ.
    fn pull_on<S: PhoneStore>(
        &mut self,
        store: &S,
        reply: &PullReply,
        effects: &mut Vec<Effect>,
    ) -> Stepped<(), S::Error> {
        if reply.frames.is_empty() {
            Err(malformed("pull reply"))
        } else {
            self.pull(store, effects)
        }
    }

    fn stage_frames<S: PhoneStore>(
        &mut self,
        store: &mut S,
        state: &SyncState,
        reply: &PullReply,
        effects: &mut Vec<Effect>,
    ) -> Stepped<(), S::Error> {
        let mut cursors = state.cursors.clone();
        for bytes in &reply.frames {
            let frame = Frame::decode(bytes)?;
            let granted = reply.grants.iter().any(|grant| grant.scope == frame.scope);
            if !granted || !advance_cursor(&mut cursors, &frame) {
                return Err(malformed("pull reply"));
            }
            store.stage(&frame, bytes).map_err(Stop::Store)?;
            self.summary.frames += 1;
            self.summary.rows += frame.changes.len() as u64;
            effects.push(Effect::Progress(self.progress()));
        }
        Ok(())
    }

    /// A part may be shown only while nothing of what is granted was ever shown: otherwise a row that
    /// moved from a shown scope to one that is still missing would vanish until that has come.
    fn may_show_part<S: PhoneStore>(
        &self,
        store: &S,
        reply: &PullReply,
    ) -> Stepped<bool, S::Error> {
        for grant in &reply.grants {
            if store.is_shown(grant).map_err(Stop::Store)? {
                return Ok(false);
            }
        }
        Ok(true)
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

/// Room for the envelope of a push around its operations.
const PUSH_BODY_BYTES: usize = MAX_PUSH_BYTES - 1024;

fn report(changed: Vec<(Entity, RowId)>, effects: &mut Vec<Effect>) {
    if !changed.is_empty() {
        effects.push(Effect::Changed(changed));
    }
}

/// Whether the frame continues its scope's cursor, which it then moves.
fn advance_cursor(cursors: &mut Vec<ScopeCursor>, frame: &Frame) -> bool {
    match cursors.iter_mut().find(|c| c.scope == frame.scope) {
        Some(cursor) if cursor.cursor == frame.from => cursor.cursor = frame.to,
        Some(_) => return false,
        None if frame.from == 0 => {
            cursors.push(ScopeCursor {
                scope: frame.scope.clone(),
                cursor: frame.to,
            });
        }
        None => return false,
    }
    true
}
