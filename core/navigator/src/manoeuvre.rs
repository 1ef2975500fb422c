//! What a driver does where one step ends and the next begins.

use serde::{Deserialize, Serialize};

macro_rules! numbered {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $code:literal $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$vdoc])* $variant = $code,)* }

        impl $name {
            /// Every value, in order of its code.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The number it is stored as.
            pub const fn code(self) -> u8 { self as u8 }

            /// The value of a stored number.
            pub const fn from_code(code: u8) -> Option<Self> {
                match code { $($code => Some(Self::$variant),)* _ => None }
            }

            /// The word OSRM and its relatives use.
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// The value of such a word.
            pub fn from_word(word: &str) -> Option<Self> {
                match word { $($text => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

numbered! {
    /// The kind of a manoeuvre, in the terms of the OSRM API.
    ManoeuvreKind {
        /// The start of a leg.
        Depart = 0 "depart",
        /// The end of a leg.
        Arrive = 1 "arrive",
        /// A plain turn.
        Turn = 2 "turn",
        /// The road changes its name.
        NewName = 3 "new name",
        /// Stay on the road.
        Continue = 4 "continue",
        /// Join a road from the side.
        Merge = 5 "merge",
        /// Enter a ramp.
        OnRamp = 6 "on ramp",
        /// Leave by a ramp.
        OffRamp = 7 "off ramp",
        /// The road splits.
        Fork = 8 "fork",
        /// The road ends in a T.
        EndOfRoad = 9 "end of road",
        /// Enter a roundabout, to leave by the numbered exit.
        Roundabout = 10 "roundabout",
        /// Enter a large, named roundabout.
        Rotary = 11 "rotary",
        /// A roundabout so small that it is a turn.
        RoundaboutTurn = 12 "roundabout turn",
        /// Leave a roundabout.
        ExitRoundabout = 13 "exit roundabout",
        /// Leave a named roundabout.
        ExitRotary = 14 "exit rotary",
        /// Something to know without turning, such as a lane ending.
        Notification = 15 "notification",
        /// Get on or off a ferry.
        Ferry = 16 "ferry",
    }
}

numbered! {
    /// The direction of a manoeuvre.
    Turn {
        /// Back.
        UTurn = 0 "uturn",
        /// More than a right angle to the right.
        SharpRight = 1 "sharp right",
        /// Right.
        Right = 2 "right",
        /// A little to the right.
        SlightRight = 3 "slight right",
        /// Ahead.
        Straight = 4 "straight",
        /// A little to the left.
        SlightLeft = 5 "slight left",
        /// Left.
        Left = 6 "left",
        /// More than a right angle to the left.
        SharpLeft = 7 "sharp left",
    }
}

numbered! {
    /// The side of the road traffic keeps to.
    DrivingSide {
        /// As in most of Europe and America.
        Right = 0 "right",
        /// As in Great Britain, Japan or Australia.
        Left = 1 "left",
    }
}

/// A manoeuvre at the start of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Manoeuvre {
    /// What kind.
    pub kind: ManoeuvreKind,
    /// Which way, where that makes sense.
    pub turn: Option<Turn>,
    /// The exit to take from a roundabout, counted from 1.
    pub exit: Option<u8>,
    /// Course before, whole degrees clockwise from north.
    pub bearing_before: u16,
    /// Course after, whole degrees clockwise from north.
    pub bearing_after: u16,
}

impl Manoeuvre {
    /// A manoeuvre of a kind with nothing else known.
    pub const fn plain(kind: ManoeuvreKind) -> Self {
        Self {
            kind,
            turn: None,
            exit: None,
            bearing_before: 0,
            bearing_after: 0,
        }
    }
}
