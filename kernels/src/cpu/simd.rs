//! One source, several instruction sets: a kernel is compiled for each level and the best is chosen at run time.
//!
//! The loops are ordinary Rust without branches. Compiled inside a function that enables AVX2 or AVX-512, the
//! compiler turns them into vector code of that width.

use num_traits::Float;

/// An instruction set that kernels are compiled for.
pub(crate) trait Level: Copy + Send + Sync + 'static {
    /// Whether a fused multiply-add is one instruction.
    const FMA: bool;
}

/// What every machine of the architecture has.
#[derive(Clone, Copy)]
pub(crate) struct Plain;
impl Level for Plain {
    const FMA: bool = cfg!(any(target_feature = "fma", target_arch = "aarch64"));
}

/// A level with fused multiply-add: one above the plain level of this architecture.
#[cfg(any(test, target_arch = "x86_64"))]
#[derive(Clone, Copy)]
pub(crate) struct Fused;
#[cfg(any(test, target_arch = "x86_64"))]
impl Level for Fused {
    const FMA: bool = true;
}

/// Work that is compiled for every level.
pub(crate) trait Kernel {
    /// What it gives back.
    type Output;
    /// Does it. Implementations are `#[inline(always)]`: only then is the code compiled for the level.
    fn run<L: Level>(self) -> Self::Output;
}

/// `a * b + c`, fused where that is fast.
#[inline(always)]
pub(crate) fn fma<L: Level, T: Float>(a: T, b: T, c: T) -> T {
    if L::FMA { a.mul_add(b, c) } else { a * b + c }
}

/// Runs a kernel at the best level of this machine.
#[inline]
pub(crate) fn run<K: Kernel>(kernel: K) -> K::Output {
    #[cfg(target_arch = "x86_64")]
    {
        // Every level is compiled from the same source, and compiling is slow: builds with debug assertions leave the widest out.
        #[cfg(not(debug_assertions))]
        if has_avx512() {
            // SAFETY: just detected.
            return unsafe { avx512(kernel) };
        }
        if std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma") {
            // SAFETY: just detected.
            return unsafe { avx2(kernel) };
        }
    }
    kernel.run::<Plain>()
}

#[cfg(all(target_arch = "x86_64", not(debug_assertions)))]
#[inline]
fn has_avx512() -> bool {
    std::arch::is_x86_feature_detected!("avx512f")
        && std::arch::is_x86_feature_detected!("avx512bw")
        && std::arch::is_x86_feature_detected!("avx512dq")
        && std::arch::is_x86_feature_detected!("avx512vl")
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn avx2<K: Kernel>(kernel: K) -> K::Output {
    kernel.run::<Fused>()
}

#[cfg(all(target_arch = "x86_64", not(debug_assertions)))]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
fn avx512<K: Kernel>(kernel: K) -> K::Output {
    kernel.run::<Fused>()
}
