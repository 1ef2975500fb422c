//! The server's half.

use crate::apply::{Push, groups, push_group};
use crate::{
    Digest, Epoch, ErrorBody, ErrorCode, FeedChange, KeptFrame, MAX_COMPARE_BYTES, MAX_FRAME_ROWS,
    MAX_GROUP_OPERATIONS, MAX_PUSH_BYTES, MAX_PUSH_GAPS, MAX_PUSH_OPERATIONS, NumberGap, Operation,
    OperationResult, PROTOCOL, ProtocolError, PushReply, PushRequest, PushStatus, RejectCode,
    ScopeGrant, ScopeId, ScopeSums, SnapshotFrame, decode_message, encode_message, packed,
    protocol_of,
};
use fieldfare_model::{
    ClientId, Columns, Conflict, DeviceId, Entity, OLDEST_SCHEMA, OperationId, RepId, Row, RowId,
    SCHEMA, TimestampMs, seeded_bug,
};
use serde::de::DeserializeOwned;

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

    /// The frame that an earlier first fetch of this scope was answered with after `from`, if it is
    /// still to be sent: it must be of this history, and no row may have left the scope since its
    /// head. None is always right.
    fn snapshot_frame(
        &self,
        _scope: &ScopeId,
        _from: u64,
    ) -> Result<Option<KeptFrame>, Self::Error> {
        Ok(None)
    }
    /// Where the first such frame behind `after` begins.
    fn next_snapshot_frame(
        &self,
        _scope: &ScopeId,
        _after: u64,
    ) -> Result<Option<u64>, Self::Error> {
        Ok(None)
    }

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

/// A reply to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerEffect {
    /// HTTP status.
    pub status: u16,
    /// MessagePack body.
    pub body: Vec<u8>,
    /// Frames in it that are worth keeping for the next first fetch.
    pub to_keep: Vec<SnapshotFrame>,
}

impl ServerEffect {
    /// An answer in kind.
    pub const fn ok(body: Vec<u8>) -> Self {
        Self {
            status: 200,
            body,
            to_keep: Vec::new(),
        }
    }
}

pub(crate) fn refused(status: u16, error: &ErrorBody) -> ServerEffect {
    ServerEffect {
        status,
        ..ServerEffect::ok(encode_message(error).unwrap_or_default())
    }
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
            ServerEvent::Pull(body) => self.answer_pull(store, device, body, compress),
            ServerEvent::Push(body) => self.answer_push(store, device, now, body, compress),
            ServerEvent::Compare(body) => read_comparison(body)
                .and_then(|request| self.compare(store, device, &request))
                .and_then(|reply| Ok(ServerEffect::ok(encode_message(&reply)?))),
            ServerEvent::Repair(body) => read_comparison(body)
                .and_then(|request| self.repair(store, device, &request, compress))
                .and_then(|reply| Ok(ServerEffect::ok(encode_message(&reply)?))),
        };
        match answered {
            Ok(effect) => Ok(effect),
            Err(ServerFailure::Store(error)) => Err(error),
            Err(ServerFailure::Refused(status, error)) => Ok(refused(status, &error)),
        }
    }

    fn answer_pull<S: ServerStore>(
        self,
        store: &S,
        device: &DeviceContext,
        body: &[u8],
        compress: &dyn Fn(&[u8]) -> Vec<u8>,
    ) -> Served<ServerEffect, S::Error> {
        let (reply, to_keep) = self.pull(store, device, &read(body)?, compress)?;
        Ok(ServerEffect {
            to_keep,
            ..ServerEffect::ok(encode_message(&reply)?)
        })
    }

    /// Who sends compressed messages gets compressed ones.
    fn answer_push<S: ServerStore>(
        self,
        store: &mut S,
        device: &DeviceContext,
        now: TimestampMs,
        body: &[u8],
        compress: &dyn Fn(&[u8]) -> Vec<u8>,
    ) -> Served<ServerEffect, S::Error> {
        let message = packed::unpack_message(body, MAX_PUSH_BYTES)?;
        let reply = self.push(store, device, &read(&message)?, now)?;
        let reply = encode_message(&reply)?;
        Ok(ServerEffect::ok(if packed::is_packed(body) {
            packed::pack_message(reply, compress)
        } else {
            reply
        }))
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
        let mut outcomes = Vec::new();
        if status == PushStatus::Ok {
            for group in groups(&request.operations) {
                let context = Push {
                    device,
                    client: request.client,
                    last_n,
                    now,
                };
                let results = push_group(store, &context, group).map_err(ServerFailure::Store)?;
                outcomes.extend(results.into_iter().map(|result| result.outcome));
            }
        }
        Ok(PushReply {
            protocol: PROTOCOL,
            schema: SCHEMA,
            epoch,
            status,
            last_n: store.last_n(request.client).map_err(ServerFailure::Store)?,
            first_n: request.operations.first().map_or(0, |op| op.n),
            outcomes,
        })
    }
}

pub(crate) fn check_versions<E>(protocol: u16, schema: u16) -> Served<(), E> {
    let is_served = schema >= OLDEST_SCHEMA || seeded_bug!("schema not looked at");
    if protocol == PROTOCOL && is_served {
        return Ok(());
    }
    Err(upgrade())
}

pub(crate) fn upgrade<E>() -> ServerFailure<E> {
    ServerFailure::Refused(426, ErrorBody::upgrade())
}

/// Reads a message, after what it says of its protocol. One that says nothing readable of it is
/// malformed.
pub(crate) fn read<T: DeserializeOwned, E>(body: &[u8]) -> Served<T, E> {
    if is_of_another_protocol(body) {
        return Err(upgrade());
    }
    Ok(decode_message(body)?)
}

fn read_comparison<T: DeserializeOwned, E>(body: &[u8]) -> Served<T, E> {
    if body.len() > MAX_COMPARE_BYTES && !is_of_another_protocol(body) {
        return Err(ProtocolError::TooLarge("comparison").into());
    }
    read(body)
}

fn is_of_another_protocol(body: &[u8]) -> bool {
    protocol_of(body).is_some_and(|protocol| protocol != u64::from(PROTOCOL))
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
