use crate::action::DiskFault;

/// Why a store could not do what it was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreFault {
    /// The process is gone; it has to be started again.
    Killed,
    /// There was no space; nothing was written.
    Full,
    /// A fault of the store itself, which no fault of the world explains.
    Broken,
}

/// A disk of which a later write may fail.
#[derive(Debug, Default)]
pub struct Disk {
    planned: Option<(u8, DiskFault)>,
    lost: u8,
}

impl Disk {
    /// After `after` more writes one fails.
    pub fn plan(&mut self, after: u8, fault: DiskFault) {
        self.planned = Some((after, fault));
    }

    /// The power is cut: at the next start the last so many writes are gone, if they may be.
    pub fn cut_power(&mut self, lost: u8) {
        self.planned = None;
        self.lost = lost;
    }

    /// How many writes a power cut undid, once.
    pub fn take_lost(&mut self) -> u8 {
        std::mem::take(&mut self.lost)
    }

    /// Nothing fails any more.
    pub fn heal(&mut self) {
        self.planned = None;
    }

    /// Does one write, which is durable as a whole or not at all.
    ///
    /// # Errors
    /// [`StoreFault`], as planned, or what `write` says.
    pub fn write<T>(
        &mut self,
        write: impl FnOnce() -> Result<T, StoreFault>,
    ) -> Result<T, StoreFault> {
        match self.take() {
            None => write(),
            Some(DiskFault::Full) => Err(StoreFault::Full),
            Some(DiskFault::KilledBefore) => Err(StoreFault::Killed),
            Some(DiskFault::KilledAfter) => write().and(Err(StoreFault::Killed)),
            Some(DiskFault::PowerCut { lost }) => {
                self.lost = lost;
                Err(StoreFault::Killed)
            }
        }
    }

    fn take(&mut self) -> Option<DiskFault> {
        let (after, fault) = self.planned?;
        if after > 0 {
            self.planned = Some((after - 1, fault));
            return None;
        }
        self.planned = None;
        Some(fault)
    }
}
