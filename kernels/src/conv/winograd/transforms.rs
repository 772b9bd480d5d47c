//! The transforms of F(4x4, 3x3) and, for the gradient of the kernel, of F(3x3, 4x4), on sixteen channels at a time.
//!
//! A row of four outputs of a filter `g` of three over six inputs `d` is `At((G g) * (Bt d))`: six multiplications for twelve. Both
//! dimensions alike. Three outputs of a filter of four over six inputs have the same `Bt`. Interpolation points 0, 1, -1, 2, -2 and
//! infinity: A. Lavin and S. Gray, "Fast Algorithms for Convolutional Neural Networks", 2015, <https://arxiv.org/abs/1509.09308>.
//!
//! Of six by six results the first pass makes three lines, which fit into registers, from which the second makes half of the results;
//! then the other three.

use crate::cpu::simd::{Level, fma};

/// Channels that are transformed together.
pub(super) const LANES: usize = 16;

/// One number for each of some channels.
pub(super) type Lanes = [f32; LANES];

/// Side of a tile of outputs.
pub(super) const SIDE: usize = 4;

/// Side of what a tile of outputs is computed from.
pub(super) const REACH: usize = 6;

/// Side of a kernel.
pub(super) const TAPS: usize = 3;

/// Products that a tile is summed from.
pub(super) const PRODUCTS: usize = REACH * REACH;

pub(super) const ZEROS: Lanes = [0.0; LANES];

/// Results of a line that one pass makes.
const HALF: usize = REACH / 2;

/// Applies a function of `N` numbers with `M` values to each lane.
#[inline(always)]
fn lanes<const N: usize, const M: usize>(from: [&Lanes; N], f: impl Fn([f32; N]) -> [f32; M]) -> [Lanes; M] {
    let mut to = [ZEROS; M];
    for l in 0..LANES {
        let mut one = [0.0; N];
        for n in 0..N {
            one[n] = from[n][l];
        }
        let values = f(one);
        for m in 0..M {
            to[m][l] = values[m];
        }
    }
    to
}

/// A matrix that a line is multiplied by, in halves.
trait Line<const N: usize> {
    /// The first three results.
    fn low<L: Level>(from: [&Lanes; N]) -> [Lanes; HALF];
    /// The others.
    fn high<L: Level>(from: [&Lanes; N]) -> [Lanes; HALF];
}

/// `Bt d`.
struct Input;
impl Line<REACH> for Input {
    #[inline(always)]
    fn low<L: Level>(from: [&Lanes; REACH]) -> [Lanes; HALF] {
        lanes(from, |[a, b, c, e, f, _]| {
            let (even, odd) = (fma::<L, f32>(-4.0, c, f), fma::<L, f32>(-4.0, b, e));
            [fma::<L, f32>(4.0, a, fma::<L, f32>(-5.0, c, f)), even + odd, even - odd]
        })
    }
    #[inline(always)]
    fn high<L: Level>(from: [&Lanes; REACH]) -> [Lanes; HALF] {
        lanes(from, |[_, b, c, e, f, g]| {
            let (near, far) = (f - c, e - b);
            let last = fma::<L, f32>(4.0, b, fma::<L, f32>(-5.0, e, g));
            [fma::<L, f32>(2.0, far, near), fma::<L, f32>(-2.0, far, near), last]
        })
    }
}

/// `G g` for a kernel.
struct Kernel;
impl Line<TAPS> for Kernel {
    #[inline(always)]
    fn low<L: Level>(from: [&Lanes; TAPS]) -> [Lanes; HALF] {
        lanes(from, |[a, b, c]| {
            let (near, middle) = ((a + c) * (-1.0 / 6.0), b * (1.0 / 6.0));
            [a * 0.25, near - middle, near + middle]
        })
    }
    #[inline(always)]
    fn high<L: Level>(from: [&Lanes; TAPS]) -> [Lanes; HALF] {
        lanes(from, |[a, b, c]| {
            let (far, half) = (fma::<L, f32>(a, 1.0 / 24.0, c * (1.0 / 6.0)), b * (1.0 / 12.0));
            [far + half, far - half, c]
        })
    }
}

/// `G g` for gradients of a tile of outputs, which are the filter of F(3x3, 4x4).
struct Gradient;
impl Line<SIDE> for Gradient {
    #[inline(always)]
    fn low<L: Level>(from: [&Lanes; SIDE]) -> [Lanes; HALF] {
        lanes(from, |[a, b, c, d]| {
            let (even, odd) = ((a + c) * (-1.0 / 6.0), (b + d) * (1.0 / 6.0));
            [a * 0.25, even - odd, even + odd]
        })
    }
    #[inline(always)]
    fn high<L: Level>(from: [&Lanes; SIDE]) -> [Lanes; HALF] {
        lanes(from, |[a, b, c, d]| {
            let even = fma::<L, f32>(a, 1.0 / 24.0, c * (1.0 / 6.0));
            let odd = fma::<L, f32>(b, 1.0 / 12.0, d * (1.0 / 3.0));
            [even + odd, even - odd, d]
        })
    }
}

/// `At m` for outputs.
#[inline(always)]
fn output_line<L: Level>(m: [&Lanes; REACH]) -> [Lanes; SIDE] {
    lanes(m, |[a, b, c, e, f, g]| {
        let (near, far) = (b + c, e + f);
        let (across, beyond) = (b - c, e - f);
        [
            a + near + far,
            fma::<L, f32>(2.0, beyond, across),
            fma::<L, f32>(4.0, far, near),
            fma::<L, f32>(8.0, beyond, across) + g,
        ]
    })
}

/// `At m` for the taps of a kernel.
#[inline(always)]
fn taps_line<L: Level>(m: [&Lanes; REACH]) -> [Lanes; TAPS] {
    lanes(m, |[a, b, c, e, f, g]| {
        let (near, far) = (b + c, e + f);
        [a + near + far, fma::<L, f32>(2.0, e - f, b - c), fma::<L, f32>(4.0, far, near) + g]
    })
}

/// Both passes of a transform to six by six numbers.
#[inline(always)]
fn spread<'a, L: Level, M: Line<N>, const N: usize>(
    from: impl Fn(usize, usize) -> &'a Lanes,
    mut put: impl FnMut(usize, &Lanes),
) {
    for half in 0..2 {
        let mut lines = [[ZEROS; N]; HALF];
        for j in 0..N {
            let mut column = [&ZEROS; N];
            for i in 0..N {
                column[i] = from(i, j);
            }
            let some = if half == 0 { M::low::<L>(column) } else { M::high::<L>(column) };
            for i in 0..HALF {
                lines[i][j] = some[i];
            }
        }
        for i in 0..HALF {
            let mut line = [&ZEROS; N];
            for j in 0..N {
                line[j] = &lines[i][j];
            }
            let (low, high) = (M::low::<L>(line), M::high::<L>(line));
            for j in 0..HALF {
                put((half * HALF + i) * REACH + j, &low[j]);
                put((half * HALF + i) * REACH + HALF + j, &high[j]);
            }
        }
    }
}

/// The six by six products' share of a tile's inputs: `put` gets each with its number.
#[inline(always)]
pub(super) fn input<'a, L: Level>(d: impl Fn(usize, usize) -> &'a Lanes, put: impl FnMut(usize, &Lanes)) {
    spread::<L, Input, REACH>(d, put);
}

/// Those of a filter.
#[inline(always)]
pub(super) fn kernel<'a, L: Level>(g: impl Fn(usize, usize) -> &'a Lanes, put: impl FnMut(usize, &Lanes)) {
    spread::<L, Kernel, TAPS>(g, put);
}

/// Those of the gradients of a tile of outputs.
#[inline(always)]
pub(super) fn gradient<'a, L: Level>(d: impl Fn(usize, usize) -> &'a Lanes, put: impl FnMut(usize, &Lanes)) {
    spread::<L, Gradient, SIDE>(d, put);
}

/// A tile of outputs from its products.
#[inline(always)]
pub(super) fn output<'a, L: Level>(m: impl Fn(usize) -> &'a Lanes) -> [[Lanes; SIDE]; SIDE] {
    gather::<SIDE>(m, output_line::<L>)
}

/// The taps of a kernel's gradient from its products.
#[inline(always)]
pub(super) fn taps<'a, L: Level>(m: impl Fn(usize) -> &'a Lanes) -> [[Lanes; TAPS]; TAPS] {
    gather::<TAPS>(m, taps_line::<L>)
}

/// Both passes of a transform from six by six numbers.
#[inline(always)]
fn gather<'a, const M: usize>(
    m: impl Fn(usize) -> &'a Lanes,
    line: impl Fn([&Lanes; REACH]) -> [Lanes; M],
) -> [[Lanes; M]; M] {
    let mut lines = [[ZEROS; REACH]; M];
    for j in 0..REACH {
        let mut column = [&ZEROS; REACH];
        for i in 0..REACH {
            column[i] = m(i * REACH + j);
        }
        let some = line(column);
        for i in 0..M {
            lines[i][j] = some[i];
        }
    }
    let mut to = [[ZEROS; M]; M];
    for i in 0..M {
        let mut row = [&ZEROS; REACH];
        for j in 0..REACH {
            row[j] = &lines[i][j];
        }
        to[i] = line(row);
    }
    to
}
