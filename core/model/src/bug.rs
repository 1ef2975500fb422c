//! Faults that the simulation plants on purpose, to show that it would find them.
//!
//! They exist only in a build with `--cfg fieldfare_bugs`, which no product has; everywhere else
//! [`seeded_bug!`](crate::seeded_bug) is the constant `false`.

#[cfg(fieldfare_bugs)]
mod planted {
    use std::cell::Cell;

    thread_local! {
        static PLANTED: Cell<&'static str> = const { Cell::new("") };
    }

    /// Plants one bug in this thread, or none by an empty name.
    pub fn plant_bug(name: &'static str) {
        PLANTED.set(name);
    }

    /// Whether the bug is planted in this thread.
    pub fn is_planted(name: &str) -> bool {
        PLANTED.get() == name
    }
}

#[cfg(fieldfare_bugs)]
pub use planted::{is_planted, plant_bug};

/// Whether a bug is planted here; `false` in every build but the simulation's.
#[macro_export]
macro_rules! seeded_bug {
    ($name:literal) => {{
        #[cfg(fieldfare_bugs)]
        let planted = $crate::bug::is_planted($name);
        #[cfg(not(fieldfare_bugs))]
        let planted = false;
        planted
    }};
}
