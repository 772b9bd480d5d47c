//! `TimeDistributed` around models, and around layers with state, in files of real Keras (`tests/steps/make.py` writes them).

mod goes_on;

use std::path::Path;

use goes_on::Case;
use keras::Registry;

/// Predictions, training, and what is saved then: statistics of each step alone, masks outside and inside, a frozen layer, penalties,
/// operations, a model in the model, two calls, any number of steps.
#[test]
fn files_of_keras_go_on() {
    let files = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/steps/files");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("steps");
    std::fs::create_dir_all(&folder).expect("a folder for the test");
    for name in ["statistics", "masked_statistics", "frozen", "one_layer", "penalties", "images", "sequences"]
    {
        let mut case = Case::open(&files, name, &Registry::new());
        case.goes_on();
        case.survives(&folder.join(format!("{name}.keras")), &Registry::new());
    }
}
