//! The server's half.

use crate::apply::{Push, groups, push_group};
use crate::{
    Checkpoint, Digest, Epoch, ErrorBody, ErrorCode, FeedChange, MAX_COMPARE_BYTES, MAX_FRAME_ROWS,
    MAX_GROUP_OPERATIONS, MAX_PUSH_BYTES, MAX_PUSH_GAPS, MAX_PUSH_OPERATIONS, NumberGap, Operation,
    OperationResult, PROTOCOL, Priority, ProtocolError, PullReply, PullRequest, PullStatus,
    PushReply, PushRequest, PushStatus, RejectCode, ScopeGrant, ScopeId, ScopeSums, decode_message,
    encode_frames, encode_message, protocol_of,
};
use fieldfare_model::{
    ClientId, Columns, Conflict, DeviceId, Entity, OLDEST_SCHEMA, OperationId, RepId, Row, RowId,
    SCHEMA, TimestampMs, seeded_bug,
};
use serde_bytes::ByteBuf;

/// Who is asking, as the access token and the database say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeviceContext {
    /// The device.
    pub device: DeviceId,
    /// Its rep.
    pub rep: RepId,
}

/// A row as the server holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowState {
    /// Never existed.
    Absent,
    /// Existed and was deleted.
    Deleted,
    /// Exists.
    Live(Row),
}

/// A result kept for an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredResult {
    /// Under which client id it was applied.
    pub client: ClientId,
    /// Number and outcome.
    pub result: OperationResult,
}

/// The tenant's own word on an operation that the protocol would apply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Permit {
    /// Go on.
    Yes,
    /// Refused for good.
    No {
        /// Why, for programs.
        code: RejectCode,
        /// Why, for people; no personal data.
        reason: String,
    },
}

/// What the server's half needs of its storage: one open transaction over one tenant.
///
/// The caller opens the transaction before a request and commits it before the reply is sent.
pub trait ServerStore {
    /// Why storage failed.
    type Error;

    /// Identity of this history.
    fn epoch(&self) -> Result<Epoch, Self::Error>;
    /// The last sequence taken.
    fn head(&self) -> Result<u64, Self::Error>;
    /// Cursors below this (other than 0) cannot be served, as tombstones were collected.
    fn floor(&self) -> Result<u64, Self::Error>;
    /// The scopes the device holds now, read from the database.
    fn grants(&self, device: &DeviceContext) -> Result<Vec<ScopeGrant>, Self::Error>;
    /// Changes in a scope after a sequence, in order, at most `limit`. Each row stands once, at
    /// its newest place.
    fn feed(
        &self,
        scope: &ScopeId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<FeedChange>, Self::Error>;

    /// How many rows a frame has at most. Tests make it small.
    fn frame_rows(&self) -> usize {
        MAX_FRAME_ROWS
    }
    /// What a scope holds now, kept with every write.
    fn digest(&self, scope: &ScopeId) -> Result<Digest, Self::Error>;
    /// The same for each of its sub-buckets.
    fn sums(&self, scope: &ScopeId) -> Result<ScopeSums, Self::Error>;
    /// Every row the scope holds in a sub-bucket, in any order.
    fn bucket(&self, scope: &ScopeId, bucket: u8) -> Result<Vec<(Entity, Row)>, Self::Error>;

    /// Told that a phone compares this many scopes because what it stored was not what it should
    /// hold: it has damage, or one of the two has a fault.
    fn note_mismatches(&self, _device: &DeviceContext, _scopes: u32) {}

    /// The last operation number of a client, 0 for none.
    fn last_n(&self, client: ClientId) -> Result<u64, Self::Error>;
    /// The device that used a client id first; it is that device's alone.
    fn owner(&self, client: ClientId) -> Result<Option<DeviceId>, Self::Error>;
    /// Which operation had a number.
    fn operation_at(&self, client: ClientId, n: u64) -> Result<Option<OperationId>, Self::Error>;
    /// The result kept for an operation.
    fn result(&self, operation: OperationId) -> Result<Option<StoredResult>, Self::Error>;

    /// A row.
    fn row(&self, entity: Entity, id: RowId) -> Result<RowState, Self::Error>;
    /// Whether a row is in one of the device's scopes now.
    fn is_visible(
        &self,
        device: &DeviceContext,
        entity: Entity,
        id: RowId,
    ) -> Result<bool, Self::Error>;
    /// The tenant's own rules: for example that a visit names the device's rep and a lead in its
    /// scopes. Values have been checked for kind already.
    fn permit(
        &self,
        device: &DeviceContext,
        operation: &Operation,
        before: &RowState,
    ) -> Result<Permit, Self::Error>;

    /// Begins a part that can be undone alone. Parts do not nest.
    fn begin_part(&mut self) -> Result<(), Self::Error>;
    /// Keeps the part.
    fn keep_part(&mut self) -> Result<(), Self::Error>;
    /// Undoes the part.
    fn undo_part(&mut self) -> Result<(), Self::Error>;

    /// Writes a row's cells at a new sequence, puts it in the feed of its scopes, and queues what
    /// follows from it (geocoding, territory, write-back). Returns the sequence.
    fn write(
        &mut self,
        device: &DeviceContext,
        operation: &Operation,
        columns: Columns,
    ) -> Result<u64, Self::Error>;
    /// Writes a conflict row to the rep's scope.
    fn write_conflict(
        &mut self,
        device: &DeviceContext,
        conflict: &Conflict,
    ) -> Result<(), Self::Error>;
    /// Keeps a result, and moves the client's last number to it.
    fn save_result(
        &mut self,
        device: &DeviceContext,
        client: ClientId,
        result: &OperationResult,
    ) -> Result<(), Self::Error>;
    /// Puts on record that neither side has some operations any more. Again is fine.
    fn save_gap(&mut self, device: &DeviceContext, gap: &NumberGap) -> Result<(), Self::Error>;
}

/// The server's half of the protocol. It keeps nothing between requests.
#[derive(Debug, Clone, Copy, Default)]
pub struct SyncServer;

/// A request as it came over the wire.
#[derive(Debug, Clone, Copy)]
pub enum ServerEvent<'a> {
    /// `POST /v1/pull`.
    Pull(&'a [u8]),
    /// `POST /v1/push`.
    Push(&'a [u8]),
    /// `POST /v1/compare`.
    Compare(&'a [u8]),
    /// `POST /v1/repair`.
    Repair(&'a [u8]),
}

impl<'a> ServerEvent<'a> {
    /// The request's body.
    const fn body(self) -> &'a [u8] {
        match self {
            Self::Pull(body) | Self::Push(body) | Self::Compare(body) | Self::Repair(body) => body,
        }
    }
}

/// A reply to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerEffect {
    /// HTTP status.
    pub status: u16,
    /// MessagePack body.
    pub body: Vec<u8>,
}

/// Why a request was not answered in kind.
#[derive(Debug)]
pub enum ServerFailure<E> {
    /// Storage failed; nothing of the request was kept if the transaction is rolled back.
    Store(E),
    /// The request is not what the protocol prescribes.
    Refused(u16, ErrorBody),
}

impl<E> From<ProtocolError> for ServerFailure<E> {
    fn from(error: ProtocolError) -> Self {
        let (status, code) = match error {
            ProtocolError::TooLarge(_) => (413, ErrorCode::TooLarge),
            _ => (400, ErrorCode::Malformed),
        };
        Self::Refused(status, ErrorBody::new(code, error.to_string()))
    }
}

pub(crate) type Served<T, E> = Result<T, ServerFailure<E>>;

impl SyncServer {
    /// Answers one request within the store's open transaction. Commit it before sending the
    /// reply, whatever the status.
    ///
    /// `compress` makes a zstd frame of its argument.
    ///
    /// # Errors
    /// The store's error; then roll the transaction back.
    pub fn step<S: ServerStore>(
        self,
        store: &mut S,
        device: &DeviceContext,
        now: TimestampMs,
        event: ServerEvent<'_>,
        compress: &dyn Fn(&[u8]) -> Vec<u8>,
    ) -> Result<ServerEffect, S::Error> {
        let answered = match event {
            event if is_of_another_protocol(event.body()) => Err(upgrade()),
            ServerEvent::Pull(body) => decode_message(body)
                .map_err(ServerFailure::from)
                .and_then(|request| self.pull(store, device, &request, compress))
                .and_then(|reply| Ok(encode_message(&reply)?)),
            ServerEvent::Push(body) if body.len() > MAX_PUSH_BYTES => {
                Err(ProtocolError::TooLarge("push").into())
            }
            ServerEvent::Push(body) => decode_message(body)
                .map_err(ServerFailure::from)
                .and_then(|request| self.push(store, device, &request, now))
                .and_then(|reply| Ok(encode_message(&reply)?)),
            ServerEvent::Compare(body) | ServerEvent::Repair(body)
                if body.len() > MAX_COMPARE_BYTES =>
            {
                Err(ProtocolError::TooLarge("comparison").into())
            }
            ServerEvent::Compare(body) => decode_message(body)
                .map_err(ServerFailure::from)
                .and_then(|request| self.compare(store, device, &request))
                .and_then(|reply| Ok(encode_message(&reply)?)),
            ServerEvent::Repair(body) => decode_message(body)
                .map_err(ServerFailure::from)
                .and_then(|request| self.repair(store, device, &request, compress))
                .and_then(|reply| Ok(encode_message(&reply)?)),
        };
        match answered {
            Ok(body) => Ok(ServerEffect { status: 200, body }),
            Err(ServerFailure::Store(error)) => Err(error),
            Err(ServerFailure::Refused(status, error)) => Ok(ServerEffect {
                status,
                body: encode_message(&error).unwrap_or_default(),
            }),
        }
    }

    /// Answers a pull: frames up to the budget, most urgent scope first, all read from the
    /// transaction's one snapshot.
    ///
    /// # Errors
    /// [`ServerFailure`].
    pub fn pull<S: ServerStore>(
        self,
        store: &S,
        device: &DeviceContext,
        request: &PullRequest,
        compress: &dyn Fn(&[u8]) -> Vec<u8>,
    ) -> Served<PullReply, S::Error> {
        check_versions(request.protocol, request.schema)?;
        let epoch = store.epoch().map_err(ServerFailure::Store)?;
        let head = store.head().map_err(ServerFailure::Store)?;
        let mut grants = store.grants(device).map_err(ServerFailure::Store)?;
        grants.sort_by(|a, b| (a.priority, &a.scope).cmp(&(b.priority, &b.scope)));
        let mut reply = PullReply {
            protocol: PROTOCOL,
            schema: SCHEMA,
            epoch,
            status: PullStatus::Ok,
            grants,
            frames: Vec::new(),
            checkpoint: None,
            last_n: store.last_n(request.client).map_err(ServerFailure::Store)?,
            head,
            digests: Vec::new(),
        };
        let floor = store.floor().map_err(ServerFailure::Store)?;
        if needs_rebase(request, epoch, head, floor) {
            reply.status = PullStatus::Rebase;
            return Ok(reply);
        }
        let complete_to = fill_frames(store, request, &mut reply, compress)?;
        let complete = complete_to == reply.grants.len();
        reply.checkpoint = complete_class(&reply.grants, complete_to).map(|priority| Checkpoint {
            head,
            priority,
            complete,
        });
        if complete {
            let digests = reply.grants.iter().map(|grant| store.digest(&grant.scope));
            reply.digests = digests
                .collect::<Result<_, _>>()
                .map_err(ServerFailure::Store)?;
        }
        Ok(reply)
    }

    /// Answers a push: applies what is new, once, and repeats the stored result of what is not.
    ///
    /// # Errors
    /// [`ServerFailure`].
    pub fn push<S: ServerStore>(
        self,
        store: &mut S,
        device: &DeviceContext,
        request: &PushRequest,
        now: TimestampMs,
    ) -> Served<PushReply, S::Error> {
        check_versions(request.protocol, request.schema)?;
        check_push(request)?;
        for gap in &request.lost {
            store.save_gap(device, gap).map_err(ServerFailure::Store)?;
        }
        let last_n = store.last_n(request.client).map_err(ServerFailure::Store)?;
        let status = numbering(store, device, request, last_n).map_err(ServerFailure::Store)?;
        let epoch = store.epoch().map_err(ServerFailure::Store)?;
        let mut results = Vec::new();
        if status == PushStatus::Ok {
            for group in groups(&request.operations) {
                let context = Push {
                    device,
                    client: request.client,
                    last_n,
                    now,
                };
                results.extend(push_group(store, &context, group).map_err(ServerFailure::Store)?);
            }
        }
        Ok(PushReply {
            protocol: PROTOCOL,
            schema: SCHEMA,
            epoch,
            status,
            last_n: store.last_n(request.client).map_err(ServerFailure::Store)?,
            results,
        })
    }
}

pub(crate) fn check_versions<E>(protocol: u16, schema: u16) -> Served<(), E> {
    if protocol == PROTOCOL && schema >= OLDEST_SCHEMA {
        return Ok(());
    }
    Err(upgrade())
}

fn upgrade<E>() -> ServerFailure<E> {
    ServerFailure::Refused(426, ErrorBody::upgrade())
}

/// Whether the message says so itself. One that says nothing readable is malformed.
fn is_of_another_protocol(body: &[u8]) -> bool {
    protocol_of(body).is_some_and(|protocol| protocol != u64::from(PROTOCOL))
}

fn needs_rebase(request: &PullRequest, epoch: Epoch, head: u64, floor: u64) -> bool {
    let Some(known) = request.epoch else {
        return request.cursors.iter().any(|c| c.cursor > 0);
    };
    known != epoch && !seeded_bug!("epoch ignored")
        || request
            .cursors
            .iter()
            .any(|c| c.cursor > head || (c.cursor > 0 && c.cursor.max(c.anchor) < floor))
}

/// Fills the reply up to the budget and says how many grants, in order, are complete.
fn fill_frames<S: ServerStore>(
    store: &S,
    request: &PullRequest,
    reply: &mut PullReply,
    compress: &dyn Fn(&[u8]) -> Vec<u8>,
) -> Served<usize, S::Error> {
    let mut spent = 0;
    for (place, grant) in reply.grants.iter().enumerate() {
        let mut cursor = cursor_of(request, &grant.scope);
        loop {
            let changes = store
                .feed(&grant.scope, cursor, store.frame_rows())
                .map_err(ServerFailure::Store)?;
            let Some(last) = changes.last().map(FeedChange::seq) else {
                break;
            };
            if spent >= request.budget as usize && !reply.frames.is_empty() {
                return Ok(place);
            }
            for frame in encode_frames(&grant.scope, cursor, last, &changes, compress)? {
                spent += frame.len();
                reply.frames.push(ByteBuf::from(frame));
            }
            cursor = last;
            if changes.len() < store.frame_rows() {
                break;
            }
        }
    }
    Ok(reply.grants.len())
}

fn cursor_of(request: &PullRequest, scope: &ScopeId) -> u64 {
    request
        .cursors
        .iter()
        .find(|c| &c.scope == scope)
        .map_or(0, |c| c.cursor)
}

/// The most urgent classes of which every scope is among the first `complete_to` grants: the
/// last such class, if any.
fn complete_class(grants: &[ScopeGrant], complete_to: usize) -> Option<Priority> {
    match grants.get(complete_to) {
        None => Some(grants.last().map_or(Priority::BULK, |grant| grant.priority)),
        Some(open) => grants
            .iter()
            .map(|g| g.priority)
            .filter(|p| *p < open.priority)
            .max(),
    }
}

/// Numbers without gaps, groups whole and together, sizes within limits.
fn check_push(request: &PushRequest) -> Result<(), ProtocolError> {
    const BAD: ProtocolError = ProtocolError::Malformed("push");
    let operations = &request.operations;
    if operations.len() > MAX_PUSH_OPERATIONS || request.lost.len() > MAX_PUSH_GAPS {
        return Err(ProtocolError::TooLarge("push"));
    }
    if request
        .lost
        .iter()
        .any(|gap| gap.from == 0 || gap.to < gap.from)
    {
        return Err(BAD);
    }
    let consecutive = operations
        .iter()
        .zip(operations.iter().skip(1))
        .all(|(a, b)| a.n.checked_add(1) == Some(b.n));
    let numbered = operations.iter().all(|op| op.n > 0);
    let whole = groups(operations).all(|group| {
        group.len() <= MAX_GROUP_OPERATIONS
            && group
                .iter()
                .all(|op| usize::from(op.group_size) == group.len())
            && group.first().is_some_and(|op| op.id == op.group)
    });
    if consecutive && numbered && whole {
        Ok(())
    } else {
        Err(BAD)
    }
}

/// Whether the offered numbers continue, repeat, skip or contradict what is known.
fn numbering<S: ServerStore>(
    store: &S,
    device: &DeviceContext,
    request: &PushRequest,
    last_n: u64,
) -> Result<PushStatus, S::Error> {
    if request.epoch.is_some() && request.epoch != Some(store.epoch()?) {
        return Ok(PushStatus::Rebase);
    }
    let Some(first) = request.operations.first() else {
        return Ok(PushStatus::Ok);
    };
    let owner = store.owner(request.client)?;
    if owner.is_some_and(|owner| owner != device.device) {
        return Ok(PushStatus::Forked);
    }
    if first.n > last_n.saturating_add(1) {
        return Ok(PushStatus::Gap);
    }
    for operation in request.operations.iter().take_while(|op| op.n <= last_n) {
        let known = store.operation_at(request.client, operation.n)?;
        if known != Some(operation.id) && !seeded_bug!("fork not noticed") {
            return Ok(PushStatus::Forked);
        }
    }
    Ok(PushStatus::Ok)
}
