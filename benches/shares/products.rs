//! Matrix products.

use keras_kernels::Grad;
use keras_kernels::activation::Activation;
use keras_kernels::matmul::Gemm;

use crate::case::{Case, Room};

/// Rows, columns, common dimension.
const SIZES: [(usize, usize, usize); 13] = [
    (256, 256, 256),
    (512, 512, 512),
    (1024, 1024, 1024),
    // Layers on small batches, and heads.
    (32, 512, 784),
    (32, 512, 512),
    (32, 10, 128),
    (128, 512, 784),
    (128, 10, 512),
    (2560, 512, 128),
    (8, 100, 512),
    // A convolution's.
    (25_088, 64, 256),
    (25_088, 256, 64),
    (1568, 512, 128),
];

pub fn cases() -> Vec<Case> {
    let each = |&(m, n, k): &(usize, usize, usize)| {
        let gemm = Gemm::new(m, n, k);
        [
            case(format!("gemm {m}x{n}x{k}"), gemm),
            // What a layer with these sizes does on the way back.
            case(format!("gemm {m}x{k}x{n}, B transposed"), Gemm::new(m, k, n).b_transposed()),
            case(format!("gemm {k}x{n}x{m}, A transposed"), Gemm::new(k, n, m).a_transposed()),
        ]
    };
    SIZES.iter().flat_map(each).collect()
}

fn case(name: String, gemm: Gemm) -> Case {
    Case::flops(name, 2 * gemm.m * gemm.n * gemm.k, move |device| {
        let (device, mut room) = (device.clone(), Room::default());
        let (a, b) = (room.floats(&[gemm.m * gemm.k]), room.floats(&[gemm.k * gemm.n]));
        let c = room.floats(&[gemm.m * gemm.n]);
        Box::new(move || {
            let _ = &room;
            device.gemm(&gemm, a, b, None, Activation::Linear, Grad::write(c));
        })
    })
}
