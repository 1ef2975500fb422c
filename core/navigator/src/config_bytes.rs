//! A configuration as bytes, part of saved sessions and recordings.

use crate::codec::{Reader, Writer};
use crate::{BytesError, FollowConfig, StepAdvance};

pub(crate) fn write_config(out: &mut Writer, config: &FollowConfig) {
    out.float(config.deviation_base_m);
    out.float(config.deviation_per_accuracy);
    out.number(config.deviation_fixes);
    out.signed(config.deviation_ms);
    out.float(config.deviation_far_m);
    out.float(config.max_accuracy_m);
    out.float(config.wrong_way_m);
    out.float(config.look_ahead_m);
    out.float(config.arrival_radius_m);
    out.float(config.stay_radius_m);
    out.signed(config.dwell_ms);
    write_advance(out, &config.advance);
}

pub(crate) fn read_config(r: &mut Reader<'_>) -> Result<FollowConfig, BytesError> {
    let config = FollowConfig {
        deviation_base_m: r.float("config")?,
        deviation_per_accuracy: r.float("config")?,
        deviation_fixes: r.small("config")?,
        deviation_ms: r.signed()?,
        deviation_far_m: r.float("config")?,
        max_accuracy_m: r.float("config")?,
        wrong_way_m: r.float("config")?,
        look_ahead_m: r.float("config")?,
        arrival_radius_m: r.float("config")?,
        stay_radius_m: r.float("config")?,
        dwell_ms: r.signed()?,
        advance: read_advance(r, 0)?,
    };
    match config.check() {
        Ok(()) => Ok(config),
        Err(_) => Err(BytesError::Value { field: "config" }),
    }
}

fn write_advance(out: &mut Writer, advance: &StepAdvance) {
    match advance {
        StepAdvance::Manual => out.byte(0),
        StepAdvance::Passed { beyond_m } => {
            out.byte(1);
            out.float(*beyond_m);
        }
        StepAdvance::NearEnd {
            within_m,
            accuracy_m,
        } => pair(out, 2, *within_m, *accuracy_m),
        StepAdvance::AwayFromStep {
            beyond_m,
            accuracy_m,
        } => pair(out, 3, *beyond_m, *accuracy_m),
        StepAdvance::EnterThenLeave { enter_m, leave_m } => pair(out, 4, *enter_m, *leave_m),
        StepAdvance::All(parts) => list(out, 5, parts),
        StepAdvance::Any(parts) => list(out, 6, parts),
    }
}

fn pair(out: &mut Writer, code: u8, a: f64, b: f64) {
    out.byte(code);
    out.float(a);
    out.float(b);
}

fn list(out: &mut Writer, code: u8, parts: &[StepAdvance]) {
    out.byte(code);
    out.count(parts.len());
    for part in parts {
        write_advance(out, part);
    }
}

/// Deeper nesting than a configuration may have is refused before it is read.
const DEEPEST: usize = 8;

fn read_advance(r: &mut Reader<'_>, depth: usize) -> Result<StepAdvance, BytesError> {
    const BAD: BytesError = BytesError::Value { field: "advance" };
    if depth > DEEPEST {
        return Err(BAD);
    }
    Ok(match r.byte()? {
        0 => StepAdvance::Manual,
        1 => StepAdvance::Passed {
            beyond_m: r.float("advance")?,
        },
        2 => StepAdvance::NearEnd {
            within_m: r.float("advance")?,
            accuracy_m: r.float("advance")?,
        },
        3 => StepAdvance::AwayFromStep {
            beyond_m: r.float("advance")?,
            accuracy_m: r.float("advance")?,
        },
        4 => StepAdvance::EnterThenLeave {
            enter_m: r.float("advance")?,
            leave_m: r.float("advance")?,
        },
        5 => StepAdvance::All(r.list(1, |r| read_advance(r, depth + 1))?),
        6 => StepAdvance::Any(r.list(1, |r| read_advance(r, depth + 1))?),
        _ => return Err(BAD),
    })
}
