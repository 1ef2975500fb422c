//! A phone of a world.

use super::WorldResult;
use fieldfare_engine::{
    Engine, EngineConfig, EngineResult, FileKeyVault, KeyVault, LeadFilter, LeadOrder, MAX_PAGE,
    NewVisit, OpenReport, Parts, SyncOptions, SyncReport,
};
use fieldfare_model::{Lead, LeadId, Visit};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A phone: the real engine on files of its own.
pub struct Phone {
    /// The engine.
    pub engine: Arc<Engine>,
    /// What opening the files said.
    pub report: OpenReport,
    files: PhoneFiles,
}

/// Where a phone's files and its key lie, and which server it knows.
#[derive(Debug, Clone)]
pub struct PhoneFiles {
    /// The folder of the engine. Only what the engine wrote is in it.
    pub data: PathBuf,
    /// The file that stands for the platform's key store.
    pub key: PathBuf,
    /// The server's address.
    pub url: String,
}

impl PhoneFiles {
    /// The usual places below a folder.
    pub fn below(dir: &Path, url: &str) -> Self {
        Self {
            data: dir.join("data"),
            key: dir.join("vault.key"),
            url: url.to_owned(),
        }
    }

    /// Opens the engine with another vault or other parts.
    ///
    /// # Errors
    /// As [`Engine::open_with`].
    pub fn open_with(
        &self,
        vault: Arc<dyn KeyVault>,
        parts: Parts,
    ) -> EngineResult<(Arc<Engine>, OpenReport)> {
        let mut config = EngineConfig::new(self.data.to_string_lossy(), &self.url);
        config.allow_insecure_loopback = true;
        Engine::open_with(config, vault, parts)
    }

    /// Opens the engine.
    ///
    /// # Errors
    /// As [`Engine::open_with`].
    pub fn open(&self) -> EngineResult<Phone> {
        self.open_as(Parts::default())
    }

    /// Opens the engine with other parts.
    ///
    /// # Errors
    /// As [`Engine::open_with`].
    pub fn open_as(&self, parts: Parts) -> EngineResult<Phone> {
        let vault = Arc::new(FileKeyVault::new(&self.key));
        let (engine, report) = self.open_with(vault, parts)?;
        Ok(Phone {
            engine,
            report,
            files: self.clone(),
        })
    }
}

impl Phone {
    /// Opens the phone in a folder, making its files if there are none. It is not enrolled by that.
    ///
    /// # Errors
    /// As [`Engine::open_with`].
    pub fn open(dir: &Path, url: &str) -> WorldResult<Self> {
        std::fs::create_dir_all(dir)?;
        Ok(PhoneFiles::below(dir, url).open()?)
    }

    /// Where its files lie.
    pub const fn files(&self) -> &PhoneFiles {
        &self.files
    }

    /// Closes the files and gives where they are.
    ///
    /// # Errors
    /// As [`Engine::close`].
    pub fn close(self) -> EngineResult<PhoneFiles> {
        self.engine.close()?;
        Ok(self.files)
    }

    /// Closes the files and opens them again.
    ///
    /// # Errors
    /// As [`Engine::close`] and [`Engine::open_with`].
    pub fn reopen(self) -> EngineResult<Self> {
        self.close()?.open()
    }

    /// Syncs once.
    ///
    /// # Errors
    /// As [`Engine::sync`].
    pub async fn sync(&self) -> EngineResult<SyncReport> {
        self.engine.clone().sync(SyncOptions::default(), None).await
    }

    /// Every lead it shows, by id.
    ///
    /// # Errors
    /// As storage has it.
    pub fn leads(&self) -> EngineResult<Vec<Lead>> {
        let mut leads = Vec::new();
        let mut after = None;
        loop {
            let filter = LeadFilter::default();
            let page =
                self.engine
                    .leads_page(&filter, LeadOrder::Name, after.as_ref(), MAX_PAGE)?;
            leads.extend(page.leads.into_iter().map(|record| record.lead));
            after = page.next;
            if after.is_none() {
                leads.sort_by_key(|lead| lead.id);
                return Ok(leads);
            }
        }
    }

    /// The lead with this id in the CRM, if it shows it.
    ///
    /// # Errors
    /// As storage has it.
    pub fn lead_of_crm(&self, crm_id: u64) -> EngineResult<Option<Lead>> {
        let crm_id = crm_id.to_string();
        let mut leads = self.leads()?.into_iter();
        Ok(leads.find(|lead| lead.crm_id.as_deref() == Some(&crm_id)))
    }

    /// Records a visit with a note, now.
    ///
    /// # Errors
    /// As [`Engine::record_visit`].
    pub fn visit(&self, lead: LeadId, note: &str) -> EngineResult<Visit> {
        let visit = NewVisit {
            note: Some(note.to_owned()),
            ..NewVisit::new(lead, fieldfare_model::VisitOutcome::Met)
        };
        Ok(self.engine.record_visit(visit)?.visit)
    }
}
