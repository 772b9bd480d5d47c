//! Models of several kinds with data for them, for tests of what must hold for all.

#![allow(dead_code, missing_docs)] // Every test uses some of them.

use keras::prelude::*;

model! {
    pub Convnet([12, 12, 2]) -> [4] = [
        Conv2D(16, 3, padding = same),
        BatchNormalization,
        Activation(relu),
        MaxPooling2D(2),
        DepthwiseConv2D(3),
        GlobalAveragePooling2D,
        Dropout(0.2),
        Dense(4, activation = softmax),
    ]
}

model! {
    pub Sentences([i32; 12]) -> [1] = [
        Embedding(50, 16, mask_zero = true),
        LSTM(24, dropout = 0.1),
        Dense(1, activation = sigmoid),
    ]
}

model! {
    pub Transformer(x: [10, 16]) -> [3] {
        let h = LayerNormalization()(x + MultiHeadAttention(2, 8, dropout = 0.1)(x, x));
        let wide = Dense(32, activation = gelu)(h);
        let h = LayerNormalization()(h + Dense(16)(wide));
        Dense(3, activation = softmax)(GlobalAveragePooling1D()(h))
    }
}

/// A layer with a gate.
#[derive(Layer, Clone)]
pub struct Gated {
    units: usize,
    #[weight([input.last(), units], init = GlorotUniform)]
    gate: Weight,
    #[weight([input.last(), units], init = GlorotUniform)]
    value: Weight,
}

#[call]
impl Gated {
    fn call(&self, x: Tensor) -> Tensor {
        sigmoid(matmul(x, self.gate)) * matmul(x, self.value)
    }
}

model! { pub Own([20]) -> [2] = [Gated(32), Dense(2)] }

/// Numbers between 0 and 1.
fn number(i: usize) -> f32 {
    ((i as f32 * 12.9898).sin() * 43758.547).fract().abs()
}

/// Floats of any shape.
pub fn floats<D: keras::model::Dims>(samples: usize) -> Batch<D> {
    let mut batch = Batch::zeros(samples);
    batch.as_mut_slice().iter_mut().enumerate().for_each(|(i, x)| *x = number(i) - 0.5);
    batch
}

/// Sentences of several lengths, filled up with zeros.
pub fn sentences(samples: usize) -> Batch<D1<12>, i32> {
    let word = |i: usize| if i % 12 < 3 + i / 12 % 9 { 1 + (number(i) * 49.0) as i32 } else { 0 };
    Batch::new((0..samples * 12).map(word).collect()).expect("whole samples")
}

/// Labels below `classes`.
pub fn classes(samples: usize, classes: u8) -> Batch<D0, u8> {
    let label = |i: usize| (number(i + 1000) * f32::from(classes)) as u8;
    Batch::new((0..samples).map(label).collect()).expect("whole samples")
}

/// Calls `$check!($name, $device, $model, $x, $y, $predictions)` for compiled models of every kind, with optimizers, losses and metrics of
/// several kinds.
#[macro_export]
macro_rules! every_model {
    ($device:expr, |$name:ident, $model:ident, $x:ident, $y:ident| $body:expr) => {{
        use $crate::zoo::*;
        const SAMPLES: usize = 50;
        let optimizer = SGD::new(0.01).momentum(0.9).clipnorm(1.0);
        let loss = SparseCategoricalCrossentropy::new();
        let ($name, $x, $y) = ("convnet", floats::<D3<12, 12, 2>>(SAMPLES), classes(SAMPLES, 4));
        let mut $model = Model::<Convnet>::with_seed($device, 5).compile(optimizer, loss, metrics![Accuracy]);
        $body;

        let optimizer = Adam::new(0.01).global_clipnorm(1.0);
        let metrics = metrics![AUC::new(), Precision::new(), Recall::new()];
        let ($name, $x, $y) = ("sentences", sentences(SAMPLES), classes(SAMPLES, 2));
        let mut $model =
            Model::<Sentences>::with_seed($device, 5).compile(optimizer, BinaryCrossentropy::new(), metrics);
        $body;

        let optimizer = AdamW::new(0.01).clipvalue(0.1).use_ema(true).ema_overwrite_frequency(2u64);
        let loss = SparseCategoricalCrossentropy::new();
        let ($name, $x, $y) = ("transformer", floats::<D2<10, 16>>(SAMPLES), classes(SAMPLES, 3));
        let mut $model = Model::<Transformer>::with_seed($device, 5).compile(optimizer, loss, metrics![]);
        $body;

        let optimizer = RMSprop::new(0.01).centered(true).gradient_accumulation_steps(2u64);
        let metrics = metrics![RootMeanSquaredError::new()];
        let ($name, $x, $y) = ("own layer", floats::<D1<20>>(SAMPLES), floats::<D1<2>>(SAMPLES));
        let mut $model = Model::<Own>::with_seed($device, 5).compile(optimizer, Huber::new(), metrics);
        $body;
    }};
}
