//! Callbacks do what Keras' callbacks do: scripted logs with the decisions of real Keras from `fixtures/callbacks.json`, which
//! `callbacks.py` beside it wrote; and what only whole training runs show.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use keras::callbacks::Training;
use keras::model::Compiled;
use keras::prelude::*;
use serde_json::Value;

model! { One([2]) -> [1] = [Dense(1)] }

type Trained = Compiled<One, MeanSquaredError>;

fn compiled() -> Trained {
    let model = Model::<One>::new(Device::default());
    model.compile(SGD::new(0.5), MeanSquaredError::new(), metrics![])
}

/// The cases of one callback.
fn cases(name: &str) -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/callbacks.json");
    let text = std::fs::read_to_string(path).expect("the fixture is there");
    let all: Value = serde_json::from_str(&text).expect("it is JSON");
    let cases = all[name].as_array().expect("a list of cases").clone();
    assert!(cases.len() >= 4, "{name}");
    cases
}

/// A folder of the test's own, empty.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("callbacks").join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("a folder for the test");
    folder
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or(f64::NAN)
}

fn logs_of(row: &Value) -> Logs {
    let mut logs = Logs::new();
    for (name, value) in row.as_object().expect("names and numbers") {
        logs.set(name, number(value));
    }
    logs
}

/// Training whose numbers are written by a script: hooks are called as `fit` calls them.
struct Script {
    model: Trained,
    logs: Logs,
    stop: bool,
    epochs: usize,
}

impl Script {
    fn new(epochs: usize) -> Script {
        Script { model: compiled(), logs: Logs::new(), stop: false, epochs }
    }

    fn call<T>(&mut self, hook: impl FnOnce(&mut Training<'_>) -> keras::Result<T>) -> keras::Result<T> {
        let Script { model, logs, stop, epochs } = self;
        let (epochs, steps, validated) = (*epochs, None, Some(true));
        hook(&mut Training { model, logs, stop, epochs, initial_epoch: 0, steps, validated })
    }

    /// All weights become `value`.
    fn set(&mut self, value: f64) {
        let network = self.model.network_mut();
        for at in 0..network.variables().len() {
            let size = network.variables()[at].size();
            network.write(at, &vec![value; size]).expect("it fits");
        }
    }

    /// Runs a callback; `after` sees the state after each epoch.
    fn run(
        &mut self,
        callback: &mut dyn Callback,
        logs: &[Value],
        mut after: impl FnMut(usize, &Script),
    ) -> keras::Result<()> {
        self.call(|at| callback.on_train_begin(at))?;
        for (epoch, row) in logs.iter().enumerate() {
            self.call(|at| callback.on_epoch_begin(epoch, at))?;
            self.set(epoch as f64);
            self.logs = logs_of(row);
            self.call(|at| callback.on_epoch_end(epoch, at))?;
            after(epoch, self);
            if self.stop {
                break;
            }
        }
        self.call(|at| callback.on_train_end(at))
    }
}

/// Calls the setters that the options of a case name.
macro_rules! with_options {
    ($callback:expr, $case:expr, { $($name:ident: $read:expr),* $(,)? }) => {{
        let mut callback = $callback;
        for (key, value) in $case["options"].as_object().expect("options") {
            callback = match key.as_str() {
                $(stringify!($name) => callback.$name(($read)(value)),)*
                "monitor_" | "filepath" => callback,
                other => panic!("the test knows no option `{other}`"),
            };
        }
        callback
    }};
}

fn mode(value: &Value) -> MonitorMode {
    if value == "max" { MonitorMode::Max } else { MonitorMode::Min }
}

fn count(value: &Value) -> usize {
    number(value) as usize
}

fn yes(value: &Value) -> bool {
    value == true
}

/// A case whose `monitor` is given to `new`.
fn monitor_of(case: &Value) -> (Value, String) {
    let mut case = case.clone();
    let monitor = case["options"].as_object_mut().and_then(|o| o.remove("monitor")).expect("a monitor");
    (case, monitor.as_str().expect("a name").to_string())
}

#[test]
fn early_stopping_decides_as_keras_does() {
    for case in cases("early_stopping") {
        let logs = case["logs"].as_array().expect("logs").clone();
        let (case, monitor) = monitor_of(&case);
        let mut stopping = with_options!(EarlyStopping::new(monitor), case, {
            patience: count,
            min_delta: number,
            mode: mode,
            baseline: number,
            restore_best_weights: yes,
            start_from_epoch: count,
        });
        let mut script = Script::new(logs.len());
        let mut epochs = 0;
        script.run(&mut stopping, &logs, |epoch, _| epochs = epoch + 1).expect("no error");
        let options = &case["options"];
        assert_eq!(epochs, count(&case["epochs"]), "{options}");
        assert_eq!(stopping.stopped_epoch().unwrap_or(0), count(&case["stopped_epoch"]), "{options}");
        assert_eq!(stopping.best_epoch(), count(&case["best_epoch"]), "{options}");
        let network = script.model.network();
        let weights = network.read(&network.variables()[0]);
        assert_eq!(weights[0], number(&case["weights"]), "{options}");
    }
}

#[test]
fn reduce_lr_on_plateau_decides_as_keras_does() {
    for case in cases("reduce_lr") {
        let logs = case["logs"].as_array().expect("logs").clone();
        let (case, monitor) = monitor_of(&case);
        let mut plateau = with_options!(ReduceLROnPlateau::new(monitor), case, {
            patience: count,
            factor: number,
            min_delta: number,
            mode: mode,
            cooldown: count,
            min_lr: number,
        });
        // Keras keeps the rate as a 32-bit float: a rounding for each fall.
        let near = |found: f64, expected: &Value| {
            (found / number(expected) - 1.0).abs() < 14.0 * f64::from(f32::EPSILON)
        };
        let mut script = Script::new(logs.len());
        let run = script.run(&mut plateau, &logs, |epoch, script| {
            let (rate, reported) = (script.model.optimizer().learning_rate(), script.logs["learning_rate"]);
            assert!(near(rate, &case["rates"][epoch]), "{} epoch {epoch}: {rate}", case["options"]);
            assert!(
                near(reported, &case["reported"][epoch]),
                "{} epoch {epoch}: {reported}",
                case["options"]
            );
        });
        run.expect("no error");
    }
}

/// Names of the files in a folder, which are removed.
fn take(folder: &Path) -> Vec<String> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        std::fs::remove_file(&path).expect("a file");
        names.push(path.file_name().expect("a name").to_string_lossy().into_owned());
    }
    names.sort();
    names
}

#[test]
fn model_checkpoint_saves_what_keras_saves() {
    let folder = folder("checkpoints");
    for case in cases("checkpoints") {
        let options = &case["options"];
        let pattern = folder.join(options["filepath"].as_str().expect("a name"));
        let freq = |value: &Value| SaveFreq::Batches(count(value));
        let name = |value: &Value| value.as_str().expect("a name").to_string();
        let mut checkpoint = with_options!(ModelCheckpoint::new(pattern.to_string_lossy()), case, {
            monitor: name,
            save_best_only: yes,
            save_weights_only: yes,
            mode: mode,
            save_freq: freq,
            initial_value_threshold: number,
        });
        let logs = case["logs"].as_array().expect("logs");
        let mut script = Script::new(logs.len());
        script.call(|at| checkpoint.on_train_begin(at)).expect("no error");
        let mut all = Vec::new();
        for (epoch, row) in logs.iter().enumerate() {
            script.call(|at| checkpoint.on_epoch_begin(epoch, at)).expect("no error");
            script.logs = logs_of(row);
            let mut batches = Vec::new();
            for batch in 0..4 {
                script.call(|at| checkpoint.on_train_batch_end(batch, at)).expect("no error");
                let names = take(&folder);
                if !names.is_empty() {
                    batches.push(batch);
                }
                all.extend(names);
            }
            assert_eq!(serde_json::json!(batches), case["batches"][epoch], "{options} epoch {epoch}");
            script.call(|at| checkpoint.on_epoch_end(epoch, at)).expect("no error");
            let saved = take(&folder);
            assert_eq!(serde_json::json!(saved), case["saved"][epoch], "{options} epoch {epoch}");
            all.extend(saved);
        }
        all.sort();
        all.dedup();
        assert_eq!(serde_json::json!(all), case["files"], "{options}");
    }
}

#[test]
fn csv_logger_writes_what_keras_writes() {
    let path = folder("csv").join("log.csv");
    for case in cases("csv") {
        let _ = std::fs::remove_file(&path);
        let separator = |value: &Value| value.as_str().and_then(|s| s.chars().next()).expect("a character");
        let mut logger = with_options!(CSVLogger::new(&path), case, { separator: separator, append: yes });
        for logs in case["logs"].as_array().expect("two runs") {
            let logs = logs.as_array().expect("logs");
            Script::new(logs.len()).run(&mut logger, logs, |_, _| {}).expect("no error");
        }
        let text = std::fs::read_to_string(&path).expect("written");
        assert_eq!(text, case["text"].as_str().expect("a text"), "{}", case["options"]);
    }
}

type X = Batch<D1<2>>;

/// The sum of two numbers.
fn data(n: usize) -> (X, Batch<D0>) {
    let x: Vec<f32> = (0..2 * n).map(|i| ((i * 7919 + 13) % 1000) as f32 / 500.0 - 1.0).collect();
    let y = x.chunks(2).map(|pair| pair[0] + pair[1]).collect();
    (Batch::new(x).expect("whole samples"), Batch::new(y).expect("whole samples"))
}

#[test]
fn what_is_not_there_cannot_be_watched() -> keras::Result<()> {
    let (x, y) = data(20);
    let folder = folder("unknown");
    let best = || ModelCheckpoint::new(folder.join("best.keras").to_string_lossy()).save_best_only(true);
    let error = |callback: &mut dyn Callback| {
        let mut model = compiled();
        let fit = model.fit(&x, &y).validation_split(0.5).callback(callback).verbose(Verbose::Silent);
        fit.run().expect_err("refused").to_string()
    };
    for (name, found) in [
        ("EarlyStopping", error(&mut EarlyStopping::new("val_loss2"))),
        ("ReduceLROnPlateau", error(&mut ReduceLROnPlateau::new("val_loss2"))),
        ("ModelCheckpoint", error(&mut best().monitor("val_loss2"))),
    ] {
        assert!(found.starts_with(&format!("{name}: there is no `val_loss2` to watch, only ")), "{found}");
        assert!(found.contains("loss, val_loss"), "{found}");
    }
    let unknown = error(&mut EarlyStopping::new("gini"));
    assert!(unknown.contains("set the mode"), "{unknown}");
    let mut model = compiled();
    let none = model.fit(&x, &y).callback(EarlyStopping::new("val_loss")).verbose(Verbose::Silent).run();
    let none = none.expect_err("refused").to_string();
    assert!(none.ends_with("only loss; there are no samples for validation"), "{none}");

    // Epochs without validation do not count.
    let mut stopping = EarlyStopping::new("val_loss").min_delta(1e9).patience(2);
    let mut checkpoint = best();
    let fit = model.fit(&x, &y).validation_split(0.5).validation_freq(3).epochs(30);
    let fit =
        fit.callback(&mut stopping).callback(&mut checkpoint).callback(ReduceLROnPlateau::new("val_loss"));
    let history = fit.verbose(Verbose::Silent).run()?;
    // Validated after epochs 3, 6 and 9; the first is the best.
    assert_eq!((stopping.best_epoch(), history.epochs().len()), (2, 9));
    let validated: Vec<usize> = (0..9).filter(|i| !history["val_loss"][*i].is_nan()).collect();
    assert_eq!(validated, [2, 5, 8]);
    let fit = model.fit(&x, &y).validation_split(0.5).validation_freq([1, 4]).epochs(5);
    let history = fit.verbose(Verbose::Silent).run()?;
    let validated: Vec<usize> = (0..5).filter(|i| !history["val_loss"][*i].is_nan()).collect();
    assert_eq!(validated, [0, 3]);
    Ok(())
}

#[test]
fn options_that_cannot_be_honoured_are_errors() {
    let (x, y) = data(20);
    let run = |callback: &mut dyn Callback| {
        let mut model = compiled();
        model.fit(&x, &y).callback(callback).verbose(Verbose::Silent).run().map(|_| ())
    };
    let error = |callback: &mut dyn Callback| run(callback).expect_err("refused").to_string();
    assert!(
        error(&mut ReduceLROnPlateau::new("loss").factor(1.0)).contains("`factor` must be below 1, is 1")
    );
    assert!(error(&mut ModelCheckpoint::new("net.h5")).contains("must end in `.keras`, found `net.h5`"));
    assert!(error(&mut ModelCheckpoint::new("net.keras").save_weights_only(true)).contains("`.weights.h5`"));
    assert!(
        error(&mut ModelCheckpoint::new("net.keras").save_freq(SaveFreq::Batches(0)))
            .contains("at least 1 batch")
    );
    assert!(
        error(&mut BackupAndRestore::new("x").save_freq(SaveFreq::Batches(0))).contains("at least 1 batch")
    );
    assert!(error(&mut BackupAndRestore::new("")).contains("the name of the folder is empty"));
    // A file stands where a folder is wanted: nobody can write there, not even root.
    let file = folder("unwritable").join("file");
    std::fs::write(&file, "not a folder").expect("written");
    let below = file.join("net.keras");
    for found in [
        error(&mut ModelCheckpoint::new(below.to_string_lossy())),
        error(&mut CSVLogger::new(&below)),
        error(&mut BackupAndRestore::new(&below)),
    ] {
        assert!(found.starts_with(&file.display().to_string()), "{found}");
    }
    // A rate that follows a schedule is not set.
    let schedule = schedules::ExponentialDecay::new(0.1, 10.0, 0.9);
    let model = Model::<One>::new(Device::default());
    let mut model = model.compile(SGD::new(schedule), MeanSquaredError::new(), metrics![]);
    let fit = model.fit(&x, &y).callback(LearningRateScheduler::new(|_, rate| rate)).verbose(Verbose::Silent);
    assert!(fit.run().expect_err("refused").to_string().contains("follows ExponentialDecay"));
}

#[test]
fn terminate_on_nan_ends_training_gently_or_not() -> keras::Result<()> {
    let (mut x, y) = data(20);
    x.as_mut_slice()[39] = f32::INFINITY;
    let ended = std::sync::atomic::AtomicBool::new(false);
    let note = || {
        LambdaCallback::new().on_train_end(|_, _| {
            ended.store(true, std::sync::atomic::Ordering::SeqCst);
            Ok(())
        })
    };
    let mut model = compiled();
    let fit = model.fit(&x, &y).shuffle(false).batch_size(5).epochs(3).verbose(Verbose::Silent);
    let history = fit.callback(TerminateOnNaN::new()).callback(note()).run()?;
    assert_eq!((history.epochs(), ended.swap(false, std::sync::atomic::Ordering::SeqCst)), (&[0][..], true));
    let mut model = compiled();
    let fit = model.fit(&x, &y).shuffle(false).batch_size(5).epochs(3).verbose(Verbose::Silent);
    let error =
        fit.callback(TerminateOnNaN::new().raise_error(true)).callback(note()).run().expect_err("raised");
    assert!(error.to_string().starts_with("NaN or Inf loss encountered at batch 3. Loss value: "), "{error}");
    assert!(!ended.load(std::sync::atomic::Ordering::SeqCst));
    Ok(())
}

model! { Backed([6]) -> [3] = [Dense(16, activation = relu), Dropout(0.3), Dense(3, activation = softmax)] }

/// Trains with a backup in `folder`, as slowly as `pause` says; the final weights.
fn train_with_backup(folder: &Path, pause: u64) -> Vec<Vec<f64>> {
    let x: Vec<f32> = (0..60 * 6).map(|i| ((i * 7919 + 13) % 1000) as f32 / 500.0 - 1.0).collect();
    let x: Batch<D1<6>> = Batch::new(x).expect("whole samples");
    let y: Batch<D0, u8> = Batch::new((0..60).map(|i| i as u8 % 3).collect()).expect("whole samples");
    let rate = schedules::CosineDecay::new(0.05, 60.0);
    let mut model = Model::<Backed>::with_seed(Device::default(), 9).compile(
        Adam::new(rate),
        SparseCategoricalCrossentropy::new(),
        metrics![],
    );
    let slow = LambdaCallback::new().on_train_batch_begin(move |_, _| {
        std::thread::sleep(std::time::Duration::from_millis(pause));
        Ok(())
    });
    let backup = BackupAndRestore::new(folder).double_checkpoint(true);
    let fit = model.fit(&x, &y).epochs(12).batch_size(16).callback(slow).callback(backup);
    fit.verbose(Verbose::Silent).run().expect("trains");
    let network = model.network();
    network.variables().iter().map(|v| network.read(v)).collect()
}

/// Not a test: the child that [`training_that_is_killed_goes_on_bit_for_bit`] kills.
#[test]
fn train_until_killed() {
    let Some(folder) = std::env::var_os("KERAS_TEST_TRAIN_UNTIL_KILLED") else { return };
    train_with_backup(Path::new(&folder), 8);
}

#[test]
fn training_that_is_killed_goes_on_bit_for_bit() {
    let whole = train_with_backup(&folder("not_killed"), 0);
    let folder = folder("killed");
    let mut kills = 0;
    // 48 steps of at least 8 ms: killed somewhere after the first epochs, again and again.
    for round in 0..4 {
        let mut child = Command::new(std::env::current_exe().expect("this test"))
            .args(["--exact", "train_until_killed", "--nocapture"])
            .env("KERAS_TEST_TRAIN_UNTIL_KILLED", &folder)
            .stdout(Stdio::null())
            .spawn()
            .expect("the test starts");
        std::thread::sleep(std::time::Duration::from_millis(120 + 31 * round));
        kills += usize::from(child.try_wait().expect("it can be asked").is_none());
        child.kill().expect("it can be killed");
        child.wait().expect("it ends");
    }
    assert!(kills > 0, "no child ran long enough to be killed");
    assert_eq!(train_with_backup(&folder, 0), whole);
    assert!(!folder.exists(), "the backup is removed at the end");
}

#[test]
fn a_backup_is_found_damaged_kept_or_of_python() -> keras::Result<()> {
    let (x, y) = data(40);
    let folder = folder("backup");
    let run = |epochs: usize, double: bool| -> keras::Result<(History, Trained)> {
        let mut model = compiled();
        let backup = BackupAndRestore::new(&folder).delete_checkpoint(false).double_checkpoint(double);
        let history = model.fit(&x, &y).epochs(epochs).callback(backup).verbose(Verbose::Silent).run()?;
        Ok((history, model))
    };
    assert_eq!(run(3, true)?.0.epochs(), [0, 1, 2]);
    // It is there: nothing remains to do, or two epochs.
    assert!(run(3, true)?.0.epochs().is_empty());
    assert_eq!(run(5, true)?.0.epochs(), [3, 4]);
    // Half a file: the one before is used.
    let latest = folder.join("latest.weights.h5");
    let bytes = std::fs::read(&latest).expect("there");
    std::fs::write(&latest, &bytes[..bytes.len() / 2]).expect("written");
    assert_eq!(run(6, true)?.0.epochs(), [4, 5]);
    // Without one before it is an error that names the file.
    std::fs::write(&latest, &bytes[..bytes.len() / 2]).expect("written");
    for name in ["latest.weights.h5.bkp", "training_metadata.json.bkp"] {
        std::fs::remove_file(folder.join(name)).expect("there");
    }
    let error = run(6, false).map(|_| ()).expect_err("damaged").to_string();
    assert!(error.starts_with(&latest.display().to_string()), "{error}");
    // Weights without progress of ours and a metadata file beside them: what Python Keras leaves.
    let (_, model) = {
        std::fs::remove_file(&latest).expect("there");
        run(2, false)?
    };
    model.save_weights(&latest)?;
    std::fs::write(folder.join("training_metadata.json"), r#"{"epoch": 4, "batch": 0}"#).expect("written");
    assert_eq!(run(6, false)?.0.epochs(), [4, 5]);
    std::fs::write(folder.join("training_metadata.json"), "{").expect("written");
    model.save_weights(&latest)?;
    assert!(run(6, false).is_err());
    Ok(())
}

#[test]
fn a_backup_within_an_epoch_starts_that_epoch_again() -> keras::Result<()> {
    let (x, y) = data(40);
    let folder = folder("batches");
    let backup = || BackupAndRestore::new(&folder).save_freq(SaveFreq::Batches(3)).delete_checkpoint(false);
    let mut model = compiled();
    // Eight batches an epoch: the last save is after batch 15, the seventh of the second epoch.
    model.fit(&x, &y).epochs(2).batch_size(5).callback(backup()).verbose(Verbose::Silent).run()?;
    let text = std::fs::read_to_string(folder.join("training_metadata.json")).expect("there");
    assert_eq!(text, r#"{"epoch":1,"batch":6}"#);
    let mut other = compiled();
    let fit = other.fit(&x, &y).epochs(3).batch_size(5).callback(backup());
    assert_eq!(fit.verbose(Verbose::Silent).run()?.epochs(), [1, 2]);
    Ok(())
}

/// Needs the environment variable `KERAS_PYTHON`.
#[test]
fn python_keras_goes_on_from_a_backup() -> keras::Result<()> {
    let Some(python) = std::env::var_os("KERAS_PYTHON") else {
        eprintln!("skipped: KERAS_PYTHON does not name a Python with Keras");
        return Ok(());
    };
    let (x, y) = data(40);
    let folder = folder("for_python");
    let ours = |epochs: usize| {
        let mut model = compiled();
        let backup = BackupAndRestore::new(&folder).delete_checkpoint(false);
        let fit = model.fit(&x, &y).epochs(epochs).batch_size(5).callback(backup);
        fit.verbose(Verbose::Silent).run()
    };
    assert_eq!(ours(2)?.epochs(), [0, 1]);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/keras/resume_backup.py");
    let done = Command::new(python).arg(script).arg(&folder).arg("5").output().expect("Python runs");
    // Eight batches an epoch here, one there.
    let printed = String::from_utf8_lossy(&done.stdout).into_owned();
    assert_eq!(printed.trim(), "[2, 3, 4] 19", "{}", String::from_utf8_lossy(&done.stderr));
    // And back.
    assert_eq!(ours(6)?.epochs(), [5]);
    Ok(())
}
