//! The kept inputs harm no decoder, and each target has some.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use fieldfare_decoders::{TARGETS, run};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn here(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)
}

fn names(folder: &Path) -> BTreeSet<String> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|_| panic!("{}", folder.display()));
    let stem = |path: PathBuf| path.file_stem().unwrap().to_str().unwrap().to_owned();
    entries.map(|entry| stem(entry.unwrap().path())).collect()
}

#[test]
fn no_kept_input_harms_a_decoder() {
    for (target, _) in TARGETS {
        let folder = here("corpus").join(target);
        let inputs: Vec<_> = std::fs::read_dir(&folder)
            .unwrap_or_else(|_| panic!("{target} has no corpus"))
            .map(|entry| entry.unwrap().path())
            .collect();
        assert!(!inputs.is_empty(), "{target} has an empty corpus");
        for input in inputs {
            println!("{}", input.display());
            run(target, &std::fs::read(&input).unwrap());
        }
    }
}

#[test]
fn every_target_is_fuzzed_and_kept() {
    let listed: BTreeSet<String> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(names(&here("fuzz/fuzz_targets")), listed);
    assert_eq!(names(&here("corpus")), listed);
}
