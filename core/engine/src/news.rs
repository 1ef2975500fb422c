//! Waiting for the server to say that there is something to sync.

use crate::session::{AccessToken, refusal, retry_after_ms};
use crate::signing_in::blocking;
use crate::syncing::{Run, SyncHandle};
use crate::{Backoff, Engine, EngineError, EngineResult};
use fieldfare_sync::{HeadReply, HeadRequest, decode_message, encode_message};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// A server that answers at once that there is nothing is not asked again sooner than this.
const AT_LEAST: Duration = Duration::from_secs(5);

/// How to wait for news.
#[derive(Debug, Clone, Default)]
pub struct NewsOptions {
    /// For how many seconds at most; without end if not said.
    pub max_seconds: Option<u32>,
    /// To end it by.
    pub handle: Option<Arc<SyncHandle>>,
}

impl Engine {
    /// Waits until a sync would bring something, and says so: true, or false when the time is over.
    ///
    /// For an app in the foreground, which then calls [`Engine::sync`] and waits again. One small request
    /// is kept open meanwhile. Without a connection, or where the server asks to come later, it
    /// tries again after waits that grow, as a sync does. Before the first complete sync there is
    /// news at once. A territory that is newly given to the rep is no news; the next sync has it.
    /// Dropping the future ends it like a cancel, as [`Engine::suspend`] and
    /// [`Engine::close`] do.
    ///
    /// # Errors
    /// [`EngineError::Busy`] if somebody waits already; [`EngineError::Cancelled`];
    /// [`EngineError::Revoked`], after everything was wiped; [`EngineError::Unauthorized`];
    /// [`EngineError::UpgradeRequired`]; [`EngineError::NotEnrolled`]; or as storage has it.
    pub async fn wait_for_news(self: Arc<Self>, options: NewsOptions) -> EngineResult<bool> {
        self.session.enrolment()?;
        let handle = options.handle.unwrap_or_default();
        let permit = self.news_slot.take(&handle)?;
        let run = Run::quiet(Arc::clone(&self), permit, handle);
        let result = match options.max_seconds.map(u64::from) {
            Some(seconds) => {
                let waited = tokio::time::timeout(Duration::from_secs(seconds), run.until_news());
                waited.await.unwrap_or(Ok(false))
            }
            None => run.until_news().await,
        };
        if result == Err(EngineError::Revoked) {
            blocking(move || self.wipe()).await?;
        }
        result
    }

    /// What this phone shows; none before the first complete sync.
    fn shown(&self) -> EngineResult<Option<HeadRequest>> {
        let status = self.store.sync_status()?;
        let epoch = status.epoch.filter(|_| status.head > 0);
        Ok(epoch.map(|epoch| HeadRequest::new(epoch, status.head)))
    }
}

impl Run {
    async fn until_news(&self) -> EngineResult<bool> {
        let mut token = None;
        let mut backoff = Backoff::default();
        loop {
            let asked_at = Instant::now();
            match self.is_there_news(&mut token).await {
                Ok(true) => return Ok(true),
                Ok(false) => {
                    backoff = Backoff::default();
                    self.sleep_until(asked_at + AT_LEAST).await?;
                }
                Err(error) => {
                    backoff = self.wait_after(backoff, error).await?;
                }
            }
        }
    }

    /// Waits where trying again may help, and gives the error where it does not.
    async fn wait_after(&self, backoff: Backoff, error: EngineError) -> EngineResult<Backoff> {
        let wish = match error {
            EngineError::TryLater { retry_after_ms } => retry_after_ms,
            EngineError::Offline | EngineError::Server { .. } => None,
            error => return Err(error),
        };
        let sources = &self.engine.sources;
        let now = sources.now();
        let backoff = backoff.failed(now, sources.below(backoff.ceiling_ms())?, wish);
        let wait = Duration::from_millis(backoff.wait_ms(now));
        self.sleep_until(Instant::now() + wait).await?;
        Ok(backoff)
    }

    async fn sleep_until(&self, moment: Instant) -> EngineResult<()> {
        tokio::select! {
            () = tokio::time::sleep_until(moment) => Ok(()),
            () = self.handle.cancelled() => Err(EngineError::Cancelled),
        }
    }

    async fn is_there_news(&self, token: &mut Option<AccessToken>) -> EngineResult<bool> {
        let engine = Arc::clone(&self.engine);
        let Some(request) = self.blocking(move || engine.shown()).await? else {
            return Ok(true);
        };
        let body =
            encode_message(&request).map_err(|error| EngineError::server(error.to_string()))?;
        let mut bearer = match token.take() {
            Some(bearer) => bearer,
            None => self.token(None).await?,
        };
        let mut response = self.post("/v1/head", body.clone(), &bearer).await?;
        if response.status == 401 {
            bearer = self.token(Some(&bearer)).await?;
            response = self.post("/v1/head", body, &bearer).await?;
        }
        if response.status != 200 {
            let retry_after = retry_after_ms(&response);
            return Err(refusal(response.status, &response.body, retry_after));
        }
        *token = Some(bearer);
        let reply: HeadReply = decode_message(&response.body)
            .map_err(|_| EngineError::server("its reply about news has another form"))?;
        Ok(reply.is_news)
    }
}
