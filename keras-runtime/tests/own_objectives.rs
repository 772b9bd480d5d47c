//! Losses and metrics of one's own: their values and gradients are those of real Keras with the same function
//! (`tests/fixtures/ops.json`, which `ops.py` beside it wrote), training with them works, files name them.

extern crate keras_runtime as keras;

use keras::layers::core::Dense;
use keras::losses::{Loss, Reduction, from_config};
use keras::metrics;
use keras::metrics::{IntoMetric, Metric, Values};
use keras::model::{Batch, Compiled, D0, D1, Model};
use keras::optimizers::{Adam, SGD};
use keras::training::formula::{Interpreter, Tape};
use keras::training::{TrainedModel, Verbose};
use keras::{DType, Device, Registry, Shape, Tensor};
use keras_macros::{loss, metric, model};
use serde_json::{Value, json};

/// The fourth power of the error.
#[loss]
fn quartic(y_true: Tensor, y_pred: Tensor) -> Tensor {
    mean(square(square(y_true - y_pred)), -1)
}

#[loss]
fn focal(y_true: Tensor, y_pred: Tensor, gamma: f64) -> Tensor {
    let p = softmax(y_pred, -1);
    -sum(y_true * power(1.0 - p, gamma) * log_softmax(y_pred, -1), -1)
}

#[loss]
fn elementwise(y_true: Tensor, y_pred: Tensor) -> Tensor {
    let error = y_true - y_pred;
    where_(greater(y_true, 0.0), abs(error), 0.5 * square(error))
}

#[loss]
fn whole(y_true: Tensor, y_pred: Tensor) -> Tensor {
    sqrt(mean(square(y_true - y_pred), []))
}

#[loss]
fn centred(y_true: Tensor, y_pred: Tensor) -> Tensor {
    let error = y_true - y_pred;
    let centred = error - mean(error, keepdims(-1));
    logsumexp(centred, -1) + max(error, -1) - min(erf(y_pred), -1)
}

/// With labels that are numbers of classes.
#[loss(sparse)]
fn sparse(y_true: Tensor, y_pred: Tensor) -> Tensor {
    sum(y_true * square(1.0 - sigmoid(y_pred)), -1)
}

#[loss]
fn smooth(y_true: Tensor, y_pred: Tensor, smoothing: f64) -> Tensor {
    let y_true = y_true * (1.0 - smoothing) + smoothing / y_pred.dim(-1) as f64;
    -sum(y_true * log_softmax(y_pred, -1), -1)
}

#[metric]
fn within(y_true: Tensor, y_pred: Tensor) -> Tensor {
    less(abs(y_true - y_pred), 0.5)
}

#[metric]
fn agree(y_true: Tensor, y_pred: Tensor) -> Tensor {
    equal(argmax(y_true, -1), argmax(y_pred, -1))
}

#[metric]
fn rounded(y_true: Tensor, y_pred: Tensor) -> Tensor {
    mean(round(floor(y_pred * 3) / 2) + sign(y_true), -1)
}

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/ops.json");

fn cases() -> Vec<Value> {
    let text = std::fs::read_to_string(FILE).expect("the fixtures");
    let file: Value = serde_json::from_str(&text).expect("valid JSON");
    file["objectives"].as_array().expect("cases").clone()
}

fn floats(json: &Value) -> Vec<f32> {
    json.as_array().expect("a list").iter().map(|v| v.as_f64().expect("a number") as f32).collect()
}

fn reduction(case: &Value) -> Reduction {
    Reduction::from_name(case["reduction"].as_str().expect("a name")).expect("a reduction")
}

fn loss_of(case: &Value) -> Box<dyn Loss> {
    let reduction = reduction(case);
    match case["name"].as_str().expect("a name") {
        "quartic" => Box::new(quartic.reduction(reduction)),
        "focal" => Box::new(focal(2.0).reduction(reduction)),
        "elementwise" => Box::new(elementwise.reduction(reduction)),
        "whole" => Box::new(whole.reduction(reduction)),
        "centred" => Box::new(centred.reduction(reduction)),
        "sparse" => Box::new(sparse.reduction(reduction)),
        "smooth" => Box::new(smooth(0.1).reduction(reduction)),
        other => panic!("there is no `{other}` here"),
    }
}

fn metric_of(case: &Value) -> Box<dyn Metric> {
    match case["name"].as_str().expect("a name") {
        "quartic" => quartic.reduction(reduction(case)).into_metric(),
        "focal" => focal(2.0).into_metric(),
        "elementwise" => elementwise.reduction(reduction(case)).into_metric(),
        "whole" => whole.into_metric(),
        "centred" => centred.into_metric(),
        "sparse" => sparse.into_metric(),
        "smooth" => smooth(0.1).into_metric(),
        "within" => within.into_metric(),
        "agree" => agree.into_metric(),
        "rounded" => rounded.into_metric(),
        other => panic!("there is no `{other}` here"),
    }
}

fn close(what: &str, found: f64, expected: f64) {
    assert!(
        (found - expected).abs() <= 2e-6 + 1e-5 * expected.abs(),
        "{what} is {found}, Keras has {expected}"
    );
}

model! {
    Plain([4]) -> [4] = [Dense(4, use_bias = false)]
}

/// One step of gradient descent from the identity on the predictions themselves yields the gradient.
#[test]
fn losses_are_those_of_keras() {
    for case in cases().iter().filter(|case| !case["loss"].is_null()) {
        let name = format!("{} {} {}", case["name"], case["reduction"], case["weights"]);
        let (y, p) = (floats(&case["labels"]["values"]), floats(&case["predictions"]["values"]));
        let loss = loss_of(case);
        let numbers = case["name"] == "sparse";
        // Each sample alone, so that the kernel's gradient is x^T dp: with x the unit matrix's rows it is dp.
        let rows = p.len() / 4;
        let weights = (!case["weights"].is_null()).then(|| floats(&case["weights"]));
        let unit: Vec<f32> = (0..rows).flat_map(|i| (0..4).map(move |j| f32::from(i == j))).collect();
        let x = Batch::<D1<4>>::new(unit).expect("data");
        let mut model = Model::<Plain>::new(Device::cpu()).compile(SGD::new(1.0), loss, metrics![]);
        let mut kernel = p.clone();
        kernel.resize(16, 0.0);
        set_kernel(&mut model, &kernel);
        let value = if numbers {
            let y: Vec<i32> = y.iter().map(|y| *y as i32).collect();
            fit(&mut model, &x, &Batch::<D0, i32>::new(y).expect("labels"), weights.as_deref())
        } else {
            fit(&mut model, &x, &Batch::<D1<4>>::new(y).expect("labels"), weights.as_deref())
        };
        close(&name, value, case["loss"].as_f64().expect("a number"));
        let now = kernel_of(&model);
        for (i, expected) in floats(&case["gradient"]).iter().enumerate() {
            let found = f64::from(kernel[i]) - now[i];
            // A difference of two 32-bit floats.
            assert!(
                (found - f64::from(*expected)).abs() < 2e-6 + 2e-5 * f64::from(expected.abs()),
                "{name}: gradient {i} is {found}, JAX has {expected}"
            );
        }
    }
}

fn fit<Y: keras::model::Ports>(
    model: &mut Compiled<Plain, Box<dyn Loss>>,
    x: &Batch<D1<4>>,
    y: &Y,
    weights: Option<&[f32]>,
) -> f64 {
    let fit = model.fit(x, y).epochs(1).shuffle(false).verbose(Verbose::Silent);
    let fit = match weights {
        Some(weights) => fit.sample_weight(weights),
        None => fit,
    };
    fit.run().expect("training").last("loss").expect("the loss")
}

fn set_kernel<L>(model: &mut Compiled<Plain, L>, kernel: &[f32]) {
    let values: Vec<f64> = kernel.iter().map(|v| f64::from(*v)).collect();
    model.network_mut().write(0, &values).expect("a kernel of this size");
}

fn kernel_of<L>(model: &Compiled<Plain, L>) -> Vec<f64> {
    model.network().read(&model.network().variables()[0])
}

#[test]
fn metrics_are_those_of_keras() {
    for case in &cases() {
        let name = format!("{} {}", case["name"], case["weights"]);
        let (y, p) = (floats(&case["labels"]["values"]), floats(&case["predictions"]["values"]));
        let rows = p.len() / 4;
        let labels = if case["name"] == "sparse" { Shape::of(&[rows]) } else { Shape::of(&[rows, 4]) };
        let weights = (!case["weights"].is_null()).then(|| floats(&case["weights"]));
        let mut metric = metric_of(case);
        metric.check(labels, Shape::of(&[rows, 4])).expect("labels that fit");
        // In two batches, the second time without what came before.
        for _ in 0..2 {
            metric.reset();
            for (from, to) in [(0, 1), (1, rows)] {
                // Functions over the whole batch are one number a batch.
                let (from, to) = if case["name"] == "whole" { (0, rows) } else { (from, to) };
                let width = labels.size() / rows;
                let labels = Values::new(&y[from * width..to * width], labels.with_dim(0, to - from));
                let predictions = Values::new(&p[from * 4..to * 4], Shape::of(&[to - from, 4]));
                metric.update(labels, predictions, weights.as_ref().map(|w| &w[from..to]));
            }
        }
        close(&name, metric.result(), case["metric"].as_f64().expect("a number"));
    }
}

/// One loss for each kind of function.
mod formulas {
    use super::*;

    /// `name { body }`: a loss of each body over `t` and `p`.
    macro_rules! formulas {
        ($t:ident $p:ident $($name:ident { $($body:tt)* })*) => {
            $(
                #[loss]
                fn $name($t: Tensor, $p: Tensor) -> Tensor { $($body)* }
            )*
            pub(super) fn all() -> Vec<(&'static str, Box<dyn Loss>)> {
                vec![$((stringify!($name), Box::new($name))),*]
            }
        };
    }

    formulas! { t p
        roots { exp(p) + log(p) * sqrt(p) - rsqrt(p) * reciprocal(p) }
        logarithms { expm1(p) * log1p(p) + log2(p) - log10(p) }
        circular { sin(p) * cos(p) + tan(p) - arcsin(p) * arccos(p) + arctan(p) }
        hyperbolic { sinh(p) + cosh(p) * tanh(p) + arcsinh(p) + arccosh(p + 1.5) * arctanh(p) }
        sigmoids { erf(p) + absolute(-p) * sigmoid(p) - softplus(p) + relu(p - 0.5) + log_sigmoid(p) }
        powers { power(p, t) + power(t, p) - power(p, 3.0) }
        angles { arctan2(p, t) * arctan2(t, p + 0.1) }
        remainders { (p * 3) % t - (t + 2.1) % p }
        choices { maximum(p, t) * minimum(p, 0.6) + where_(greater(p, t), p * t, square(p)) + clip(p, 0.4, 0.7) }
        softmaxes { softmax(p, -1) * log_softmax(p * t, -1) }
        extremes { max(p, keepdims(-1)) * min(p * t, keepdims(-1)) * p }
        activations { gelu(p) + elu(p - 0.5) * selu(p) + silu(p) - mish(p) * softsign(p) + hard_silu(p) }
        flat { p * stop_gradient(round(p) + floor(3 * p)) + p * cast(less(p, t), DType::F32) }
        rows { mean(p * t, -1) + logsumexp(p, -1) * sum(p * t, -1) }
        alone { squeeze(expand_dims(sum(p * t, -1), -1), -1) }
    }
}

/// Every function that a row formula may have: its gradient in 64 bits against finite differences.
#[test]
fn gradients_of_every_function() {
    // Multiples of 1/64, so that a step of a power of two is exact.
    let (t, p) = ([0.3125f32, 0.625, 0.453125, 0.78125], [0.515625f32, 0.328125, 0.734375, 0.421875]);
    for (name, loss) in formulas::all() {
        let tape = Tape::new(4);
        let (labels, predictions) = (tape.element(0), tape.element(1));
        let value = loss.rows(labels, predictions);
        let slope = value.gradient(tape.constant(1.0), predictions);
        let mut value = Interpreter::new(value);
        for i in 0..4 {
            // The interpreter yields rows: one element is the sum of it alone.
            let mut one = Interpreter::new((slope * tape.element(2)).sum());
            let found = one.row(&|input, j| match input {
                0 => t[j],
                1 => p[j],
                _ => f32::from(i == j),
            });
            let mut at = |delta: f32| {
                value.row(&|input, j| if input == 0 { t[j] } else { p[j] + if i == j { delta } else { 0.0 } })
            };
            let step = 1.0 / 65_536.0;
            let expected = (at(step) - at(-step)) / f64::from(2.0 * step);
            // The square of the step times third derivatives of some hundreds.
            let close = (found - expected).abs() < 1e-7 * (1.0 + expected.abs());
            assert!(close, "{name}, element {i}: {found}, differences say {expected}");
        }
    }
}

model! {
    Line([2]) -> [1] = [Dense(1)]
}
model! {
    Twice(x: [2]) -> (value: [1], class: [3]) {
        (Dense(1)(x), Dense(3)(x))
    }
}

fn points() -> (Batch<D1<2>>, Batch<D0>) {
    let x: Vec<f32> = (0..64).map(|i| ((i * 37 % 64) as f32) / 32.0 - 1.0).collect();
    let y = x.chunks(2).map(|x| 2.0 * x[0] - x[1] + 0.5).collect();
    (Batch::new(x).expect("data"), Batch::new(y).expect("labels"))
}

/// With a number that is an option and a choice between two formulas.
#[loss]
fn either(y_true: Tensor, y_pred: Tensor, squared: bool, scale: f32) -> Tensor {
    let error = scale * (y_true - y_pred);
    if squared { square(error) } else { abs(error) }
}

#[test]
fn training_minimises() {
    let (x, y) = points();
    let mut model = Model::<Line>::with_seed(Device::cpu(), 3).compile(
        Adam::new(0.05),
        quartic,
        metrics![quartic, within],
    );
    let before = model.evaluate(&x, &y).expect("numbers").get("loss").expect("the loss");
    let history = model.fit(&x, &y).epochs(300).verbose(Verbose::Silent).run().expect("training");
    let last = history.last("loss").expect("the loss");
    // The fourth power is flat near its minimum.
    assert!(before > 0.1 && last < 1e-3 * before, "{before} to {last}");
    // The loss in 32 bits, the metric in 64.
    let metric = history.last("quartic").expect("the metric");
    assert!((metric - last).abs() < 1e-6 * last, "{metric}, {last}");
    assert_eq!(history.last("within").map(|share| share > 0.9), Some(true));

    for (squared, bound) in [(true, 1e-3), (false, 0.1)] {
        let mut model = Model::<Line>::with_seed(Device::cpu(), 3).compile(
            Adam::new(0.05),
            either(squared, 2.0),
            metrics![],
        );
        let history = model.fit(&x, &y).epochs(200).verbose(Verbose::Silent).run().expect("training");
        let last = history.last("loss").expect("the loss");
        assert!(last < bound, "{squared}: {last}");
    }
}

/// One loss for each output, labels typed one by one.
#[test]
fn losses_of_several_outputs() {
    let (x, y) = points();
    let classes: Vec<u8> =
        y.as_slice().iter().map(|y| if *y < 0.0 { 0 } else { 1 + u8::from(*y > 1.0) }).collect();
    let labels = (y, Batch::<D0, u8>::new(classes).expect("labels"));
    let losses = (quartic.name("fourth"), sparse.reduction(Reduction::Sum));
    let metrics = (metrics![within], metrics![keras::metrics::Accuracy]);
    let mut model = Model::<Twice>::with_seed(Device::cpu(), 1).compile(Adam::new(0.05), losses, metrics);
    let history = model.fit(&x, &labels).epochs(100).verbose(Verbose::Silent).run().expect("training");
    for name in ["value_loss", "class_loss"] {
        let all = history.get(name).expect("a loss of each output");
        assert!(all[99] < 0.3 * all[0], "{name}: {} to {}", all[0], all[99]);
    }
    assert!(history.last("value_within").is_some_and(|share| share > 0.9));
}

#[test]
fn files_hold_names() {
    let function = |name: &str| json!({"module": "builtins", "class_name": "function", "config": name, "registered_name": "function"});
    assert_eq!(quartic.to_json(), function("quartic"));
    assert_eq!(within.into_metric().to_json(), function("within"));
    assert_eq!(quartic.into_metric().to_json(), function("quartic"));
    // As Keras' own wrapper of a function writes it.
    assert_eq!(
        focal(2.5).reduction(Reduction::Sum).name("f").to_json(),
        json!({
            "module": "keras.src.losses.losses",
            "class_name": "LossFunctionWrapper",
            "config": {"name": "f", "reduction": "sum", "fn": function("focal"), "gamma": 2.5},
            "registered_name": "LossFunctionWrapper",
        })
    );
    for json in [quartic.to_json(), focal(2.5).to_json()] {
        let message = from_config(&json, &Registry::new())
            .err()
            .expect("a function that a file cannot hold")
            .to_string();
        assert!(
            message.contains(
                "a file holds its name alone: register it (`Registry::new().register_loss::<..>()`)"
            ),
            "{message}"
        );
    }
    let message =
        metrics::from_config(&function("within"), &Registry::new()).err().expect("the same").to_string();
    assert!(message.contains("`within` is a function of the program that saved the model"), "{message}");
    // Keras' own functions by their names.
    assert_eq!(
        from_config(&function("mean_squared_error"), &Registry::new()).expect("a loss of Keras").class_name(),
        "MeanSquaredError"
    );
    assert_eq!(
        metrics::from_config(&function("mean_absolute_error"), &Registry::new()).expect("a metric").name(),
        "mean_absolute_error"
    );
}

#[test]
fn a_saved_model_predicts_and_is_compiled_anew() {
    let folder = std::env::temp_dir().join(format!("keras-own-objectives-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let path = folder.join("line.keras");
    let (x, y) = points();
    let mut model = Model::<Line>::new(Device::cpu()).compile(Adam::new(0.1), quartic, metrics![within]);
    model.fit(&x, &y).epochs(1).verbose(Verbose::Silent).run().expect("training");
    model.save(&path).expect("a file");
    let expected = model.predict(&x).expect("predictions");
    let again = Model::<Line>::load(&path, Device::cpu()).expect("the weights");
    let mut again = again.compile(Adam::new(0.1), quartic, metrics![within]);
    assert_eq!(again.predict(&x).expect("predictions").as_slice(), expected.as_slice());
    let loaded = keras::graph::load_model(&path).expect("the model");
    drop(loaded);
    std::fs::remove_dir_all(&folder).expect("the folder is ours");
}

/// Real Keras opens a file with functions of the same names, evaluates the same and trains on. Needs the environment variable
/// `KERAS_PYTHON`.
#[test]
fn keras_opens_it_with_the_same_functions() {
    let Some(python) = std::env::var_os("KERAS_PYTHON") else {
        eprintln!("skipped: KERAS_PYTHON does not name a Python with Keras");
        return;
    };
    let folder = std::env::temp_dir().join(format!("keras-own-in-keras-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let (x, y) = points();
    let losses: [Box<dyn Loss>; 2] =
        [Box::new(quartic), Box::new(either(true, 1.5).reduction(Reduction::Sum).name("scaled"))];
    for (at, loss) in losses.into_iter().enumerate() {
        let (path, expected) = (folder.join(format!("{at}.keras")), folder.join(format!("{at}.json")));
        let mut model =
            Model::<Line>::new(Device::cpu()).compile(Adam::new(0.01), loss, metrics![within, quartic]);
        model.fit(&x, &y).epochs(3).verbose(Verbose::Silent).run().expect("training");
        model.save(&path).expect("a file");
        let logs = model.evaluate(&x, &y).expect("numbers");
        let mut json = json!({"x": x.as_slice(), "y": y.as_slice()});
        logs.iter().for_each(|(name, value)| json[name] = json!(value));
        std::fs::write(&expected, json.to_string()).expect("a file");
        let script = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/keras/open_own.py");
        let done = std::process::Command::new(&python).args([&script, &path, &expected]).output();
        let done = done.expect("Python runs");
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }
    std::fs::remove_dir_all(&folder).expect("the folder is ours");
}

#[test]
fn labels_that_do_not_fit_are_refused() {
    let (x, _) = points();
    let labels = Batch::<D1<3>>::zeros(x.len());
    let mut model = Model::<Line>::new(Device::cpu()).compile(
        Adam::new(0.1),
        Box::new(quartic) as Box<dyn Loss>,
        metrics![],
    );
    let message = model.evaluate(&x, &labels).expect_err("labels of another shape").to_string();
    assert!(message.contains("quartic on output"), "{message}");
    // A metric whose labels are of another kind than the loss's.
    let classes = Batch::<D0, u8>::zeros(x.len());
    let mut model = Model::<Three>::new(Device::cpu()).compile(Adam::new(0.1), sparse, metrics![within]);
    let message = model.evaluate(&x, &classes).expect_err("numbers of classes").to_string();
    assert!(message.contains("the metric `within` takes labels of the same shape"), "{message}");
}

model! {
    Three([2]) -> [3] = [Dense(3)]
}
