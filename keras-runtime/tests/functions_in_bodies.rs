//! The functions and operators of a model's body compute what plain arithmetic does, element by element.

extern crate keras_runtime as keras;

use keras::Device;
use keras::layers::reshaping::{Cropping1D, Flatten, Reshape};
use keras::model::{Batch, D1, Model};
use keras_macros::model;

/// `Name(a, b) { body } |a, b| number`: a model of each body on two inputs of three numbers, and what each number must be.
macro_rules! bodies {
    ($($name:ident($a:ident, $b:ident) { $($body:tt)* } $expected:expr;)*) => {
        $(model! { $name($a: [3], $b: [3]) -> [3] { $($body)* } })*
        #[test]
        fn bodies() {
            let (a, b) = ([0.5f32, -1.25, 2.0], [1.5f32, 0.75, -0.5]);
            $({
                let inputs = (Batch::<D1<3>>::new(a.to_vec()).unwrap(), Batch::<D1<3>>::new(b.to_vec()).unwrap());
                let found = Model::<$name>::new(Device::cpu()).predict(&inputs).unwrap();
                let expected: fn(f32, f32) -> f32 = $expected;
                for (i, found) in found.as_slice().iter().enumerate() {
                    let expected = expected(a[i], b[i]);
                    let close = (found - expected).abs() < 1e-6 * (1.0 + expected.abs());
                    assert!(close, "{}: {found} for {expected}", stringify!($name));
                }
            })*
        }
    };
}

bodies! {
    Sum(a, b) { a + b } |a, b| a + b;
    Difference(a, b) { a - b } |a, b| a - b;
    Product(a, b) { a * b } |a, b| a * b;
    Numbers(a, b) { (2.0 * a - 1) / 4 + (3 - -b) } |a, b| (2.0 * a - 1.0) / 4.0 + 3.0 + b;
    Add(a, b) { add(a, b) } |a, b| a + b;
    Subtract(a, b) { subtract(a, b) } |a, b| a - b;
    Multiply(a, b) { multiply([a, b]) } |a, b| a * b;
    Average(a, b) { average(a, b) } |a, b| (a + b) / 2.0;
    Maximum(a, b) { maximum(a, b) } |a, b| a.max(b);
    Minimum(a, b) { minimum(a, b) } |a, b| a.min(b);
    Activations(a, b) { relu(a) + sigmoid(b) * tanh(a) } |a, b| a.max(0.0) + a.tanh() / (1.0 + (-b).exp());
    Options(a, b) { leaky_relu(a, negative_slope = 0.5) + relu(b, max_value = 1.0) } |a, b| {
        a.max(0.5 * a) + b.clamp(0.0, 1.0)
    };
    Shapes(a, b) { flatten(permute(reshape(a, [3, 1]), [2, 1])) + dropout(b, 0.5) } |a, b| a + b;
    Joined(a, b) { Part()(concat(a, b)) } |a, _| a;
}

model! { Part([6]) -> [3] = [Reshape([6, 1]), Cropping1D((0, 3)), Flatten] }
