//! Operations of `keras.ops` in the bodies of models.

use keras::prelude::*;

model! {
    Mixed(x: [3, 4], ids: [i32; 3]) -> (y: [4], z: [3, 2]) {
        let a = (x - mean(x, axis = 1, keepdims = true)) / (std(x, axis = 1, keepdims = true) + 1e-3);
        let b = exp(-abs(a)) * [1.0, 2.0, 3.0, 4.0];
        let scores = softmax(matmul(b, transpose(b, axes = (0, 2, 1))), axis = 2);
        let c = ops::concatenate([b[.., 1..], b[.., 0, None]], axis = 1);
        let chosen = one_hot(ids, 4);
        let d = where_(chosen > 0.5, c, clip(x, -0.5, 0.5));
        let e = matmul(scores, d);
        let (left, right) = split(e, 2, axis = -1);
        (sum(e, axis = 1), maximum(left, 0.0) + power(right, 2) % 3)
    }
}

#[test]
fn a_model_of_operations_learns() {
    let mut model = Model::<Mixed>::new(Device::default());
    assert_eq!(Mixed::PARAMS, 0);
    let x = Batch::<D2<3, 4>>::zeros(2);
    let ids = Batch::<D1<3>, i32>::zeros(2);
    let (y, z) = model.predict(&(x, ids)).unwrap();
    assert_eq!((y.len(), z.len()), (2, 2));
}

model! { Lengths(x: [3, 4]) -> (a: [3], b: [3], c: [1, 4], d: [1, 4]) {
    let sizes = sum(abs(x), axis = 1, keepdims = true);
    (norm(x, axis = -1), sqrt(sum(square(x), axis = -1)), norm(x, ord = 1, axis = 1, keepdims = true), sizes)
} }
