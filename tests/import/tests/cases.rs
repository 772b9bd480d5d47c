//! Every case that can be imported predicts what Keras predicts, with the weights of its file.

use std::collections::{BTreeMap, BTreeSet};

use keras_import_tests::{CASES, Case, REFUSED, check};

/// Cases that are known to fail, with the reason.
const KNOWN: &str = include_str!("../known_failures.txt");
/// Least number of cases where the conformance set is there.
const LEAST: usize = 40;

#[test]
fn imported_models_predict_what_keras_predicts() {
    let set = std::env::var_os("KERAS_CASES").is_some();
    if !set {
        println!("KERAS_CASES is not set: only the cases in tests/import/small are run");
    }
    let known: BTreeMap<&str, &str> = KNOWN.lines().filter_map(|line| line.split_once(" # ")).collect();
    let run = |case: &Case| (case.run)(case).map_err(|e| e.to_string()).and_then(|found| check(case, &found));
    let mut failures: BTreeMap<String, String> =
        REFUSED.iter().map(|(name, error)| (name.to_string(), format!("refused: {error}"))).collect();
    let mut passed = BTreeMap::new();
    for case in CASES {
        match run(case) {
            Ok(()) => *passed.entry(case.name.split('/').next().unwrap_or("")).or_insert(0) += 1,
            Err(error) => _ = failures.insert(case.name.to_string(), format!("{}: {error}", case.module)),
        }
    }
    for (group, count) in &passed {
        println!("{group:20} {count:4} passed");
    }
    let unknown: Vec<String> = failures
        .iter()
        .filter(|(name, _)| !known.contains_key(&name[..]))
        .map(|(name, e)| format!("{name} # {e}"))
        .collect();
    assert!(unknown.is_empty(), "{} cases fail:\n{}", unknown.len(), unknown.join("\n"));
    if set {
        let ran: BTreeSet<&str> = CASES.iter().map(|case| case.name).collect();
        let healed: Vec<&&str> =
            known.keys().filter(|name| ran.contains(*name) && !failures.contains_key(**name)).collect();
        assert!(healed.is_empty(), "these pass now, take them out of known_failures.txt: {healed:?}");
        assert!(ran.len() - failures.len().min(ran.len()) >= LEAST, "only {} cases were imported", ran.len());
    }
    assert!(!CASES.is_empty());
}
