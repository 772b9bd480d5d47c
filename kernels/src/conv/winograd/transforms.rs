//! The transforms of F(4x4, 3x3), on sixteen channels at a time.
//!
//! A row of four outputs of a filter `g` of three over six inputs `d` is `At((G g) * (Bt d))`: six multiplications for twelve. Both
//! dimensions alike. Interpolation points 0, 1, -1, 2, -2 and infinity: A. Lavin and S. Gray, "Fast Algorithms for Convolutional Neural
//! Networks", 2015, <https://arxiv.org/abs/1509.09308>.

/// Channels that are transformed together.
pub(super) const LANES: usize = 16;

/// One number for each of some channels.
pub(super) type Lanes = [f32; LANES];

/// Side of a tile of outputs.
pub(super) const SIDE: usize = 4;

/// Side of what a tile of outputs is computed from.
pub(super) const REACH: usize = 6;

/// Products that a tile is summed from.
pub(super) const PRODUCTS: usize = REACH * REACH;

/// `Bt d`.
#[inline(always)]
fn input_line(d: [&Lanes; REACH]) -> [Lanes; REACH] {
    let mut to = [[0.0; LANES]; REACH];
    for l in 0..LANES {
        let [a, b, c, e, f, g] = d.map(|d| d[l]);
        let (even, odd) = (f - 4.0 * c, e - 4.0 * b);
        let (near, far) = (f - c, 2.0 * (e - b));
        to[0][l] = 4.0 * a - 5.0 * c + f;
        to[1][l] = even + odd;
        to[2][l] = even - odd;
        to[3][l] = near + far;
        to[4][l] = near - far;
        to[5][l] = 4.0 * b - 5.0 * e + g;
    }
    to
}

/// `At m`.
#[inline(always)]
fn output_line(m: [&Lanes; REACH]) -> [Lanes; SIDE] {
    let mut to = [[0.0; LANES]; SIDE];
    for l in 0..LANES {
        let [a, b, c, e, f, g] = m.map(|m| m[l]);
        let (near, far) = (b + c, e + f);
        let (across, beyond) = (b - c, e - f);
        to[0][l] = a + near + far;
        to[1][l] = across + 2.0 * beyond;
        to[2][l] = near + 4.0 * far;
        to[3][l] = across + 8.0 * beyond + g;
    }
    to
}

/// `G g`.
#[inline(always)]
fn kernel_line(g: [&Lanes; 3]) -> [Lanes; REACH] {
    let mut to = [[0.0; LANES]; REACH];
    for l in 0..LANES {
        let [a, b, c] = g.map(|g| g[l]);
        let (near, far) = ((a + c) * (-1.0 / 6.0), a * (1.0 / 24.0) + c * (1.0 / 6.0));
        let (middle, half) = (b * (1.0 / 6.0), b * (1.0 / 12.0));
        to[0][l] = a * 0.25;
        to[1][l] = near - middle;
        to[2][l] = near + middle;
        to[3][l] = far + half;
        to[4][l] = far - half;
        to[5][l] = c;
    }
    to
}

/// The six by six products' share of a tile's inputs: `put` gets each with its number.
#[inline(always)]
pub(super) fn input<'a>(d: impl Fn(usize, usize) -> &'a Lanes, mut put: impl FnMut(usize, &Lanes)) {
    let columns: [[Lanes; REACH]; REACH] =
        std::array::from_fn(|j| input_line(std::array::from_fn(|i| d(i, j))));
    for i in 0..REACH {
        let row = input_line(std::array::from_fn(|j| &columns[j][i]));
        for j in 0..REACH {
            put(i * REACH + j, &row[j]);
        }
    }
}

/// Those of a filter.
#[inline(always)]
pub(super) fn kernel<'a>(g: impl Fn(usize, usize) -> &'a Lanes, mut put: impl FnMut(usize, &Lanes)) {
    let columns: [[Lanes; REACH]; 3] = std::array::from_fn(|j| kernel_line(std::array::from_fn(|i| g(i, j))));
    for i in 0..REACH {
        let row = kernel_line(std::array::from_fn(|j| &columns[j][i]));
        for j in 0..REACH {
            put(i * REACH + j, &row[j]);
        }
    }
}

/// A tile of outputs from its products.
#[inline(always)]
pub(super) fn output<'a>(m: impl Fn(usize) -> &'a Lanes) -> [[Lanes; SIDE]; SIDE] {
    let columns: [[Lanes; SIDE]; REACH] =
        std::array::from_fn(|j| output_line(std::array::from_fn(|i| m(i * REACH + j))));
    std::array::from_fn(|i| output_line(std::array::from_fn(|j| &columns[j][i])))
}
