//! Products with a right-hand side that is packed already, beside those that pack it or read it in place, in turn on one thread:
//! `cargo bench -p keras-kernels --bench packed`.

use std::time::Instant;

use keras_kernels::activation::Activation;
use keras_kernels::matmul::{Gemm, packed_len};
use keras_kernels::{Device, Grad, Shape, View};

/// Columns and rows of B.
const SIZES: [(usize, usize); 6] =
    [(512, 512), (128, 784), (512, 128), (128, 128), (1024, 1024), (4096, 1024)];
const ROWS: [usize; 8] = [1, 2, 4, 8, 16, 32, 64, 128];

fn view(data: &mut [f32]) -> View {
    let shape = Shape::of(&[data.len()]);
    // SAFETY: the vectors outlive the views, and nothing else looks at them meanwhile.
    unsafe { View::of(data, shape) }
}

/// Row after row of B, each in one stream: what a product of a vector takes at the speed of memory.
#[inline(never)]
fn by_rows(m: usize, n: usize, k: usize, a: &[f32], b: &[f32], c: &mut [f32]) {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx512f") {
        // SAFETY: the machine has it.
        return unsafe { by_rows_avx512(m, n, k, a, b, c) };
    }
    rows(m, n, k, a, b, c);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512vl,fma")]
fn by_rows_avx512(m: usize, n: usize, k: usize, a: &[f32], b: &[f32], c: &mut [f32]) {
    rows(m, n, k, a, b, c);
}

#[inline(always)]
fn rows(m: usize, n: usize, k: usize, a: &[f32], b: &[f32], c: &mut [f32]) {
    c.fill(0.0);
    for l in (0..k).step_by(4) {
        for i in 0..m {
            let x: [f32; 4] = a[i * k + l..][..4].try_into().expect("four");
            let c = &mut c[i * n..][..n];
            let (b0, rest) = b[l * n..][..4 * n].split_at(n);
            let (b1, rest) = rest.split_at(n);
            let (b2, b3) = rest.split_at(n);
            for j in 0..n {
                c[j] =
                    x[3].mul_add(b3[j], x[2].mul_add(b2[j], x[1].mul_add(b1[j], x[0].mul_add(b0[j], c[j]))));
            }
        }
    }
}

fn seconds(times: usize, work: &mut dyn FnMut()) -> f64 {
    let start = Instant::now();
    (0..times).for_each(|_| work());
    start.elapsed().as_secs_f64() / times as f64
}

fn main() {
    rayon::ThreadPoolBuilder::new().num_threads(1).build_global().expect("the pool is built first");
    let device = Device::cpu();
    println!("microseconds, the least of many; ratios are medians");
    println!(
        "{:>12} {:>4} {:>9} {:>9} {:>9} {:>9} {:>9}",
        "n x k", "m", "plain", "packed", "B'", "pack B'", "by rows"
    );
    for (n, k) in SIZES {
        for m in ROWS {
            let (mut a, mut b) = (vec![0.5f32; m * k], vec![0.25f32; k * n]);
            let (mut c, mut packed) = (vec![0f32; m * n], vec![0f32; packed_len(n, k)]);
            let gemm = Gemm::new(m, n, k);
            let (back, ready) = (gemm.b_transposed(), gemm.b_packed([0, 0]));
            let (va, vb, vc, vp) = (view(&mut a), view(&mut b), view(&mut c), view(&mut packed));
            let run =
                |gemm: &Gemm, b: View| device.gemm(gemm, va, b, None, Activation::Linear, Grad::write(vc));
            let (plain_a, plain_b) = (a.clone(), b.clone());
            let mut plain_c = c.clone();
            let times = (2_000_000 / (m * n * k)).max(1);
            let mut all: [Vec<f64>; 5] = Default::default();
            for _ in 0..60 {
                let mut work: [&mut dyn FnMut(); 5] = [
                    &mut || run(&gemm, vb),
                    &mut || run(&ready, vp),
                    &mut || run(&back, vb),
                    &mut || device.pack_b(n, k, gemm.b, vb, vp),
                    &mut || by_rows(m, n, k, &plain_a, &plain_b, &mut plain_c),
                ];
                for (all, work) in all.iter_mut().zip(&mut work) {
                    all.push(seconds(times, *work));
                }
            }
            let least: Vec<f64> =
                all.iter().map(|t| t.iter().copied().fold(f64::MAX, f64::min) * 1e6).collect();
            let ratio = |at: usize| {
                let mut r: Vec<f64> = all[at].iter().zip(&all[1]).map(|(x, y)| x / y).collect();
                r.sort_by(f64::total_cmp);
                r[r.len() / 2]
            };
            print!("{:>12} {m:>4}", format!("{n} x {k}"));
            least.iter().for_each(|t| print!(" {t:>9.2}"));
            println!(
                "   plain/packed {:.2}  B'/packed {:.2}  by rows/packed {:.2}",
                ratio(0),
                ratio(2),
                ratio(4)
            );
        }
    }
}
