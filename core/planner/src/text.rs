//! A plan as a timetable to read.

use crate::{Activity, DayPlan, LeftOut, Plan, Problem, Proof, Reason, Remedy, Step};
use std::fmt::Write as _;

/// The plan as a timetable: for each rep when to leave, when to be where, how much slack there is;
/// then what was left out, why, and what would make it fit.
///
/// Times are hours and minutes since the problem's zero, so they are clock times if that is
/// midnight.
pub fn explain(problem: &Problem, plan: &Plan) -> String {
    let mut out = String::new();
    for day in &plan.days {
        out.push_str(&day_text(problem, day));
    }
    if !plan.left_out.is_empty() {
        out.push_str("Left out\n");
    }
    for left in &plan.left_out {
        let _ = writeln!(out, "  {}: {}", left.stop, reason(left));
        for remedy in &left.remedies {
            let _ = writeln!(out, "      would fit with {}", remedy_text(remedy));
        }
    }
    out.push_str(&foot(plan));
    out
}

fn day_text(problem: &Problem, day: &DayPlan) -> String {
    let mut out = String::new();
    if day.steps.is_empty() {
        let _ = writeln!(out, "{}: nothing to do\n", day.rep);
        return out;
    }
    let totals = &day.totals;
    let _ = writeln!(
        out,
        "{}  {} to {}: {} visits, {} driving ({}), {} visiting, {} waiting",
        day.rep,
        clock(day.departure),
        clock(day.arrival),
        totals.visits,
        span(totals.driving_s),
        way(totals.metres),
        span(totals.service_s),
        span(totals.waiting_s),
    );
    let from_home = problem
        .reps
        .iter()
        .any(|rep| rep.id == day.rep && rep.start.is_some());
    let mut left = !from_home;
    for step in &day.steps {
        if !left && step.arrival >= day.departure {
            let _ = writeln!(out, "  {}          leave", clock(day.departure));
            left = true;
        }
        out.push_str(&step_text(step));
    }
    let end = if problem
        .reps
        .iter()
        .any(|rep| rep.id == day.rep && rep.end.is_some())
    {
        "arrive at the end"
    } else {
        "done"
    };
    let _ = writeln!(
        out,
        "  {}          {end}{}\n",
        clock(day.arrival),
        leg(day.travel_s, day.metres)
    );
    out
}

fn step_text(step: &Step) -> String {
    let what = match &step.what {
        Activity::Visit { stop } => stop.clone(),
        Activity::Break { .. } => "break".to_owned(),
    };
    let wait = if step.wait_s > 0 {
        format!(", {} early", span(step.wait_s))
    } else {
        String::new()
    };
    format!(
        "  {} - {}  {what}{}{wait}; {} slack\n",
        clock(step.start),
        clock(step.departure),
        leg(step.travel_s, step.metres),
        span(step.slack_s),
    )
}

fn leg(seconds: i64, metres: i64) -> String {
    if seconds == 0 && metres == 0 {
        return String::new();
    }
    format!(" after {} ({})", span(seconds), way(metres))
}

fn foot(plan: &Plan) -> String {
    let proof = match plan.proof {
        Proof::Optimal => "No better plan exists.".to_owned(),
        Proof::Heuristic { .. } => "The best plan found.".to_owned(),
    };
    let travel = &plan.travel;
    let guessed = match travel.mirrored + travel.estimated {
        0 => String::new(),
        _ => format!(
            ", {} of {} ways estimated, {} taken from the way back",
            travel.estimated, travel.cells, travel.mirrored
        ),
    };
    format!("{proof} Travel times: {}{guessed}.\n", travel.provider)
}

fn reason(left: &LeftOut) -> String {
    match &left.reason {
        Reason::Skills => "no rep has the skills".to_owned(),
        Reason::Capacity => "too much for any rep to carry".to_owned(),
        Reason::Unreachable => "there is no way".to_owned(),
        Reason::NoWindowFits => "no window can be met, even with nothing else to do".to_owned(),
        Reason::ShiftEnds => "the shift ends too early, even with nothing else to do".to_owned(),
        Reason::LowerPriority { displaces } => {
            format!(
                "counts for less than what it would displace ({})",
                displaces.join(", ")
            )
        }
        Reason::DetourTooLong { detour_s } => {
            format!("not worth a detour of {}", span(*detour_s))
        }
    }
}

fn remedy_text(remedy: &Remedy) -> String {
    match remedy {
        Remedy::WindowUntil { rep, to } => format!("a window until {} ({rep})", clock(*to)),
        Remedy::WindowFrom { rep, from } => format!("a window from {} ({rep})", clock(*from)),
        Remedy::LongerShift { rep, seconds } => {
            format!("the shift of {rep} {} longer", span(*seconds))
        }
        Remedy::InsteadOf { rep, stops } => format!("{rep} not visiting {}", stops.join(", ")),
        Remedy::Skills { missing } => format!("a rep who also has {}", missing.join(", ")),
        Remedy::MoreCapacity { rep, load, by } => {
            format!("{by} more of capacity {load} for {rep}")
        }
        Remedy::MorePriority { priority } => format!("a priority of {priority}"),
    }
}

/// Hours and minutes, the day before or after marked.
pub(crate) fn clock(seconds: i64) -> String {
    let (day, of_day) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let time = format!("{:02}:{:02}", of_day / 3_600, of_day % 3_600 / 60);
    match day {
        0 => time,
        day => format!("{time}{day:+}d"),
    }
}

/// A length of time, rounded up to minutes so that no slack or detour reads as nothing.
fn span(seconds: i64) -> String {
    let minutes = (seconds + 59).div_euclid(60);
    match minutes {
        0..60 => format!("{minutes} min"),
        _ => format!("{} h {:02} min", minutes / 60, minutes % 60),
    }
}

fn way(metres: i64) -> String {
    format!("{}.{} km", metres / 1_000, metres % 1_000 / 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_other_days_are_marked() {
        assert_eq!(clock(8 * 3_600 + 61), "08:01");
        assert_eq!(clock(-60), "23:59-1d");
        assert_eq!(clock(86_400), "00:00+1d");
    }

    #[test]
    fn spans_are_rounded_up() {
        assert_eq!(span(0), "0 min");
        assert_eq!(span(1), "1 min");
        assert_eq!(span(5_400), "1 h 30 min");
    }
}
