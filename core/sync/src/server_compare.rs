//! The server's half of rebase and repair.

use crate::server::{Served, check_versions};
use crate::{
    CompareReply, CompareRequest, ComparedScope, DeviceContext, DigestKey, FeedChange,
    MAX_COMPARED_SCOPES, PROTOCOL, ProtocolError, PullStatus, RepairReply, RepairRequest, RowMark,
    ScopeId, ScopeSums, ServerFailure, ServerStore, SyncServer, bucket_of, encode_frames,
    keys_to_wire,
};
use fieldfare_model::{Entity, RowId, SCHEMA};
use serde_bytes::ByteBuf;
use std::collections::{BTreeMap, BTreeSet};

impl SyncServer {
    /// Says which sub-buckets of the scopes asked for differ from what the phone stored.
    ///
    /// # Errors
    /// [`ServerFailure`].
    pub fn compare<S: ServerStore>(
        self,
        store: &S,
        device: &DeviceContext,
        request: &CompareRequest,
    ) -> Served<CompareReply, S::Error> {
        if request.mismatches > 0 {
            store.note_mismatches(device, request.mismatches);
        }
        check_versions(request.protocol, request.schema)?;
        if request.scopes.len() > MAX_COMPARED_SCOPES {
            return Err(ProtocolError::TooLarge("comparison").into());
        }
        let mut reply = CompareReply {
            protocol: PROTOCOL,
            schema: SCHEMA,
            epoch: store.epoch().map_err(ServerFailure::Store)?,
            status: PullStatus::Ok,
            head: store.head().map_err(ServerFailure::Store)?,
            scopes: Vec::new(),
            last_n: store.last_n(request.client).map_err(ServerFailure::Store)?,
        };
        if reply.epoch != request.epoch {
            reply.status = PullStatus::Rebase;
            return Ok(reply);
        }
        for asked in &request.scopes {
            let theirs = ScopeSums::from_wire(&asked.bytes)?;
            if holds(store, device, &asked.scope)? {
                let ours = store.sums(&asked.scope).map_err(ServerFailure::Store)?;
                reply.scopes.push(ComparedScope {
                    scope: asked.scope.clone(),
                    bytes: ByteBuf::from(ours.differing(&theirs)),
                });
            }
        }
        Ok(reply)
    }

    /// Says what is different in some sub-buckets, given every row the phone has in them. Goes as
    /// far as a frame's worth of rows reaches, but at least through one sub-bucket.
    ///
    /// # Errors
    /// [`ServerFailure`].
    pub fn repair<S: ServerStore>(
        self,
        store: &S,
        device: &DeviceContext,
        request: &RepairRequest,
        compress: &dyn Fn(&[u8]) -> Vec<u8>,
    ) -> Served<RepairReply, S::Error> {
        check_versions(request.protocol, request.schema)?;
        let theirs = marks_by_bucket(request)?;
        let mut reply = RepairReply {
            protocol: PROTOCOL,
            schema: SCHEMA,
            epoch: store.epoch().map_err(ServerFailure::Store)?,
            status: PullStatus::Ok,
            head: store.head().map_err(ServerFailure::Store)?,
            buckets: ByteBuf::new(),
            frames: Vec::new(),
            gone: ByteBuf::new(),
            last_n: store.last_n(request.client).map_err(ServerFailure::Store)?,
        };
        if reply.epoch != request.epoch {
            reply.status = PullStatus::Rebase;
            return Ok(reply);
        }
        if !holds(store, device, &request.scope)? {
            return Ok(reply);
        }
        let mut difference = Difference::new(&request.scope, DigestKey::of(reply.epoch));
        let none = BTreeMap::new();
        for bucket in request.buckets.iter() {
            difference.add(store, *bucket, theirs.get(bucket).unwrap_or(&none))?;
            reply.buckets.push(*bucket);
            if difference.puts.len() >= store.frame_rows() {
                break;
            }
        }
        let (frames, gone) = difference.encode(reply.head, compress)?;
        reply.frames = frames;
        reply.gone = gone;
        Ok(reply)
    }
}

fn holds<S: ServerStore>(
    store: &S,
    device: &DeviceContext,
    scope: &ScopeId,
) -> Served<bool, S::Error> {
    let grants = store.grants(device).map_err(ServerFailure::Store)?;
    Ok(grants.iter().any(|grant| grant.scope == *scope))
}

type Marks = BTreeMap<(Entity, RowId), u64>;

fn marks_by_bucket(request: &RepairRequest) -> Result<BTreeMap<u8, Marks>, ProtocolError> {
    let ascending = request.buckets.iter().zip(request.buckets.iter().skip(1));
    if request.buckets.is_empty() || ascending.into_iter().any(|(a, b)| a >= b) {
        return Err(ProtocolError::Malformed("repair"));
    }
    let mut marks: BTreeMap<u8, Marks> = BTreeMap::new();
    for mark in RowMark::from_wire(&request.rows)? {
        let bucket = marks.entry(bucket_of(mark.id)).or_default();
        bucket.insert((mark.entity, mark.id), mark.mark);
    }
    Ok(marks)
}

/// What is different so far.
struct Difference<'a> {
    scope: &'a ScopeId,
    key: DigestKey,
    puts: Vec<FeedChange>,
    gone: Vec<(Entity, RowId)>,
}

impl<'a> Difference<'a> {
    const fn new(scope: &'a ScopeId, key: DigestKey) -> Self {
        Self {
            scope,
            key,
            puts: Vec::new(),
            gone: Vec::new(),
        }
    }

    fn add<S: ServerStore>(
        &mut self,
        store: &S,
        bucket: u8,
        theirs: &Marks,
    ) -> Served<(), S::Error> {
        let mut unheld: BTreeSet<_> = theirs.keys().copied().collect();
        let rows = store
            .bucket(self.scope, bucket)
            .map_err(ServerFailure::Store)?;
        for (entity, row) in rows {
            let key = (entity, row.id);
            unheld.remove(&key);
            let mark = self.key.hash(entity, &row).mark();
            if theirs.get(&key) != Some(&mark) {
                self.puts.push(FeedChange::Put { entity, row });
            }
        }
        self.gone.extend(unheld);
        Ok(())
    }

    fn encode(
        mut self,
        head: u64,
        compress: &dyn Fn(&[u8]) -> Vec<u8>,
    ) -> Result<(Vec<ByteBuf>, ByteBuf), ProtocolError> {
        self.puts.sort_by_key(FeedChange::seq);
        let frames = encode_frames(self.scope, 0, head, &self.puts, compress)?;
        let frames = frames.into_iter().map(ByteBuf::from).collect();
        Ok((frames, ByteBuf::from(keys_to_wire(&self.gone))))
    }
}
