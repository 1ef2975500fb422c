//! Plain English for manoeuvres, where the routing service brings no words of its own.

use crate::route::BannerLine;
use crate::{BannerDraft, Manoeuvre, ManoeuvreKind, SpokenDraft, StepDraft, Turn};

/// Seconds before a manoeuvre at which it is announced, and at which it is called.
const ALERT_S: f64 = 22.0;
const CALL_S: f64 = 6.0;

/// Metres before a manoeuvre at which to call it, for a speed in metres per second.
pub(crate) fn call_distance(speed: f64) -> f64 {
    (speed * CALL_S).clamp(25.0, 250.0)
}

/// Metres before a manoeuvre at which to announce it.
pub(crate) fn alert_distance(speed: f64) -> f64 {
    (speed * ALERT_S).clamp(150.0, 1000.0)
}

/// What to do, as a sentence: `Turn left onto Unioninkatu.`
pub(crate) fn sentence(manoeuvre: Manoeuvre, road: &str, destinations: &str) -> String {
    let action = action(manoeuvre);
    if matches!(manoeuvre.kind, ManoeuvreKind::Arrive)
        || (road.is_empty() && destinations.is_empty())
    {
        return format!("{action}.");
    }
    if destinations.is_empty() {
        let onto = match manoeuvre.kind {
            ManoeuvreKind::Depart | ManoeuvreKind::Continue => "on",
            _ => "onto",
        };
        format!("{action} {onto} {road}.")
    } else {
        format!("{action} towards {destinations}.")
    }
}

fn action(manoeuvre: Manoeuvre) -> String {
    let direction = manoeuvre.turn.map(direction);
    match manoeuvre.kind {
        ManoeuvreKind::Depart => "Drive off".to_owned(),
        ManoeuvreKind::Arrive => match manoeuvre.turn {
            Some(Turn::Left | Turn::SlightLeft | Turn::SharpLeft) => {
                "Your stop is on the left".to_owned()
            }
            Some(Turn::Right | Turn::SlightRight | Turn::SharpRight) => {
                "Your stop is on the right".to_owned()
            }
            _ => "You have arrived".to_owned(),
        },
        ManoeuvreKind::Roundabout | ManoeuvreKind::Rotary => match manoeuvre.exit {
            Some(exit) => format!("At the roundabout take the {} exit", ordinal(exit)),
            None => "Enter the roundabout".to_owned(),
        },
        ManoeuvreKind::ExitRoundabout | ManoeuvreKind::ExitRotary => {
            "Leave the roundabout".to_owned()
        }
        ManoeuvreKind::Ferry => "Take the ferry".to_owned(),
        ManoeuvreKind::Merge => with_direction("Merge", direction),
        ManoeuvreKind::OnRamp => with_direction("Take the ramp", direction),
        ManoeuvreKind::OffRamp => with_direction("Take the exit", direction),
        ManoeuvreKind::Fork => with_direction("Keep", direction),
        ManoeuvreKind::NewName | ManoeuvreKind::Continue | ManoeuvreKind::Notification => {
            match manoeuvre.turn {
                None | Some(Turn::Straight) => "Continue".to_owned(),
                _ => turn_action(manoeuvre.turn),
            }
        }
        ManoeuvreKind::Turn | ManoeuvreKind::EndOfRoad | ManoeuvreKind::RoundaboutTurn => {
            turn_action(manoeuvre.turn)
        }
    }
}

fn turn_action(turn: Option<Turn>) -> String {
    match turn {
        None | Some(Turn::Straight) => "Go straight on".to_owned(),
        Some(Turn::UTurn) => "Make a U-turn".to_owned(),
        Some(turn) => format!("Turn {}", direction(turn)),
    }
}

fn with_direction(action: &str, direction: Option<&str>) -> String {
    match direction {
        Some(direction) => format!("{action} {direction}"),
        None => action.to_owned(),
    }
}

fn direction(turn: Turn) -> &'static str {
    match turn {
        Turn::UTurn => "around",
        Turn::SharpRight => "sharp right",
        Turn::Right => "right",
        Turn::SlightRight => "slightly right",
        Turn::Straight => "straight on",
        Turn::SlightLeft => "slightly left",
        Turn::Left => "left",
        Turn::SharpLeft => "sharp left",
    }
}

fn ordinal(number: u8) -> String {
    let ending = match (number % 10, number % 100) {
        (1, n) if n != 11 => "st",
        (2, n) if n != 12 => "nd",
        (3, n) if n != 13 => "rd",
        _ => "th",
    };
    format!("{number}{ending}")
}

/// A distance as it is said: rounded to what a driver can use.
pub(crate) fn spoken_distance(metres: f64) -> String {
    if metres < 95.0 {
        format!("{} metres", rounded(metres, 10.0).max(10))
    } else if metres < 975.0 {
        format!("{} metres", rounded(metres, 50.0))
    } else {
        let tenths = rounded(metres / 100.0, 1.0);
        match (tenths / 10, tenths % 10) {
            (1, 0) => "1 kilometre".to_owned(),
            (whole, 0) => format!("{whole} kilometres"),
            (whole, part) => format!("{whole}.{part} kilometres"),
        }
    }
}

fn rounded(value: f64, unit: f64) -> u32 {
    ((value / unit).round() * unit) as u32
}

/// Words and banners for steps that have none. `metres` holds the length of each step.
pub(crate) fn fill_in(steps: &mut [StepDraft], metres: &[f64]) {
    let coming: Vec<Coming> = steps.iter().skip(1).map(Coming::of).collect();
    let mut next = coming.into_iter();
    for (index, (step, length)) in steps.iter_mut().zip(metres).enumerate() {
        if index == 0 && step.spoken.is_empty() {
            let words = Coming::of(step).sentence;
            step.spoken.push(words_at(*length, words));
        }
        let Some(coming) = next.next() else { break };
        let speed = *length / step.duration_s.max(1.0);
        fill_spoken(step, &coming, *length, speed, index == 0);
        if step.banners.is_empty() {
            step.banners.push(coming.banner(*length));
        }
    }
}

fn fill_spoken(step: &mut StepDraft, coming: &Coming, length: f64, speed: f64, first: bool) {
    if step.spoken.len() > usize::from(first) {
        return;
    }
    let (alert, call) = (alert_distance(speed), call_distance(speed));
    if length > alert * 1.5 {
        let words = format!("In {}: {}", spoken_distance(alert), coming.sentence);
        step.spoken.push(words_at(alert, words));
    }
    if !first || length > call * 1.5 {
        step.spoken
            .push(words_at(call.min(length), coming.sentence.clone()));
    }
}

fn words_at(before_end_m: f64, text: String) -> SpokenDraft {
    SpokenDraft {
        before_end_m,
        text,
        ssml: String::new(),
    }
}

/// The manoeuvre at the end of a step.
struct Coming {
    manoeuvre: Manoeuvre,
    sentence: String,
    title: String,
    below: String,
}

impl Coming {
    fn of(step: &StepDraft) -> Self {
        let name = if step.road.is_empty() {
            &step.reference
        } else {
            &step.road
        };
        let sentence = if step.text.is_empty() {
            sentence(step.manoeuvre, name, &step.destinations)
        } else {
            step.text.clone()
        };
        let title = if name.is_empty() { &sentence } else { name };
        Self {
            manoeuvre: step.manoeuvre,
            title: title.clone(),
            below: step.destinations.clone(),
            sentence,
        }
    }

    fn banner(&self, length: f64) -> BannerDraft {
        let line = |text: &str| BannerLine {
            text: text.into(),
            kind: Some(self.manoeuvre.kind),
            turn: self.manoeuvre.turn,
            roundabout_deg: None,
        };
        BannerDraft {
            before_end_m: length,
            primary: line(&self.title),
            secondary: (!self.below.is_empty()).then(|| line(&self.below)),
        }
    }
}
