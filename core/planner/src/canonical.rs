//! One sequence of bytes for each plan, the same on every platform.

use crate::{Activity, DayPlan, LeftOut, Plan, Proof, Reason, Remedy, Step, Totals};

/// First byte of every sequence; a change of the form changes it.
const FORM: u8 = 1;

impl Plan {
    /// The plan as bytes: every field in the order of its declaration, numbers as eight
    /// little-endian bytes, texts and lists after their length, choices after their number.
    pub fn canonical_bytes(&self) -> Vec<u8> {
        let mut out = Writer(vec![FORM]);
        out.list(&self.days, Writer::day);
        out.list(&self.left_out, Writer::left_out);
        out.totals(&self.totals);
        out.proof(&self.proof);
        out.text(&self.travel.provider);
        out.optional(self.travel.computed_at.map(|at| at.0));
        for count in [
            self.travel.cells,
            self.travel.mirrored,
            self.travel.estimated,
        ] {
            out.number(i64::from(count));
        }
        out.0
    }

    /// BLAKE3 of [`Plan::canonical_bytes`].
    pub fn digest(&self) -> [u8; 32] {
        *blake3::hash(&self.canonical_bytes()).as_bytes()
    }
}

struct Writer(Vec<u8>);

impl Writer {
    fn number(&mut self, value: i64) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    fn size(&mut self, value: usize) {
        self.0.extend_from_slice(&(value as u64).to_le_bytes());
    }

    fn choice(&mut self, value: u8) {
        self.0.push(value);
    }

    fn text(&mut self, text: &str) {
        self.size(text.len());
        self.0.extend_from_slice(text.as_bytes());
    }

    fn texts(&mut self, texts: &[String]) {
        self.list(texts, |out, text| out.text(text));
    }

    fn optional(&mut self, value: Option<i64>) {
        self.choice(u8::from(value.is_some()));
        if let Some(value) = value {
            self.number(value);
        }
    }

    fn list<T>(&mut self, list: &[T], write: impl Fn(&mut Self, &T)) {
        self.size(list.len());
        for entry in list {
            write(self, entry);
        }
    }

    fn day(&mut self, day: &DayPlan) {
        self.text(&day.rep);
        self.number(day.departure);
        self.list(&day.steps, Self::step);
        self.number(day.arrival);
        self.number(day.travel_s);
        self.number(day.metres);
        self.totals(&day.totals);
    }

    fn step(&mut self, step: &Step) {
        match &step.what {
            Activity::Visit { stop } => {
                self.choice(0);
                self.text(stop);
            }
            Activity::Break { index } => {
                self.choice(1);
                self.size(*index);
            }
        }
        self.optional(step.place.map(|place| place as i64));
        for value in [
            step.travel_s,
            step.metres,
            step.arrival,
            step.wait_s,
            step.start,
            step.departure,
            step.slack_s,
        ] {
            self.number(value);
        }
    }

    fn totals(&mut self, totals: &Totals) {
        for value in [
            totals.visits,
            totals.mandatory,
            totals.priority,
            totals.driving_s,
            totals.metres,
            totals.service_s,
            totals.waiting_s,
            totals.break_s,
        ] {
            self.number(value);
        }
    }

    fn proof(&mut self, proof: &Proof) {
        match proof {
            Proof::Optimal => self.choice(0),
            Proof::Heuristic { iterations } => {
                self.choice(1);
                self.0.extend_from_slice(&iterations.to_le_bytes());
            }
        }
    }

    fn left_out(&mut self, left: &LeftOut) {
        self.text(&left.stop);
        match &left.reason {
            Reason::Skills => self.choice(0),
            Reason::Capacity => self.choice(1),
            Reason::Unreachable => self.choice(2),
            Reason::NoWindowFits => self.choice(3),
            Reason::ShiftEnds => self.choice(4),
            Reason::LowerPriority { displaces } => {
                self.choice(5);
                self.texts(displaces);
            }
            Reason::DetourTooLong { detour_s } => {
                self.choice(6);
                self.number(*detour_s);
            }
        }
        self.list(&left.remedies, Self::remedy);
    }

    fn remedy(&mut self, remedy: &Remedy) {
        match remedy {
            Remedy::WindowUntil { rep, to } => self.about(0, rep, *to),
            Remedy::WindowFrom { rep, from } => self.about(1, rep, *from),
            Remedy::LongerShift { rep, seconds } => self.about(2, rep, *seconds),
            Remedy::InsteadOf { rep, stops } => {
                self.choice(3);
                self.text(rep);
                self.texts(stops);
            }
            Remedy::Skills { missing } => {
                self.choice(4);
                self.texts(missing);
            }
            Remedy::MoreCapacity { rep, load, by } => {
                self.about(5, rep, *by);
                self.size(*load);
            }
            Remedy::MorePriority { priority } => {
                self.choice(6);
                self.0.extend_from_slice(&priority.to_le_bytes());
            }
        }
    }

    fn about(&mut self, choice: u8, rep: &str, value: i64) {
        self.choice(choice);
        self.text(rep);
        self.number(value);
    }
}
