//! What to say when: every text once, or not at all and then for a reason that is told.

use crate::state::State;
use crate::{Event, Itinerary, SkipReason, UtteranceId};

/// A text that was due this many metres ago is still said when the route is joined.
const LATE_M: f64 = 50.0;

impl State {
    fn utterance(&self, index: usize) -> UtteranceId {
        UtteranceId {
            index: index as u32,
            pass: self.pass,
        }
    }

    /// Says what is due. A text is due when its place is reached and its step has begun. Of several
    /// due for one manoeuvre the last is said; none is said of a manoeuvre that has been passed.
    pub(crate) fn announce(&mut self, itinerary: &Itinerary, events: &mut Vec<Event>) {
        let spoken = itinerary.route().spoken();
        let mut chosen: Option<usize> = None;
        while let (Some(text), Some(due)) = (
            spoken.get(self.next_spoken),
            itinerary.spoken_at(self.next_spoken),
        ) {
            let step = text.step as usize;
            if step > self.step || due > self.along {
                break;
            }
            let index = self.next_spoken;
            self.next_spoken += 1;
            if itinerary.step_end(step) < self.along {
                events.push(self.skipped(index, SkipReason::Passed));
                continue;
            }
            if let Some(earlier) = chosen.replace(index) {
                events.push(self.skipped(earlier, SkipReason::Superseded));
            }
        }
        if let Some(index) = chosen {
            let id = self.utterance(index);
            events.push(Event::Speak { id });
        }
    }

    /// Leaves out what was to be said before the current step.
    pub(crate) fn leave_unsaid(&mut self, itinerary: &Itinerary, events: &mut Vec<Event>) {
        let first = itinerary.spoken_of_step(self.step).start;
        for index in self.next_spoken..first {
            events.push(self.skipped(index, SkipReason::Passed));
        }
        self.next_spoken = self.next_spoken.max(first);
    }

    fn skipped(&self, index: usize, reason: SkipReason) -> Event {
        Event::Skipped {
            id: self.utterance(index),
            reason,
        }
    }

    /// Sets what to say next after the place on the route changed by a leap. Going back begins a
    /// new pass, so that what is said again has another name.
    pub(crate) fn realign_speech(
        &mut self,
        itinerary: &Itinerary,
        went_back: bool,
        events: &mut Vec<Event>,
    ) {
        let mut next = self.first_to_say(itinerary);
        if !went_back {
            next = next.max(self.next_spoken);
        }
        if next < self.next_spoken {
            self.pass = self.pass.saturating_add(1);
        }
        for index in self.next_spoken..next {
            events.push(self.skipped(index, SkipReason::Bypassed));
        }
        self.next_spoken = next;
    }

    /// The first text of the current step that lies ahead, or only a little behind; or, if there
    /// is none, the last of them, for the manoeuvre is still to come.
    fn first_to_say(&self, itinerary: &Itinerary) -> usize {
        let texts = itinerary.spoken_of_step(self.step);
        let ahead = |index: &usize| {
            itinerary
                .spoken_at(*index)
                .is_some_and(|due| due > self.along - LATE_M)
        };
        let last = texts.end.saturating_sub(1).max(texts.start);
        texts.clone().find(ahead).unwrap_or(last)
    }

    /// Chooses the banner for the place.
    pub(crate) fn show(&mut self, itinerary: &Itinerary, events: &mut Vec<Event>) {
        let banner = itinerary.banner_at(self.along, self.step);
        if banner != self.banner {
            self.banner = banner;
            events.push(Event::BannerChanged { banner });
        }
    }
}
