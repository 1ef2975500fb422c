//! What was done to the files, and what of it survives a power cut.
//!
//! The model: what a file was told before its last sync is there; of what came after, each write
//! may be there, be missing, or be there in some of its sectors only, in any combination. A file
//! that was never synced may be missing altogether, and a deletion that was not made durable may
//! not have happened.

use std::collections::BTreeMap;

const SECTOR: usize = 512;

/// One thing done to a file below the watched folder. Names are relative to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// The file was made.
    Create {
        /// Which file.
        file: String,
    },
    /// Bytes were written.
    Write {
        /// Which file.
        file: String,
        /// Where, from the start.
        at: u64,
        /// What.
        bytes: Vec<u8>,
    },
    /// The file was cut or stretched.
    Truncate {
        /// Which file.
        file: String,
        /// To how many bytes.
        size: u64,
    },
    /// All before was made durable.
    Sync {
        /// Which file.
        file: String,
    },
    /// The file was deleted.
    Delete {
        /// Which file.
        file: String,
        /// Whether that was made durable at once.
        is_durable: bool,
    },
    /// The code under test began a step of its day.
    Begun(usize),
    /// The code under test said to the outside that a step is done, such as that a visit is kept.
    Done(usize),
}

/// Chooses between `n` fates, by a number below `n`.
pub type Fates<'a> = &'a mut dyn FnMut(u64) -> u64;

/// Fates by the numbers of a seed: SplitMix64 (Steele, Lea, Flood 2014).
pub fn fates_of(seed: u64) -> impl FnMut(u64) -> u64 {
    let mut state = seed;
    move |n| {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % n
    }
}

/// The files after a power cut that came when exactly `entries` had been done. `fates` decides what
/// becomes of what was not synced. O(bytes).
pub fn left_after(entries: &[Entry], fates: Fates<'_>) -> BTreeMap<String, Vec<u8>> {
    let mut files: BTreeMap<&str, File<'_>> = BTreeMap::new();
    for entry in entries {
        let Some(name) = entry.file() else { continue };
        files.entry(name).or_default().note(entry);
    }
    let left = files
        .into_iter()
        .filter_map(|(name, file)| Some((name.to_owned(), file.left(fates)?)));
    left.collect()
}

impl Entry {
    fn file(&self) -> Option<&str> {
        match self {
            Self::Create { file }
            | Self::Write { file, .. }
            | Self::Truncate { file, .. }
            | Self::Sync { file }
            | Self::Delete { file, .. } => Some(file),
            Self::Begun(_) | Self::Done(_) => None,
        }
    }
}

/// One name: what is durable under it, none for no file, and what came after.
#[derive(Default)]
struct File<'a> {
    durable: Option<Vec<u8>>,
    after: Vec<&'a Entry>,
}

impl<'a> File<'a> {
    fn note(&mut self, entry: &'a Entry) {
        match entry {
            Entry::Sync { .. } => {
                for entry in std::mem::take(&mut self.after) {
                    apply(&mut self.durable, entry);
                }
            }
            Entry::Delete {
                is_durable: true, ..
            } => *self = Self::default(),
            other => self.after.push(other),
        }
    }

    fn left(self, fates: Fates<'_>) -> Option<Vec<u8>> {
        let mut content = self.durable;
        for entry in self.after {
            match (entry, fates(3)) {
                (_, 0) => {}
                (Entry::Write { at, bytes, .. }, 1) => tear(&mut content, *at, bytes, fates),
                (entry, _) => apply(&mut content, entry),
            }
        }
        content
    }
}

fn apply(content: &mut Option<Vec<u8>>, entry: &Entry) {
    match (entry, content.as_mut()) {
        (Entry::Create { .. }, None) => *content = Some(Vec::new()),
        (Entry::Delete { .. }, _) => *content = None,
        (Entry::Write { at, bytes, .. }, Some(content)) => write(content, *at, bytes),
        (Entry::Truncate { size, .. }, Some(content)) => {
            content.resize(usize::try_from(*size).unwrap_or(usize::MAX), 0);
        }
        _ => {}
    }
}

fn write(content: &mut Vec<u8>, at: u64, bytes: &[u8]) {
    let start = usize::try_from(at).unwrap_or(usize::MAX);
    let end = start.saturating_add(bytes.len());
    if content.len() < end {
        content.resize(end, 0);
    }
    if let Some(place) = content.get_mut(start..end) {
        place.copy_from_slice(bytes);
    }
}

/// Some of the write's sectors arrive.
fn tear(content: &mut Option<Vec<u8>>, at: u64, bytes: &[u8], fates: Fates<'_>) {
    let Some(content) = content else { return };
    let mut at = at;
    for sector in bytes.chunks(SECTOR) {
        if fates(2) == 0 {
            write(content, at, sector);
        }
        at += sector.len() as u64;
    }
}
