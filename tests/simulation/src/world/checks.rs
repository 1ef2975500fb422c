//! When what must hold is looked at.

use super::*;

impl<S: SimServer, P: SimPhone> World<S, P> {
    pub(super) fn note_answers(&mut self, phone: u8) -> Result<(), Wrong> {
        let now = self.phone_now(phone).0;
        let state = &self.phones[usize::from(phone)];
        let epoch = state
            .store
            .sync_state()
            .map_err(|e| format!("{e:?}"))?
            .epoch;
        let is_present = epoch == Some(Epoch(self.epoch));
        self.oracle
            .note_answers(phone, &state.store, now, is_present);
        Ok(())
    }

    /// Remembers what is to be shown, if that changed. A power cut undoes no more writes than there
    /// are marks.
    pub(super) fn note_mark(&mut self, phone: u8) {
        const MARKS: usize = 40;
        let state = self.phone(phone);
        let now = state.expected.as_ref().map(Expected::place);
        let is_new = state.marks.last().is_none_or(|mark| {
            mark.is_rotten != state.is_rotten || mark.expected.as_ref().map(Expected::place) != now
        });
        if is_new {
            state.marks.push(Mark {
                writes: state.store.cache_writes(),
                expected: state.expected.clone(),
                is_rotten: state.is_rotten,
            });
            let old = state.marks.len().saturating_sub(MARKS);
            state.marks.drain(..old);
        }
    }

    pub(super) fn check_phone(&mut self, phone: u8) -> Result<(), Wrong> {
        self.note_answers(phone)?;
        self.note_mark(phone);
        let state = &self.phones[usize::from(phone)];
        if state.is_rotten {
            return Ok(());
        }
        if state.store.mismatches() != state.mismatches {
            return Err(format!("phone {phone} had to repair what nothing damaged"));
        }
        self.oracle
            .check_phone(phone, &state.store, state.expected.as_ref())
    }

    /// No row travels that its scope does not hold at that moment, in whichever version.
    pub(super) fn check_sent(&self, phone: u8, body: &[u8]) -> Result<(), Wrong> {
        let Ok(reply) = decode_message::<PullReply>(body) else {
            return Ok(());
        };
        for bytes in &reply.frames {
            let frame = Frame::decode(bytes).map_err(|e| format!("phone {phone}: {e}"))?;
            let held = self.server.rows_of(&frame.scope);
            let held: BTreeSet<Key> = held.into_iter().map(|(key, _)| key).collect();
            let mut puts = frame.changes.iter();
            let stray = puts.find(|change| {
                matches!(change, FeedChange::Put { .. }) && !held.contains(&change.key())
            });
            if let Some(stray) = stray {
                return Err(format!(
                    "phone {phone} is sent {:?}, which {} does not hold",
                    stray.key(),
                    frame.scope
                ));
            }
        }
        Ok(())
    }

    /// A sync that is done leaves nothing damaged.
    pub(super) fn check_done(&mut self, phone: u8) -> Result<(), Wrong> {
        let state = self.phone(phone);
        state.is_rotten = false;
        state.mismatches = state.store.mismatches();
        let state = &self.phones[usize::from(phone)];
        match &state.expected {
            Some(expected) => self.oracle.check_shown(phone, &state.store, expected),
            None => Err(format!("phone {phone} is done and shows nothing")),
        }
    }

    /// Faults stop. In a bounded number of rounds everything is where it should be.
    pub(super) fn settle(&mut self) -> Result<(), Wrong> {
        self.tell(|| "faults stop".to_owned());
        self.server.disk().heal();
        while !self.late.is_empty() {
            self.late_copy(0);
        }
        for phone in 0..PHONES {
            self.phone(phone).store.disk().heal();
            self.update_app(phone)?;
        }
        for _ in 0..ROUNDS {
            self.now += 20 * MINUTE_MS;
            for phone in 0..PHONES {
                self.sync_undisturbed(phone)?;
            }
        }
        self.check_rest()
    }

    /// An app the server does not serve keeps everything, and goes on once it is updated.
    fn update_app(&mut self, phone: u8) -> Result<(), Wrong> {
        if self.phone(phone).age == Age::TooOld {
            self.phone(phone).syncs_done = 0;
            self.now += 20 * MINUTE_MS;
            self.sync_undisturbed(phone)?;
            self.check_phone(phone)?;
        }
        let state = self.phone(phone);
        if state.age == Age::TooOld && std::mem::take(&mut state.syncs_done) > 0 {
            return Err(format!("phone {phone} synced with an app that is too old"));
        }
        state.age = Age::Same;
        Ok(())
    }

    pub(super) fn sync_undisturbed(&mut self, phone: u8) -> Result<(), Wrong> {
        self.start_sync(phone, 1)?;
        for _ in 0..2_000 {
            if self.phone(phone).client.is_none() {
                return Ok(());
            }
            self.deliver(phone, Fault::None)?;
        }
        Err(format!("phone {phone} syncs for ever"))
    }

    pub(super) fn check_rest(&mut self) -> Result<(), Wrong> {
        for phone in 0..PHONES {
            let scopes = self.server.scopes(rep_id(rep_of(phone)));
            let scopes = scopes.into_iter().collect();
            let expected = Expected::of(&self.server, self.epoch, scopes);
            let state = &mut self.phones[usize::from(phone)];
            if std::mem::take(&mut state.syncs_done) == 0 {
                return Err(format!(
                    "phone {phone} never synced though nothing stood in its way"
                ));
            }
            if state.expected.as_ref() != Some(&expected) {
                return Err(format!(
                    "phone {phone} did not come to rest at the server's head"
                ));
            }
            if state.frames_twice > state.interruptions {
                return Err(format!(
                    "phone {phone} got {} frames twice for {} interruptions",
                    state.frames_twice, state.interruptions
                ));
            }
            let store = &self.phones[usize::from(phone)].store;
            self.oracle.check_shown(phone, store, &expected)?;
        }
        self.check_clients()?;
        let stores: Vec<&P> = self.phones.iter().map(|phone| &phone.store).collect();
        self.oracle.check_rest(&self.server, &stores)
    }

    /// A copy that did nothing yet may share a numbering; none goes on in it.
    pub(super) fn check_clients(&self) -> Result<(), Wrong> {
        let mut clients = BTreeMap::new();
        for (n, phone) in self.phones.iter().enumerate() {
            let state = phone.store.sync_state().map_err(|e| format!("{e:?}"))?;
            let next_n = *clients.entry(state.client).or_insert(state.next_n);
            if next_n != state.next_n {
                return Err(format!("phone {n} goes on in the numbering of another"));
            }
        }
        Ok(())
    }
}
