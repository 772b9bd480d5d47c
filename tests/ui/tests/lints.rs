//! A crate with strict lints: what `model!` generates keeps them, also inside a function.

#![forbid(unsafe_code)]
#![deny(missing_docs, unused, warnings)]

use keras::prelude::*;

const CLASSES: usize = 10;

model! {
    /// A model with something of everything.
    #[derive(Debug)]
    pub Everything(image: [8, 8, 1], words: [i32; 20]) -> (kind: [CLASSES], tag: [20, 4]) {
        let x = #[name = "stem"] Dense(4, activation = relu)(image);
        let (a, b) = (Dense(4), Dense(4, name = "second"));
        let mut y = a(x) * 2.0 - b(x);
        for units in [4, 4] {
            y = relu(Dense(units)(y)) + -y;
        }
        if 1 + 1 == 2 {
            y = y / 2 - 1;
        }
        let words = Embedding(50, 6)(words);
        let (_sequence, h, _c) = LSTM(8, return_state = true, return_sequences = true)(words);
        (Dense(CLASSES)(concat([Flatten()(y), h])), Dense(4)(words))
    }
}

/// A layer of one's own.
#[derive(Layer, Clone, Debug)]
pub struct Scaled {
    units: usize,
    /// What it is scaled by.
    #[config(default = 1.0)]
    factor: f64,
    #[weight([input.last(), units])]
    kernel: Weight,
}

#[call]
impl Scaled {
    fn call(&self, x: Tensor) -> Tensor {
        matmul(x, self.kernel) * self.factor
    }
}

/// An activation of one's own.
#[activation]
pub fn swoosh(x: Tensor) -> Tensor {
    x * sigmoid(x)
}

/// A loss of one's own.
#[loss]
pub fn quartic(y_true: Tensor, y_pred: Tensor, scale: f64) -> Tensor {
    mean(square(square(scale * (y_true - y_pred))), -1)
}

#[loss(sparse)]
fn unused_loss(y_true: Tensor, y_pred: Tensor) -> Tensor {
    sum(y_true * y_pred, -1)
}

/// A metric of one's own.
#[metric]
pub fn within(y_true: Tensor, y_pred: Tensor) -> Tensor {
    less(abs(y_true - y_pred), 0.5)
}

#[metric]
fn unused_metric(y_true: Tensor, y_pred: Tensor, near: f64) -> Tensor {
    less(abs(y_true - y_pred), near)
}

model! {
    /// A model with layers of one's own.
    pub Own([8]) -> [4] = [Scaled(8, factor = 2.0), Dense(4, activation = swoosh)]
}

#[test]
fn own_parts_keep_strict_lints() {
    let model = Model::<Own>::new(Device::default());
    let mut model = model.compile(SGD::new(0.1), quartic(2.0).name("fourth"), metrics![within]);
    let (x, y) = (Batch::<D1<8>>::zeros(2), Batch::<D1<4>>::zeros(2));
    assert_eq!(model.evaluate(&x, &y).expect("numbers").get("within"), Some(1.0));
}

model! { pub FromFile(x: [5], fn_: [5]) -> _ = "../../keras-macros/core/tests/imports/nested.json" }

model! {
    /// With weights in the program.
    pub Pretrained([4]) -> [3] = "../import/small/classifier/model.keras"
}

#[test]
fn strict_lints() {
    const UNITS: usize = 3;
    model! {
        Local([4]) -> [UNITS] = [Dense(UNITS)]
    }
    assert_eq!(Local::PARAMS, 15);
    const { assert!(Everything::PARAMS > 0 && Everything::PEAK > 0 && Everything::TRAIN_PEAK > Everything::PEAK) };
    let _ = Everything;
    const { assert!(FromFile::PARAMS > 0 && Pretrained::PARAMS == 67) };
    assert!(Pretrained::pretrained(keras::Device::default()).is_ok());
}
