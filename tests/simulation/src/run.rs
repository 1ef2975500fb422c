//! Playing seeds, and making what fails small enough to read.

use crate::action::{self, Action};
use crate::model_phone::ModelPhone;
use crate::model_server::ModelServer;
use crate::oracle::Wrong;
use crate::world::World;
use fieldfare_sync::Epoch;
use std::fmt::Write as _;

/// Which stores are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stores {
    /// Models in memory.
    Models,
}

/// A seed that showed something wrong, with the fewest actions found that show it too.
#[derive(Debug)]
pub struct Finding {
    /// The seed.
    pub seed: u64,
    /// With which stores.
    pub stores: Stores,
    /// What is wrong after the actions.
    pub wrong: String,
    actions: Vec<Action>,
    trace: Vec<String>,
}

impl Finding {
    /// How many actions show it.
    pub const fn len(&self) -> usize {
        self.actions.len()
    }

    /// Whether nothing has to happen for it.
    pub const fn is_empty(&self) -> bool {
        self.actions.is_empty()
    }
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut text = String::new();
        writeln!(
            text,
            "seed {} with {:?}: {}",
            self.seed, self.stores, self.wrong
        )?;
        writeln!(text, "the {} actions that show it:", self.actions.len())?;
        for action in &self.actions {
            writeln!(text, "  {action:?}")?;
        }
        writeln!(text, "what happened:")?;
        for line in &self.trace {
            writeln!(text, "  {line}")?;
        }
        f.write_str(&text)
    }
}

/// Plays a seed.
///
/// # Errors
/// What is wrong, made small.
pub fn play(seed: u64, steps: usize, stores: Stores) -> Result<(), Box<Finding>> {
    let actions = action::actions(seed, steps);
    match attempt(seed, stores, &actions, false) {
        Ok(()) => Ok(()),
        Err((at, wrong, _)) => Err(Box::new(shrink(seed, stores, &actions[..=at], wrong))),
    }
}

type Failure = (usize, Wrong, Vec<String>);

fn attempt(seed: u64, stores: Stores, actions: &[Action], keep_trace: bool) -> Result<(), Failure> {
    match stores {
        Stores::Models => {
            let server = ModelServer::new(Epoch(1));
            act_all(
                World::new(seed, server, 1, ModelPhone::new),
                actions,
                keep_trace,
            )
        }
    }
}

fn act_all<S: crate::server::SimServer, P: crate::phone::SimPhone>(
    mut world: World<S, P>,
    actions: &[Action],
    keep_trace: bool,
) -> Result<(), Failure> {
    if keep_trace {
        world.keep_trace();
    }
    for (at, action) in actions.iter().enumerate() {
        if let Err(wrong) = world.act(*action) {
            return Err((at, wrong, world.trace().to_vec()));
        }
    }
    Ok(())
}

/// How many shorter stories are tried.
const MOST_ATTEMPTS: usize = 600;

/// Leaves out as much as it can while something is still wrong.
fn shrink(seed: u64, stores: Stores, actions: &[Action], wrong: Wrong) -> Finding {
    let mut kept = actions.to_vec();
    let mut last = wrong;
    let mut attempts = 0;
    let mut chunk = kept.len() / 2;
    while chunk > 0 && attempts < MOST_ATTEMPTS {
        let mut at = 0;
        let before = kept.len();
        while at < kept.len() && attempts < MOST_ATTEMPTS {
            let mut shorter = kept.clone();
            shorter.drain(at..(at + chunk).min(kept.len()));
            attempts += 1;
            match attempt(seed, stores, &shorter, false) {
                Err((end, wrong, _)) => {
                    shorter.truncate(end + 1);
                    kept = shorter;
                    last = wrong;
                }
                Ok(()) => at += chunk,
            }
        }
        if kept.len() == before || chunk > 1 {
            chunk /= 2;
        }
    }
    let trace = match attempt(seed, stores, &kept, true) {
        Err((_, wrong, trace)) => {
            last = wrong;
            trace
        }
        Ok(()) => Vec::new(),
    };
    Finding {
        seed,
        stores,
        wrong: last,
        actions: kept,
        trace,
    }
}
