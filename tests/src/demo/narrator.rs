//! What the demo says: a line for each step, with a bar while it runs if somebody is watching.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;
use std::time::{Duration, Instant};

/// Speaks to standard output.
pub struct Narrator {
    is_watched: bool,
    steps: usize,
}

/// A step under way.
pub struct Step {
    bar: ProgressBar,
    is_watched: bool,
    started: Instant,
}

impl Default for Narrator {
    fn default() -> Self {
        Self {
            is_watched: std::io::stdout().is_terminal(),
            steps: 0,
        }
    }
}

impl Narrator {
    /// A headline.
    pub fn headline(&self, text: &str) {
        println!("\n{}", self.bold(text));
    }

    /// Begins a step of `total` parts: its name and what happens in it.
    pub fn begin(&mut self, name: &str, what: &str, total: usize) -> Step {
        self.steps += 1;
        println!(
            "\n{}  {}",
            self.bold(&format!("{}. {name}.", self.steps)),
            self.dim(what)
        );
        let bar = ProgressBar::with_draw_target(Some(total as u64), self.target());
        let style = ProgressStyle::with_template("   {bar:32.cyan/black} {pos}/{len} {msg}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        Step {
            bar,
            is_watched: self.is_watched,
            started: Instant::now(),
        }
    }

    fn target(&self) -> ProgressDrawTarget {
        match self.is_watched {
            true => ProgressDrawTarget::stdout_with_hz(12),
            false => ProgressDrawTarget::hidden(),
        }
    }

    /// Text that stands out, where colours are shown.
    pub fn bold(&self, text: &str) -> String {
        coloured(self.is_watched, "1", text)
    }

    /// Text that steps back, where colours are shown.
    pub fn dim(&self, text: &str) -> String {
        coloured(self.is_watched, "2", text)
    }

    /// A check mark or a cross.
    pub fn mark(&self, good: bool) -> String {
        match good {
            true => coloured(self.is_watched, "32", "✓"),
            false => coloured(self.is_watched, "31", "✗"),
        }
    }
}

impl Step {
    /// How far it is.
    pub fn at(&self, done: usize) {
        self.bar.set_position(done as u64);
    }

    /// What it is doing.
    pub fn says(&self, text: impl Into<String>) {
        self.bar.set_message(text.into());
    }

    /// Something worth a line of its own.
    pub fn tell(&self, text: &str) {
        self.bar.suspend(|| println!("   {text}"));
    }

    /// How long it has run.
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// Ends it; answers how long it took.
    pub fn done(self, text: &str) -> Duration {
        let took = self.started.elapsed();
        self.bar.finish_and_clear();
        let time = coloured(
            self.is_watched,
            "2",
            &format!("({:.1} s)", took.as_secs_f64()),
        );
        println!("   {} {text} {time}", coloured(self.is_watched, "32", "✓"));
        took
    }
}

fn coloured(yes: bool, code: &str, text: &str) -> String {
    if yes {
        format!("\x1b[{code}m{text}\x1b[0m")
    } else {
        text.to_owned()
    }
}

/// `3,850`
pub fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
