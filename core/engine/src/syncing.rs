//! Carries out what the sync client asks for: requests, tokens, storage, notices.

use crate::session::{AccessToken, refusal, retry_after_ms, url};
use crate::signing_in::blocking;
use crate::status::SyncHistory;
use crate::{Engine, EngineError, EngineResult, HttpHeader, HttpMethod, HttpRequest, HttpResponse};
use fieldfare_model::{ClientId, Entity, RowId};
use fieldfare_sync::{
    DEFAULT_PULL_BUDGET, Effect, Event, Failure, Progress, Request, SyncClient, SyncLimits,
    SyncSummary,
};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

const TIMEOUT_MS: u64 = 120_000;
const MAX_REPLY_BYTES: u64 = 16 * 1024 * 1024;

/// Ends a sync from outside.
#[derive(Debug, Default)]
pub struct SyncHandle {
    is_cancelled: AtomicBool,
    notify: tokio::sync::Notify,
}

impl SyncHandle {
    /// A handle for one sync.
    pub fn new() -> Arc<Self> {
        Arc::new(Self::default())
    }

    /// Ends the sync as soon as the step under way is done. What was done stays done. A sync that
    /// has not begun ends when it does.
    pub fn cancel(&self) {
        self.is_cancelled.store(true, Ordering::SeqCst);
        self.notify.notify_waiters();
    }

    /// Whether it was cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.is_cancelled.load(Ordering::SeqCst)
    }

    pub(crate) async fn cancelled(&self) {
        loop {
            let notified = self.notify.notified();
            if self.is_cancelled() {
                return;
            }
            notified.await;
        }
    }
}

/// How to sync.
#[derive(Debug, Clone, Default)]
pub struct SyncOptions {
    /// How many bytes of rows to ask for at once; one chunk of rows if not said.
    pub pull_budget: Option<u32>,
    /// Whether nobody waits for it: then it does not run before the time the last failure, or the
    /// server, asked for.
    pub is_background: bool,
    /// Where to stop though there is more: after this many bytes of replies, between two chunks of
    /// rows. The next sync goes on from there.
    pub max_bytes: Option<u64>,
    /// The same after this many seconds.
    pub max_seconds: Option<u32>,
    /// To cancel it by.
    pub handle: Option<Arc<SyncHandle>>,
}

/// How far a sync is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SyncProgress {
    /// Changes that have an answer now.
    pub pushed: u64,
    /// Chunks of rows received.
    pub frames: u64,
    /// Rows in them.
    pub rows: u64,
}

/// Is told how far a sync is: once a step, not once a row.
pub trait SyncObserver: Send + Sync {
    /// So far.
    fn progress(&self, progress: SyncProgress);
}

/// What a sync did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SyncReport {
    /// Changes that have an answer now.
    pub pushed: u64,
    /// Changes that were refused.
    pub refused: u64,
    /// Rows received, those that left included.
    pub rows: u64,
    /// Chunks of rows received.
    pub frames: u64,
    /// Positions sent.
    pub pings: u64,
    /// Bytes sent, without headers.
    pub bytes_up: u64,
    /// Bytes received, without headers.
    pub bytes_down: u64,
    /// The server's sequence that is shown now; 0 if it stopped before.
    pub head: u64,
    /// Whether everything was sent and fetched: not if it stopped at a limit.
    pub is_complete: bool,
    /// Scopes whose stored rows were not what the server said they are, and were repaired.
    pub repaired_scopes: u64,
    /// Changes that neither side has any more, after the server was restored from a backup.
    pub lost: u64,
}

/// One sync at a time. The place is free again when every holder of the permit is gone, work that
/// goes on after the caller went away included.
#[derive(Default)]
pub(crate) struct SyncSlot {
    taken: Arc<AtomicBool>,
    current: Mutex<Option<Arc<SyncHandle>>>,
}

/// The right to sync.
pub(crate) struct Permit(Arc<AtomicBool>);

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.store(false, Ordering::SeqCst);
    }
}

impl SyncSlot {
    pub fn take(&self, handle: &Arc<SyncHandle>) -> EngineResult<Arc<Permit>> {
        if self.taken.swap(true, Ordering::SeqCst) {
            return Err(EngineError::Busy);
        }
        *self.lock() = Some(Arc::clone(handle));
        Ok(Arc::new(Permit(Arc::clone(&self.taken))))
    }

    pub fn is_taken(&self) -> bool {
        self.taken.load(Ordering::SeqCst)
    }

    pub fn cancel_current(&self) {
        if let Some(handle) = self.lock().as_ref() {
            handle.cancel();
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Arc<SyncHandle>>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Engine {
    /// Sends what waits and fetches what changed.
    ///
    /// What was done before it fails or is cancelled stays done, and the next sync goes on from
    /// there. Dropping the future ends it like a cancel.
    ///
    /// # Errors
    /// [`EngineError::Busy`] if a sync is running; [`EngineError::Offline`];
    /// [`EngineError::TryLater`]; [`EngineError::Cancelled`]; [`EngineError::Revoked`], after
    /// everything was wiped; [`EngineError::Unauthorized`]; [`EngineError::UpgradeRequired`];
    /// [`EngineError::NotEnrolled`]; or as the server and storage have it.
    pub async fn sync(
        self: Arc<Self>,
        options: SyncOptions,
        observer: Option<Arc<dyn SyncObserver>>,
    ) -> EngineResult<SyncReport> {
        self.session.enrolment()?;
        let handle = options.handle.clone().unwrap_or_default();
        let permit = self.sync_slot.take(&handle)?;
        if options.is_background {
            self.wait_is_over()?;
        }
        let run = Run {
            engine: Arc::clone(&self),
            permit,
            handle,
            observer,
        };
        let result = run.all(&options).await;
        let engine = Arc::clone(&self);
        blocking(move || engine.conclude(result)).await
    }

    fn wait_is_over(&self) -> EngineResult<()> {
        match self.sync_history()?.backoff.wait_ms(self.sources.now()) {
            0 => Ok(()),
            wait_ms => Err(EngineError::TryLater {
                retry_after_ms: Some(wait_ms),
            }),
        }
    }

    /// Notes how it went, and wipes a revoked device.
    fn conclude(&self, result: EngineResult<SyncReport>) -> EngineResult<SyncReport> {
        if result == Err(EngineError::Revoked) {
            self.wipe()?;
            return result;
        }
        match self.note_result(&result) {
            Ok(()) | Err(EngineError::Closed) => result,
            Err(error) => result.and(Err(error)),
        }
    }

    fn note_result(&self, result: &EngineResult<SyncReport>) -> EngineResult<()> {
        let now = self.sources.now();
        let before = self.sync_history()?;
        let history = match result {
            Ok(report) if !report.is_complete => SyncHistory {
                last_success_at: before.last_success_at,
                last_attempt_at: Some(now),
                ..SyncHistory::default()
            },
            Ok(_) => SyncHistory {
                last_success_at: Some(now),
                last_attempt_at: Some(now),
                ..SyncHistory::default()
            },
            Err(error) => SyncHistory {
                last_attempt_at: Some(now),
                last_error: Some(error.code().to_owned()),
                backoff: self.backoff_after(&before, error)?,
                ..before
            },
        };
        self.keep_sync_history(&history)
    }

    fn backoff_after(
        &self,
        before: &SyncHistory,
        error: &EngineError,
    ) -> EngineResult<crate::Backoff> {
        let wish = match error {
            EngineError::Cancelled => return Ok(before.backoff),
            EngineError::TryLater { retry_after_ms } => *retry_after_ms,
            _ => None,
        };
        let jitter_ms = self.sources.below(before.backoff.ceiling_ms())?;
        Ok(before.backoff.failed(self.sources.now(), jitter_ms, wish))
    }
}

/// One sync under way.
pub(crate) struct Run {
    pub(crate) engine: Arc<Engine>,
    permit: Arc<Permit>,
    pub(crate) handle: Arc<SyncHandle>,
    observer: Option<Arc<dyn SyncObserver>>,
}

impl Run {
    /// For requests beside a sync, of which nobody is told how far they are.
    pub(crate) fn quiet(engine: Arc<Engine>, permit: Arc<Permit>, handle: Arc<SyncHandle>) -> Self {
        Self {
            engine,
            permit,
            handle,
            observer: None,
        }
    }

    async fn all(&self, options: &SyncOptions) -> EngineResult<SyncReport> {
        self.heal().await?;
        let (summary, is_complete) = match self.push_and_pull(options).await {
            Err(EngineError::Damaged { .. }) if self.heal().await? => {
                self.push_and_pull(options).await?
            }
            result => result?,
        };
        let pings = if is_complete {
            self.send_pings().await?
        } else {
            0
        };
        let engine = Arc::clone(&self.engine);
        let is_beyond_repair = summary.unrepaired > 0;
        self.blocking(move || engine.after_pull(is_beyond_repair))
            .await?;
        Ok(report(summary, pings, is_complete))
    }

    /// Replaces a cache in which damage was met, before this sync or by it. Answers whether it did.
    async fn heal(&self) -> EngineResult<bool> {
        let engine = Arc::clone(&self.engine);
        self.blocking(move || engine.heal()).await
    }

    /// What was done, and whether that was all.
    async fn push_and_pull(&self, options: &SyncOptions) -> EngineResult<(SyncSummary, bool)> {
        let fresh = self.engine.sources.id(ClientId::v7)?;
        let budget = options.pull_budget.unwrap_or(DEFAULT_PULL_BUDGET);
        let mut client = SyncClient::default();
        let seconds = options.max_seconds.map(|s| i64::from(s) * 1000);
        let limits = SyncLimits {
            bytes: options.max_bytes,
            until: seconds.map(|ms| self.engine.sources.now().plus(ms)),
        };
        let mut event = Event::Start {
            fresh,
            budget,
            limits,
        };
        let mut token = None;
        loop {
            if self.handle.is_cancelled() {
                event = Event::Cancel;
            }
            let (next, effects) = self.step(client, event).await?;
            client = next;
            event = match self.carry_out(effects, &mut token).await? {
                Next::Event(event) => event,
                Next::Done(summary, is_complete) => return Ok((summary, is_complete)),
            };
        }
    }

    /// One step of the client, with its storage, away from the async threads.
    async fn step(
        &self,
        mut client: SyncClient,
        event: Event,
    ) -> EngineResult<(SyncClient, Vec<Effect>)> {
        let engine = Arc::clone(&self.engine);
        let observer = self.observer.clone();
        self.blocking(move || {
            let effects = client.step(&mut &engine.store, event)?;
            engine.tell(&effects, observer.as_deref())?;
            Ok((client, effects))
        })
        .await
    }

    /// Work that holds the permit until it is done.
    pub(crate) async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> EngineResult<T> + Send + 'static,
    ) -> EngineResult<T> {
        let permit = Arc::clone(&self.permit);
        blocking(move || {
            let result = work();
            drop(permit);
            result
        })
        .await
    }

    async fn carry_out(
        &self,
        effects: Vec<Effect>,
        token: &mut Option<AccessToken>,
    ) -> EngineResult<Next> {
        for effect in effects {
            match effect {
                Effect::Send(request) => return self.send(request, token).await,
                Effect::RefreshToken => {
                    *token = Some(self.token(token.as_ref()).await?);
                    return Ok(Next::Event(Event::TokenRefreshed));
                }
                Effect::Proceed => return Ok(Next::Event(Event::Proceed)),
                Effect::Done(summary) => return Ok(Next::Done(summary, true)),
                Effect::Paused(summary) => return Ok(Next::Done(summary, false)),
                Effect::Failed(failure) => return Err(failure.into()),
                Effect::Changed(_) | Effect::Progress(_) => {}
            }
        }
        Err(EngineError::server("it left the conversation open"))
    }

    async fn send(&self, request: Request, token: &mut Option<AccessToken>) -> EngineResult<Next> {
        let bearer = match token.take() {
            Some(bearer) => bearer,
            None => self.token(None).await?,
        };
        let sent = self.post(request.path, request.body, &bearer).await;
        *token = Some(bearer);
        let response = match sent {
            Err(EngineError::Offline) => return Ok(Next::Event(Event::Offline)),
            Err(EngineError::Cancelled) => return Ok(Next::Event(Event::Cancel)),
            sent => sent?,
        };
        Ok(Next::Event(Event::Reply {
            status: response.status,
            retry_after_ms: retry_after_ms(&response),
            body: response.body,
            now: self.engine.sources.now(),
        }))
    }

    pub(crate) async fn token(&self, refused: Option<&AccessToken>) -> EngineResult<AccessToken> {
        tokio::select! {
            token = self.engine.access_token(refused) => token,
            () = self.handle.cancelled() => Err(EngineError::Cancelled),
        }
    }

    pub(crate) async fn post(
        &self,
        path: &str,
        body: Vec<u8>,
        bearer: &AccessToken,
    ) -> EngineResult<HttpResponse> {
        let content_type = HttpHeader {
            name: "content-type".to_owned(),
            value: "application/vnd.msgpack".to_owned(),
        };
        let request = HttpRequest {
            method: HttpMethod::Post,
            url: url(&self.engine.config.server_url, path),
            headers: vec![content_type, bearer.header()],
            body,
            timeout_ms: TIMEOUT_MS,
            max_response_bytes: MAX_REPLY_BYTES,
        };
        tokio::select! {
            response = self.engine.transport.send(request) => Ok(response?),
            () = self.handle.cancelled() => Err(EngineError::Cancelled),
        }
    }
}

enum Next {
    Event(Event),
    Done(SyncSummary, bool),
}

impl Engine {
    /// Tells of a step: one notice of all that changed, and the last word on progress.
    fn tell(&self, effects: &[Effect], observer: Option<&dyn SyncObserver>) -> EngineResult<()> {
        let changes: Vec<(Entity, RowId)> = effects
            .iter()
            .filter_map(|effect| match effect {
                Effect::Changed(changes) => Some(changes.as_slice()),
                _ => None,
            })
            .flatten()
            .copied()
            .collect();
        if changes.iter().any(|(entity, _)| *entity == Entity::CONSENT) {
            self.refresh_consents()?;
        }
        let answered = effects
            .iter()
            .any(|effect| matches!(effect, Effect::Progress(p) if p.pushed > 0));
        let more = crate::ChangeNotice {
            operations: answered,
            ..crate::ChangeNotice::default()
        };
        self.changed_with(&changes, more)?;
        let last = effects.iter().rev().find_map(|effect| match effect {
            Effect::Progress(progress) => Some(*progress),
            _ => None,
        });
        if let (Some(observer), Some(progress)) = (observer, last) {
            observer.progress(progress.into());
        }
        Ok(())
    }

    fn after_pull(&self, is_beyond_repair: bool) -> EngineResult<()> {
        if is_beyond_repair {
            self.store.distrust_cache();
        }
        self.refresh_consents()?;
        self.forget_following_unless_granted()?;
        self.store.purge_acknowledged(self.sources.now())?;
        Ok(())
    }
}

fn report(summary: SyncSummary, pings: u64, is_complete: bool) -> SyncReport {
    SyncReport {
        pushed: summary.pushed,
        refused: summary.refused,
        rows: summary.rows,
        frames: summary.frames,
        pings,
        bytes_up: summary.bytes_up,
        bytes_down: summary.bytes_down,
        head: summary.head,
        is_complete,
        repaired_scopes: summary.mismatches,
        lost: summary.lost,
    }
}

impl From<Progress> for SyncProgress {
    fn from(progress: Progress) -> Self {
        Self {
            pushed: progress.pushed,
            frames: progress.frames,
            rows: progress.rows,
        }
    }
}

impl From<Failure> for EngineError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Offline => Self::Offline,
            Failure::Busy { retry_after_ms } => Self::TryLater { retry_after_ms },
            Failure::Unavailable => Self::server("it is not available"),
            Failure::Unauthorized => Self::Unauthorized,
            Failure::Revoked => Self::Revoked,
            Failure::Upgrade => Self::UpgradeRequired,
            Failure::Protocol(error) => Self::server(error.to_string()),
            Failure::Cancelled => Self::Cancelled,
        }
    }
}

/// What a response other than 200 means, for requests outside the sync client.
pub(crate) fn check(response: &HttpResponse) -> EngineResult<()> {
    match response.status {
        200 => Ok(()),
        status => Err(refusal(status, &response.body, retry_after_ms(response))),
    }
}
