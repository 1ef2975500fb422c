//! Enrolling, and having a fresh access token at hand.

use crate::session::{
    AccessToken, Tokens, enrol_request, read_enrolment, read_tokens, token_request,
};
use crate::{Engine, EngineError, EngineResult, Enrolment};
use fieldfare_model::OperationId;
use fieldfare_store::Store;
use serde::{Deserialize, Serialize};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use zeroize::Zeroizing;

const SETTING: &str = "session";

/// What is kept, encrypted, about the session.
#[derive(Clone, Serialize, Deserialize)]
struct Kept {
    enrolment: Enrolment,
    refresh_token: Zeroizing<String>,
    /// Set while new tokens were asked for and have not come.
    attempt: Option<OperationId>,
    /// Whether the server refused the refresh token, so that the device must enrol again.
    #[serde(default)]
    is_locked: bool,
}

/// The session in memory.
#[derive(Default)]
pub(crate) struct Session {
    kept: RwLock<Option<Kept>>,
    access: Mutex<Option<AccessToken>>,
    /// Held while tokens are renewed, so that it happens once for all who wait.
    renewing: tokio::sync::Mutex<()>,
}

impl Session {
    pub fn load(store: &Store) -> EngineResult<Self> {
        let kept = match store.setting(SETTING)? {
            Some(bytes) => serde_json::from_slice(&Zeroizing::new(bytes)).ok(),
            None => None,
        };
        Ok(Self {
            kept: RwLock::new(kept),
            ..Self::default()
        })
    }

    /// Who this device belongs to.
    pub fn enrolment(&self) -> EngineResult<Enrolment> {
        Ok(self.kept()?.enrolment)
    }

    /// Whether the server locked this device out.
    pub fn is_locked(&self) -> bool {
        self.kept().is_ok_and(|kept| kept.is_locked)
    }

    pub fn forget(&self) {
        *self.kept.write().unwrap_or_else(PoisonError::into_inner) = None;
        self.set_access(None);
    }

    fn kept(&self) -> EngineResult<Kept> {
        let kept = self.kept.read().unwrap_or_else(PoisonError::into_inner);
        kept.clone().ok_or(EngineError::NotEnrolled)
    }

    fn keep(&self, store: &Store, kept: Kept) -> EngineResult<()> {
        let json = serde_json::to_vec(&kept).map_err(|_| EngineError::Storage {
            detail: "the session cannot be written".to_owned(),
        })?;
        store.set_setting(SETTING, Some(&Zeroizing::new(json)))?;
        *self.kept.write().unwrap_or_else(PoisonError::into_inner) = Some(kept);
        Ok(())
    }

    fn access(&self) -> Option<AccessToken> {
        let access = self.access.lock().unwrap_or_else(PoisonError::into_inner);
        access.clone()
    }

    fn set_access(&self, token: Option<AccessToken>) {
        *self.access.lock().unwrap_or_else(PoisonError::into_inner) = token;
    }
}

impl Engine {
    /// Makes this install a device of a rep, by the one-time code the company gave out.
    ///
    /// An install that the server locked out (its tokens were used twice, as when it was restored
    /// from a backup or copied) enrols again for the same rep and keeps everything, unsent work
    /// included.
    ///
    /// # Errors
    /// [`EngineError::AlreadyEnrolled`]; [`EngineError::Invalid`] if it was enrolled for another
    /// rep before; [`EngineError::Unauthorized`] for a code that is wrong,
    /// used or too old; or as the network and storage have it.
    pub async fn enrol(
        self: Arc<Self>,
        code: String,
        device_name: String,
    ) -> EngineResult<Enrolment> {
        if self.session.enrolment().is_ok() && !self.session.is_locked() {
            return Err(EngineError::AlreadyEnrolled);
        }
        let request = enrol_request(&self.config.server_url, &code, &device_name)?;
        let response = self.transport.send(request).await?;
        let (enrolment, tokens) = read_enrolment(&response, self.sources.now())?;
        let engine = Arc::clone(&self);
        blocking(move || engine.keep_enrolment(enrolment, tokens)).await
    }

    fn keep_enrolment(&self, enrolment: Enrolment, tokens: Tokens) -> EngineResult<Enrolment> {
        let is_same =
            |before: &Enrolment| (before.tenant, before.rep) == (enrolment.tenant, enrolment.rep);
        if self
            .session
            .enrolment()
            .is_ok_and(|before| !is_same(&before))
        {
            return Err(EngineError::invalid(
                "the code is another rep's; export what is here and erase it first",
            ));
        }
        let kept = Kept {
            enrolment: enrolment.clone(),
            refresh_token: tokens.refresh,
            attempt: None,
            is_locked: false,
        };
        self.session.keep(&self.store, kept)?;
        self.session.set_access(Some(tokens.access));
        self.load_consents()?;
        Ok(enrolment)
    }

    /// Who this device belongs to; none before [`Engine::enrol`].
    pub fn enrolment(&self) -> Option<Enrolment> {
        self.session.enrolment().ok()
    }

    /// An access token other than `refused`, renewed if need be.
    pub(crate) async fn access_token(
        self: &Arc<Self>,
        refused: Option<&AccessToken>,
    ) -> EngineResult<AccessToken> {
        let _turn = self.session.renewing.lock().await;
        if let Some(token) = self.usable_token(refused) {
            return Ok(token);
        }
        let engine = Arc::clone(self);
        let (refresh_token, attempt) = blocking(move || engine.begin_renewal()).await?;
        let request = token_request(&self.config.server_url, &refresh_token, attempt)?;
        let response = self.transport.send(request).await?;
        let tokens = read_tokens(&response, self.sources.now());
        let engine = Arc::clone(self);
        match tokens {
            Ok(tokens) => blocking(move || engine.end_renewal(tokens)).await,
            Err(EngineError::Unauthorized) => blocking(move || engine.lock_session()).await,
            Err(error) => Err(error),
        }
    }

    fn usable_token(&self, refused: Option<&AccessToken>) -> Option<AccessToken> {
        let token = self.session.access()?;
        let is_refused = refused.is_some_and(|refused| refused.text == token.text);
        (token.is_fresh(self.sources.now()) && !is_refused).then_some(token)
    }

    /// The attempt is kept before it is made: a token that was taken without the answer arriving
    /// would otherwise lock the device out.
    fn begin_renewal(&self) -> EngineResult<(Zeroizing<String>, OperationId)> {
        let mut kept = self.session.kept()?;
        let attempt = match kept.attempt {
            Some(attempt) => attempt,
            None => {
                let attempt = self.sources.id(OperationId::v7)?;
                kept.attempt = Some(attempt);
                self.session.keep(&self.store, kept.clone())?;
                attempt
            }
        };
        Ok((kept.refresh_token, attempt))
    }

    /// The refresh token is good for nothing any more: only a new code helps.
    fn lock_session(&self) -> EngineResult<AccessToken> {
        let mut kept = self.session.kept()?;
        kept.is_locked = true;
        self.session.keep(&self.store, kept)?;
        Err(EngineError::Unauthorized)
    }

    fn end_renewal(&self, tokens: Tokens) -> EngineResult<AccessToken> {
        let mut kept = self.session.kept()?;
        kept.refresh_token = tokens.refresh;
        kept.attempt = None;
        self.session.keep(&self.store, kept)?;
        self.session.set_access(Some(tokens.access.clone()));
        Ok(tokens.access)
    }
}

/// Runs work that blocks away from the async threads. It is finished even if the caller goes away.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> EngineResult<T> + Send + 'static,
) -> EngineResult<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|_| {
        Err(EngineError::Storage {
            detail: "the work was interrupted".to_owned(),
        })
    })
}
