//! Syncs, request by request, and what becomes of requests and replies.

use super::*;
use fieldfare_model::{OLDEST_SCHEMA, SCHEMA};
use fieldfare_sync::{
    CompareRequest, MAX_COMPARE_BYTES, ProtocolError, PullRequest, PushRequest, RepairRequest,
    unpack_message,
};
use serde::{Serialize, de::DeserializeOwned};

impl<S: SimServer, P: SimPhone> World<S, P> {
    pub(super) fn start_sync(&mut self, phone: u8, budget: u32) -> Result<(), Wrong> {
        let now = self.phone_now(phone);
        let fresh = ClientId::from_bytes(random_id(&mut self.random));
        let state = self.phone(phone);
        if state.client.is_some() || state.backoff.wait_ms(now) > 0 {
            return Ok(());
        }
        state.client = Some(SyncClient::default());
        state.budget = budget;
        self.tell(|| format!("phone {phone}: begins to sync"));
        let event = Event::Start {
            fresh,
            budget,
            limits: SyncLimits::default(),
        };
        self.step(phone, event)
    }

    pub(super) fn step(&mut self, phone: u8, event: Event) -> Result<(), Wrong> {
        let state = self.phone(phone);
        let Some(client) = &mut state.client else {
            return Ok(());
        };
        let stepped = client.step(&mut state.store, event);
        match stepped {
            Ok(effects) => self.carry_out(phone, effects)?,
            Err(StoreFault::Killed) => self.kill(phone)?,
            Err(StoreFault::Full) => {
                self.tell(|| format!("phone {phone}: the disk is full, the sync ends"));
                self.end_sync(phone, Some(None))?;
            }
            Err(StoreFault::Broken) => return Err(format!("phone {phone}: its store is broken")),
        }
        self.check_phone(phone)
    }

    pub(super) fn carry_out(&mut self, phone: u8, effects: Vec<Effect>) -> Result<(), Wrong> {
        for effect in effects {
            match effect {
                Effect::Send(request) => {
                    self.tell(|| {
                        format!(
                            "phone {phone}: sends {} of {} B",
                            request.path,
                            request.body.len()
                        )
                    });
                    let state = self.phone(phone);
                    state.is_fresh &= state.in_flight.as_ref() == Some(&request);
                    state.in_flight = Some(request);
                }
                Effect::RefreshToken => {
                    let before = self.phone(phone).in_flight.clone();
                    self.step(phone, Event::TokenRefreshed)?;
                    if self.phone(phone).in_flight != before {
                        return Err(format!("phone {phone} repeats another request"));
                    }
                }
                Effect::Proceed => self.step(phone, Event::Proceed)?,
                Effect::Done(summary) => {
                    self.tell(|| format!("phone {phone}: done at {}", summary.head));
                    if summary.unrepaired > 0 {
                        return Err(format!("phone {phone} could not be repaired"));
                    }
                    self.phone(phone).syncs_done += 1;
                    self.end_sync(phone, None)?;
                    self.check_done(phone)?;
                }
                Effect::Paused(_) => self.end_sync(phone, None)?,
                Effect::Failed(failure) => self.failed(phone, failure)?,
                Effect::Changed(_) | Effect::Progress(_) => {}
            }
        }
        Ok(())
    }

    pub(super) fn failed(&mut self, phone: u8, failure: Failure) -> Result<(), Wrong> {
        self.tell(|| format!("phone {phone}: the sync fails, {failure:?}"));
        let wish = match failure {
            Failure::Busy { retry_after_ms } => retry_after_ms,
            Failure::Upgrade if self.phone(phone).age == Age::TooOld => None,
            Failure::Revoked | Failure::Unauthorized | Failure::Upgrade => {
                return Err(format!("phone {phone} was turned away: {failure:?}"));
            }
            _ => None,
        };
        self.end_sync(phone, Some(wish))
    }

    /// `failure` is what the server wished, if the sync failed.
    pub(super) fn end_sync(
        &mut self,
        phone: u8,
        failure: Option<Option<u64>>,
    ) -> Result<(), Wrong> {
        let now = self.phone_now(phone);
        let jitter = self.random.next();
        let state = self.phone(phone);
        state.client = None;
        state.in_flight = None;
        state.backoff = match failure {
            None => Backoff::default(),
            Some(wish) => {
                let jitter = jitter % state.backoff.ceiling_ms().max(1);
                state.backoff.failed(now, jitter, wish)
            }
        };
        if failure.is_some() {
            state.interruptions += 1;
        }
        Ok(())
    }

    pub(super) fn deliver(&mut self, phone: u8, fault: Fault) -> Result<(), Wrong> {
        let Some(mut request) = self.phone(phone).in_flight.clone() else {
            return Ok(());
        };
        write_schema(&mut request, self.phone(phone).age)?;
        if fault != Fault::None {
            self.phone(phone).interruptions += 1;
            self.tell(|| format!("phone {phone}: its request meets {fault:?}"));
        }
        let status = |status| Event::Reply {
            status,
            body: Vec::new(),
            retry_after_ms: None,
            now: TimestampMs(0),
        };
        match fault {
            Fault::LoseRequest => return self.step(phone, Event::Offline),
            // A token that was just renewed is good.
            Fault::TokenExpired if !self.phone(phone).is_fresh => {
                self.phone(phone).is_fresh = true;
                return self.step(phone, status(401));
            }
            Fault::Unavailable => return self.step(phone, status(503)),
            Fault::Busy(seconds) => {
                let busy = Event::Reply {
                    status: 429,
                    body: Vec::new(),
                    retry_after_ms: Some(u64::from(seconds) * 1000),
                    now: self.phone_now(phone),
                };
                return self.step(phone, busy);
            }
            Fault::Twice => drop(self.ask(phone, &request)),
            Fault::Late => self.late.push((self.device(phone), request.clone())),
            _ => {}
        }
        let Some((status, mut body)) = self.ask(phone, &request) else {
            return self.step(phone, Event::Offline);
        };
        let is_pull = request.path == "/v1/pull";
        if is_pull {
            self.check_sent(phone, &body)?;
        }
        if fault == Fault::LoseReply {
            if is_pull {
                self.count_frames(phone, &body);
            }
            return self.step(phone, Event::Offline);
        }
        let expected = self.expected_after(phone, &request, &body);
        let is_whole = damage(&mut body, fault);
        if is_whole && is_pull {
            self.count_frames(phone, &body);
        }
        let reply = Event::Reply {
            status,
            body,
            retry_after_ms: None,
            now: self.phone_now(phone),
        };
        self.take_reply(phone, reply, expected.filter(|_| is_whole))
    }

    /// The server's answer, if it lives to give it.
    pub(super) fn ask(&mut self, phone: u8, request: &Request) -> Option<(u16, Vec<u8>)> {
        let device = self.device(phone);
        let now = TimestampMs(self.now);
        match self
            .server
            .answer(&device, request.path, &request.body, now)
        {
            Ok(effect) => Some((effect.status, effect.body)),
            Err(StoreFault::Full) => Some((503, Vec::new())),
            Err(_) => None,
        }
    }

    /// What the phone must show if it shows the checkpoint in this reply.
    pub(super) fn expected_after(
        &self,
        phone: u8,
        request: &Request,
        body: &[u8],
    ) -> Option<Expected> {
        if request.path != "/v1/pull" {
            return None;
        }
        let reply: PullReply = decode_message(body).ok()?;
        let is_complete = reply.checkpoint.is_some_and(|c| c.complete);
        if reply.status != PullStatus::Ok || !is_complete {
            return None;
        }
        let scopes = self.server.scopes(rep_id(rep_of(phone)));
        let scopes = scopes.into_iter().collect();
        Some(Expected::of(&self.server, reply.epoch.0, scopes))
    }

    /// Lets the phone take a reply, and looks at what it shows if it shows a new head.
    pub(super) fn take_reply(
        &mut self,
        phone: u8,
        reply: Event,
        expected: Option<Expected>,
    ) -> Result<(), Wrong> {
        let Some(expected) = expected else {
            return self.step(phone, reply);
        };
        // Until it is known which of the two it shows, neither is held against it.
        let before = self.phone(phone).expected.take();
        self.step_silently(phone, reply, &expected, before)?;
        self.check_phone(phone)
    }

    pub(super) fn step_silently(
        &mut self,
        phone: u8,
        reply: Event,
        expected: &Expected,
        before: Option<Expected>,
    ) -> Result<(), Wrong> {
        let state = self.phone(phone);
        let Some(client) = &mut state.client else {
            return Ok(());
        };
        let stepped = client.step(&mut state.store, reply);
        let shows = self.shows(phone, expected)?;
        self.note_answers(phone)?;
        let is_rotten = self.phone(phone).is_rotten;
        if let Some(before) = before.as_ref().filter(|_| shows)
            && before.epoch == expected.epoch
            && before.head > expected.head
        {
            return Err(format!(
                "phone {phone} went back from {} to {}",
                before.head, expected.head
            ));
        }
        self.phone(phone).expected = if shows {
            Some(expected.clone())
        } else {
            before
        };
        if shows && !is_rotten {
            let state = &self.phones[usize::from(phone)];
            self.oracle.check_shown(phone, &state.store, expected)?;
        }
        match stepped {
            Ok(effects) => self.carry_out(phone, effects),
            Err(StoreFault::Killed) => self.kill(phone),
            Err(StoreFault::Full) => self.end_sync(phone, Some(None)),
            Err(StoreFault::Broken) => Err(format!("phone {phone}: its store is broken")),
        }
    }

    pub(super) fn shows(&self, phone: u8, expected: &Expected) -> Result<bool, Wrong> {
        let store = &self.phones[usize::from(phone)].store;
        let state = store.sync_state().map_err(|e| format!("{e:?}"))?;
        let scopes = store.shown();
        Ok(store.head() == expected.head
            && state.epoch == Some(Epoch(expected.epoch))
            && scopes == expected.scopes)
    }

    pub(super) fn count_frames(&mut self, phone: u8, body: &[u8]) {
        let Ok(reply) = decode_message::<PullReply>(body) else {
            return;
        };
        let state = self.phone(phone);
        if reply.status == PullStatus::Rebase {
            // A first fetch that took longer than deletions are remembered begins again.
            let shown = state.store.shown();
            state
                .seen_frames
                .retain(|(_, scope, ..)| shown.contains(scope));
        }
        if state.budget > 1 {
            state.interruptions += reply.frames.len() as u64;
        }
        for bytes in &reply.frames {
            if let Ok(frame) = Frame::decode(bytes) {
                let key = (reply.epoch.0, frame.scope, frame.from, frame.to);
                if !state.seen_frames.insert(key) {
                    state.frames_twice += 1;
                }
            }
        }
    }

    pub(super) fn late_copy(&mut self, which: usize) {
        if self.late.is_empty() {
            return;
        }
        let (device, request) = self.late.swap_remove(which % self.late.len());
        let now = TimestampMs(self.now);
        self.tell(|| format!("a late copy of {} arrives", request.path));
        // Nobody waits for the answer.
        drop(
            self.server
                .answer(&device, request.path, &request.body, now),
        );
    }
}

/// Puts the number of the app's schema into a request that this build made.
fn write_schema(request: &mut Request, age: Age) -> Result<(), Wrong> {
    let schema = match age {
        Age::TooOld => OLDEST_SCHEMA - 1,
        Age::Same => return Ok(()),
        Age::Newer => SCHEMA + 1,
    };
    let body = &request.body;
    let written = match request.path {
        "/v1/pull" => with_schema(body, |r: &mut PullRequest| r.schema = schema),
        "/v1/push" => with_schema(body, |r: &mut PushRequest| r.schema = schema),
        "/v1/compare" => with_schema(body, |r: &mut CompareRequest| r.schema = schema),
        _ => with_schema(body, |r: &mut RepairRequest| r.schema = schema),
    };
    request.body = written.map_err(|e| format!("{} does not read: {e}", request.path))?;
    Ok(())
}

fn with_schema<R: DeserializeOwned + Serialize>(
    body: &[u8],
    write: impl FnOnce(&mut R),
) -> Result<Vec<u8>, ProtocolError> {
    let mut request = decode_message(&unpack_message(body, MAX_COMPARE_BYTES)?)?;
    write(&mut request);
    encode_message(&request)
}

/// Cuts or flips what the fault says. Whether the reply is as it was sent.
fn damage(body: &mut Vec<u8>, fault: Fault) -> bool {
    match fault {
        Fault::Cut(part) => body.truncate(body.len() * usize::from(part) / 256),
        Fault::Flip(at) if !flip(body, usize::from(at)) => body.truncate(body.len() / 2),
        Fault::Flip(_) => {}
        _ => return true,
    }
    false
}

/// Flips a bit of a frame. (The rest of a message is TLS's to protect; frames lie on disk, too.)
fn flip(body: &mut Vec<u8>, at: usize) -> bool {
    let Ok(mut reply) = decode_message::<PullReply>(body) else {
        return false;
    };
    let frames = reply.frames.len();
    let Some(frame) = reply.frames.get_mut(at % frames.max(1)) else {
        return false;
    };
    let bit = at % (frame.len() * 8);
    frame[bit / 8] ^= 1 << (bit % 8);
    *body = encode_message(&reply).unwrap_or_default();
    true
}
