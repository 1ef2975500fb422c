//! The server's half of a pull, and the snapshots that first fetches are answered from.

use crate::frame::{EncodedFrame, encode_ranges};
use crate::server::{Served, check_versions};
use crate::{
    Checkpoint, DeviceContext, Epoch, FeedChange, Fingerprint, Holdings, PROTOCOL, Priority,
    PullReply, PullRequest, PullStatus, ScopeCursor, ScopeGrant, ScopeId, ServerFailure,
    ServerStore, SyncServer,
};
use fieldfare_model::{SCHEMA, seeded_bug};
use serde_bytes::ByteBuf;

/// A frame that a first fetch was answered with, worth keeping for the next one.
///
/// It stands for a scope's feed after `from` and up to `to`. Rows in it may have changed since: they
/// stand once more behind it. But none may have left the scope: then it is not to be sent any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotFrame {
    /// Which scope.
    pub scope: ScopeId,
    /// The cursor before it.
    pub from: u64,
    /// The cursor after it.
    pub to: u64,
    /// Changes in it.
    pub rows: usize,
    /// The head at which it was read.
    pub head: u64,
    /// The frame.
    pub bytes: Vec<u8>,
}

/// The place and bytes of a kept frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptFrame {
    /// The cursor after it.
    pub to: u64,
    /// The frame.
    pub bytes: Vec<u8>,
}

impl SyncServer {
    /// Answers a pull: frames up to the budget, most urgent scope first, all read from the
    /// transaction's one snapshot. The second part is what is worth keeping of it.
    ///
    /// # Errors
    /// [`ServerFailure`].
    pub fn pull<S: ServerStore>(
        self,
        store: &S,
        device: &DeviceContext,
        request: &PullRequest,
        compress: &dyn Fn(&[u8]) -> Vec<u8>,
    ) -> Served<(PullReply, Vec<SnapshotFrame>), S::Error> {
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
            is_as_known: false,
        };
        let floor = store.floor().map_err(ServerFailure::Store)?;
        if needs_rebase(request, epoch, head, floor) {
            reply.status = PullStatus::Rebase;
            return Ok((reply, Vec::new()));
        }
        let mut filling = Filling {
            store,
            request,
            compress,
            head,
            spent: 0,
            frames: Vec::new(),
            to_keep: Vec::new(),
        };
        let complete_to = filling.fill(&reply.grants)?;
        let to_keep = filling.to_keep;
        reply.frames = filling.frames;
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
            reply.leave_out_what_is_known(request.known);
        }
        Ok((reply, to_keep))
    }
}

impl PullReply {
    fn leave_out_what_is_known(&mut self, known: Option<Fingerprint>) {
        let holdings = Holdings {
            grants: std::mem::take(&mut self.grants),
            digests: std::mem::take(&mut self.digests),
        };
        self.is_as_known = known == Some(holdings.fingerprint());
        if !self.is_as_known {
            (self.grants, self.digests) = (holdings.grants, holdings.digests);
        }
    }
}

impl PullRequest {
    /// Whether this goes on with a fetch of everything, as far as the phone can tell: it has shown
    /// nothing of a scope it asks for, or nothing at all.
    pub fn is_first_fetch(&self) -> bool {
        self.epoch.is_none() || self.cursors.iter().any(ScopeCursor::is_first_fetch)
    }
}

impl ScopeCursor {
    const fn is_first_fetch(&self) -> bool {
        self.cursor == 0 || self.anchor > 0
    }
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

/// A reply's frames on their way.
struct Filling<'a, S> {
    store: &'a S,
    request: &'a PullRequest,
    compress: &'a dyn Fn(&[u8]) -> Vec<u8>,
    head: u64,
    spent: usize,
    frames: Vec<ByteBuf>,
    to_keep: Vec<SnapshotFrame>,
}

impl<S: ServerStore> Filling<'_, S> {
    /// Fills up to the budget and says how many grants, in order, are complete.
    fn fill(&mut self, grants: &[ScopeGrant]) -> Served<usize, S::Error> {
        for (place, grant) in grants.iter().enumerate() {
            if !self.fill_scope(&grant.scope)? {
                return Ok(place);
            }
        }
        Ok(grants.len())
    }

    /// Whether all of the scope is there.
    fn fill_scope(&mut self, scope: &ScopeId) -> Served<bool, S::Error> {
        let known = self.request.cursors.iter().find(|c| &c.scope == scope);
        let is_first = known.is_none_or(ScopeCursor::is_first_fetch);
        let mut cursor = known.map_or(0, |c| c.cursor);
        loop {
            if self.is_full() {
                return Ok(self.feed(scope, cursor, 1)?.is_empty());
            }
            let next = if is_first {
                self.next_of_snapshot(scope, cursor)?
            } else {
                self.next_of_feed(scope, cursor)?.map(Next::Made)
            };
            let Some(next) = next else {
                return Ok(true);
            };
            cursor = self.take(scope, next)?;
        }
    }

    fn is_full(&self) -> bool {
        self.spent >= self.request.budget as usize && !self.frames.is_empty()
    }

    fn feed(&self, scope: &ScopeId, after: u64, most: usize) -> Served<Vec<FeedChange>, S::Error> {
        self.store
            .feed(scope, after, most)
            .map_err(ServerFailure::Store)
    }

    /// A kept frame if one goes on here. If not, as much of the feed as leads to the next kept one,
    /// so that a frame that cannot be sent any more does not cost those behind it.
    fn next_of_snapshot(&self, scope: &ScopeId, cursor: u64) -> Served<Option<Next>, S::Error> {
        let store = self.store;
        let kept = store
            .snapshot_frame(scope, cursor)
            .map_err(ServerFailure::Store)?;
        if let Some(kept) = kept {
            return Ok(Some(Next::Kept(kept)));
        }
        let Some(stretch) = self.next_of_feed(scope, cursor)? else {
            return Ok(None);
        };
        let next_kept = store
            .next_snapshot_frame(scope, cursor)
            .map_err(ServerFailure::Store)?;
        Ok(Some(Next::Made(stretch.worth_keeping(next_kept))))
    }

    fn next_of_feed(&self, scope: &ScopeId, from: u64) -> Served<Option<Stretch>, S::Error> {
        let most = self.store.frame_rows();
        let changes = self.feed(scope, from, most)?;
        Ok(changes.last().map(FeedChange::seq).map(|to| Stretch {
            from,
            to,
            is_whole: changes.len() == most,
            changes,
            is_to_keep: false,
        }))
    }

    /// Puts it into the reply and says where the cursor is then.
    fn take(&mut self, scope: &ScopeId, next: Next) -> Served<u64, S::Error> {
        match next {
            Next::Kept(kept) => {
                self.push(kept.bytes);
                Ok(kept.to)
            }
            Next::Made(made) => {
                for frame in encode_ranges(scope, made.from, made.to, &made.changes, self.compress)?
                {
                    if made.is_to_keep {
                        self.to_keep.push(self.snapshot(scope, &frame));
                    }
                    self.push(frame.bytes);
                }
                Ok(made.to)
            }
        }
    }

    fn snapshot(&self, scope: &ScopeId, frame: &EncodedFrame) -> SnapshotFrame {
        SnapshotFrame {
            scope: scope.clone(),
            from: frame.from,
            to: frame.to,
            rows: frame.rows,
            head: self.head,
            bytes: frame.bytes.clone(),
        }
    }

    fn push(&mut self, frame: Vec<u8>) {
        self.spent += frame.len();
        self.frames.push(ByteBuf::from(frame));
    }
}

/// What comes next of a scope.
enum Next {
    Kept(KeptFrame),
    Made(Stretch),
}

/// What changed after `from` and up to `to`.
struct Stretch {
    from: u64,
    to: u64,
    changes: Vec<FeedChange>,
    /// Whether it ends where it does for its size. The end of a feed moves with every change.
    is_whole: bool,
    is_to_keep: bool,
}

impl Stretch {
    /// Ends it where the next kept frame begins, if that is within it.
    fn worth_keeping(mut self, next_kept: Option<u64>) -> Self {
        let before = |until: u64| self.changes.partition_point(|change| change.seq() <= until);
        match next_kept.map(|until| (until, before(until))) {
            Some((until, n)) if n > 0 && (n < self.changes.len() || until == self.to) => {
                self.changes.truncate(n);
                self.to = until;
                self.is_to_keep = true;
            }
            _ => self.is_to_keep = self.is_whole,
        }
        self
    }
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
