//! Kills, restores, copies, rot and the passing of time.

use super::*;

impl<S: SimServer, P: SimPhone> World<S, P> {
    pub(super) fn kill(&mut self, phone: u8) -> Result<(), Wrong> {
        self.tell(|| format!("phone {phone}: killed"));
        self.note_mark(phone);
        let state = self.phone(phone);
        state.client = None;
        state.in_flight = None;
        state.interruptions += 1;
        let before = state.store.cache_writes();
        state.store.restart();
        let lost = before - state.store.cache_writes();
        if lost > 0 {
            self.fall_back(phone, lost)?;
        }
        self.check_phone(phone)
    }

    /// What the server said is again what it was some writes ago; what the rep did is not.
    fn fall_back(&mut self, phone: u8, lost: u64) -> Result<(), Wrong> {
        self.tell(|| format!("phone {phone}: {lost} writes of its cache are lost"));
        let marks = std::mem::take(&mut self.phone(phone).marks);
        let mut shown = None;
        for mark in marks.iter().rev() {
            if let Some(expected) = &mark.expected
                && self.shows(phone, expected)?
            {
                shown = Some(expected.clone());
                break;
            }
        }
        let state = self.phone(phone);
        let writes = state.store.cache_writes();
        state.marks = marks.into_iter().filter(|m| m.writes <= writes).collect();
        let then = state.marks.last();
        state.expected = shown.or_else(|| then.and_then(|mark| mark.expected.clone()));
        state.is_rotten = then.is_some_and(|mark| mark.is_rotten);
        self.begin_again(phone);
        Ok(())
    }

    /// What was fetched before may be fetched again.
    fn begin_again(&mut self, phone: u8) {
        let state = self.phone(phone);
        state.mismatches = state.store.mismatches();
        state.seen_frames.clear();
        let state = &self.phones[usize::from(phone)];
        self.oracle.cache_fell_back(phone, &state.store);
    }

    pub(super) fn lose_cache(&mut self, phone: u8) -> Result<(), Wrong> {
        self.tell(|| format!("phone {phone}: its cache is damaged and begun anew"));
        let state = self.phone(phone);
        state.store.lose_cache();
        state.expected = None;
        state.is_rotten = false;
        state.marks.clear();
        self.begin_again(phone);
        self.kill(phone)
    }

    pub(super) fn restore_server(&mut self) {
        let Some((backup, copy, assigned)) = self.server_backup.take() else {
            return;
        };
        self.epoch = self.random.next() | 1;
        self.server.restore(&backup, Epoch(self.epoch));
        self.oracle.server_restored(&copy);
        self.assigned = assigned.clone();
        self.old_rows.clear();
        let head = self.server.head();
        self.server_backup = Some((backup, copy, assigned));
        for phone in 0..PHONES {
            self.phone(phone).interruptions += 1;
            self.phone(phone).seen_frames.clear();
        }
        self.tell(|| format!("server comes back from its backup, at {head}"));
    }

    pub(super) fn back_up_phone(&mut self, phone: u8) {
        let oracle = self.oracle.copy_of_phone(phone);
        let state = self.phone(phone);
        let backup = PhoneBackup {
            store: state.store.backup(),
            expected: state.expected.clone(),
            is_rotten: state.is_rotten,
            oracle,
        };
        self.phone_backups.insert(phone, backup);
        self.tell(|| format!("phone {phone} is backed up"));
    }

    pub(super) fn restore_phone(&mut self, phone: u8) -> Result<(), Wrong> {
        let Some(backup) = self.phone_backups.remove(&phone) else {
            return Ok(());
        };
        self.tell(|| format!("phone {phone} comes back from its backup"));
        self.replace_files(phone, &backup)
    }

    pub(super) fn clone_phone(&mut self, from: u8, to: u8) -> Result<(), Wrong> {
        if from == to || rep_of(from) != rep_of(to) {
            return Ok(());
        }
        let oracle = self.oracle.copy_of_phone(from);
        let state = self.phone(from);
        let backup = PhoneBackup {
            store: state.store.backup(),
            expected: state.expected.clone(),
            is_rotten: state.is_rotten,
            oracle,
        };
        self.tell(|| format!("phone {from} is copied to phone {to}"));
        self.replace_files(to, &backup)
    }

    pub(super) fn replace_files(
        &mut self,
        phone: u8,
        backup: &PhoneBackup<P>,
    ) -> Result<(), Wrong> {
        let device = DeviceId::from_bytes(random_id(&mut self.random));
        let state = self.phone(phone);
        backup.store.copy_to(&mut state.store);
        // Tokens of a copy are refused, so it enrols again.
        state.device = device;
        state.client = None;
        state.in_flight = None;
        state.expected.clone_from(&backup.expected);
        state.is_rotten = backup.is_rotten;
        state.marks.clear();
        state.mismatches = state.store.mismatches();
        state.interruptions += 1;
        state.seen_frames.clear();
        self.oracle
            .phone_replaced(phone, backup.oracle.clone(), &self.server);
        self.check_phone(phone)
    }

    pub(super) fn rot(&mut self, phone: u8, row: u8, is_gone: bool) {
        let old_rows = &self.old_rows;
        let older = |key: Key| old_rows.get(&key).cloned();
        let state = &mut self.phones[usize::from(phone)];
        if state.store.rot(usize::from(row), is_gone, &older) {
            state.is_rotten = true;
            state.interruptions += 1;
            self.note_mark(phone);
            self.tell(|| format!("phone {phone}: an old page comes back"));
        }
    }

    pub(super) fn long_wait(&mut self) -> Result<(), Wrong> {
        self.tell(|| "ten days pass".to_owned());
        for _ in 0..4 {
            self.now += 60 * HOUR_MS;
            let now = TimestampMs(self.now);
            self.server.collect(now, TOMBSTONES_MS);
        }
        Ok(())
    }

    pub(super) fn purge(&mut self, phone: u8) -> Result<(), Wrong> {
        let now = self.phone_now(phone);
        let purged = self.phone(phone).store.purge(now);
        if purged == Err(StoreFault::Killed) {
            self.kill(phone)?;
        }
        let state = &self.phones[usize::from(phone)];
        self.oracle.purged(phone, &state.store, now.0, &self.server)
    }
}
