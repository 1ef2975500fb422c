use crate::{ChangeNotice, Engine, EngineError, EngineResult};
use fieldfare_store::{FileReport, OpenReport};

impl Engine {
    /// Lets go of the files, as a phone requires of an app in the background. A sync or a
    /// wait for news under way ends. Again is fine.
    ///
    /// # Errors
    /// [`EngineError::Closed`] after [`Engine::close`]; or as storage has it: the engine is
    /// suspended all the same and nothing is lost.
    pub fn suspend(&self) -> EngineResult<()> {
        self.sync_slot.cancel_current();
        self.news_slot.cancel_current();
        Ok(self.store.suspend()?)
    }

    /// Opens the files again after [`Engine::suspend`]. Again is fine: then there is no report.
    ///
    /// # Errors
    /// As [`Engine::open`]; the engine stays suspended.
    pub fn resume(&self) -> EngineResult<Option<OpenReport>> {
        let report = self.store.resume()?;
        self.take_in(report.as_ref())?;
        Ok(report)
    }

    /// Puts an empty cache in the place of one in which damage was met; the next pull fills it. Answers
    /// whether it did.
    pub(crate) fn heal(&self) -> EngineResult<bool> {
        let report = self.store.heal()?;
        self.take_in(report.as_ref())?;
        Ok(report.is_some_and(|report| report.cache != FileReport::Opened))
    }

    /// Forgets what was known of files that were replaced.
    fn take_in(&self, report: Option<&OpenReport>) -> EngineResult<()> {
        let is_new = |file: &FileReport| *file != FileReport::Opened;
        if report.is_some_and(|report| is_new(&report.cache) || is_new(&report.outbox)) {
            self.load_consents()?;
            self.reload_map()?;
            self.observers.tell(&ChangeNotice::everything());
        }
        Ok(())
    }

    /// Lets go of the files for good and of every observer. A sync under way ends. Again is fine.
    ///
    /// # Errors
    /// As storage has it: the engine is closed all the same and nothing is lost.
    pub fn close(&self) -> EngineResult<()> {
        self.sync_slot.cancel_current();
        self.news_slot.cancel_current();
        self.observers.clear();
        Ok(self.store.close()?)
    }

    /// Encrypts the phone's files with a new key. Safe to kill at any moment. Takes time in
    /// proportion to the data, and about as much free space as the larger file has.
    ///
    /// # Errors
    /// As storage has it; the engine is suspended then and nothing is lost: resume it.
    pub fn rotate_key(&self) -> EngineResult<()> {
        Ok(self.store.rotate_key()?)
    }

    /// Makes everything on this phone unreadable and gone: the key first, then the files. The
    /// engine is closed then.
    ///
    /// # Errors
    /// [`EngineError::UnsentWork`] if the server lacks changes and `force` is not set: nothing was
    /// erased. Or as storage has it: call again.
    pub fn erase(&self, force: bool) -> EngineResult<()> {
        if !force {
            self.refuse_with_unsent_work()?;
        }
        self.wipe()
    }

    fn refuse_with_unsent_work(&self) -> EngineResult<()> {
        let status = self.store.sync_status()?;
        let operations = (status.waiting + status.refused) as u64;
        if operations > 0 {
            return Err(EngineError::UnsentWork { operations });
        }
        Ok(())
    }

    /// Erases without asking, as a revoked device must.
    pub(crate) fn wipe(&self) -> EngineResult<()> {
        self.sync_slot.cancel_current();
        self.news_slot.cancel_current();
        let wiped = self.store.wipe();
        self.session.forget();
        *self.lock_consents() = crate::consenting::Consents::default();
        self.map.replace(Vec::new());
        let location = crate::location::Location::new(&self.config)?;
        *self.lock_location() = location;
        self.observers.tell(&ChangeNotice::everything());
        Ok(wiped?)
    }
}
