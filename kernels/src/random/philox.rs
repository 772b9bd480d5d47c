//! Philox4x32-10 and what is made of its words.
//!
//! Everything uses IEEE's exact operations alone (no fused ones, no library functions), so that another device
//! that does the same gets the same bits.

const MULTIPLY: [u32; 2] = [0xD251_1F53, 0xCD9E_8D57];
const WEYL: [u32; 2] = [0x9E37_79B9, 0xBB67_AE85];

/// Ten rounds of Philox: four random words from a counter and a key.
#[inline(always)]
pub(crate) fn philox(mut counter: [u32; 4], mut key: [u32; 2]) -> [u32; 4] {
    for _ in 0..10 {
        let a = u64::from(MULTIPLY[0]) * u64::from(counter[0]);
        let b = u64::from(MULTIPLY[1]) * u64::from(counter[2]);
        counter = [
            (b >> 32) as u32 ^ counter[1] ^ key[0],
            b as u32,
            (a >> 32) as u32 ^ counter[3] ^ key[1],
            a as u32,
        ];
        key = [key[0].wrapping_add(WEYL[0]), key[1].wrapping_add(WEYL[1])];
    }
    counter
}

/// The four words of elements `4 * block..4 * block + 4`; `attempt` counts redraws.
#[inline(always)]
pub(crate) fn words(stream: super::Stream, block: u64, attempt: u8) -> [u32; 4] {
    let high = (block >> 32) as u32 ^ u32::from(attempt) << 24;
    philox([block as u32, high, stream.id, stream.step], [stream.seed as u32, (stream.seed >> 32) as u32])
}

/// Words that are made together, in vectors.
pub(crate) const WORDS: usize = 256;

/// The words of elements `4 * block..4 * block + WORDS`.
#[inline(always)]
pub(crate) fn many_words(stream: super::Stream, block: u64) -> [u32; WORDS] {
    let mut out = [0; WORDS];
    for (i, four) in out.chunks_exact_mut(4).enumerate() {
        let [a, b, c, d] = words(stream, block + i as u64, 0);
        four[0] = a;
        four[1] = b;
        four[2] = c;
        four[3] = d;
    }
    out
}

/// `2^-32`.
const ULP: f64 = 1.0 / 4_294_967_296.0;

/// A word as a number in `[0, 1)`.
#[inline(always)]
pub(crate) fn unit(word: u32) -> f64 {
    f64::from(word) * ULP
}

/// Two normal numbers from two words, by Box and Muller.
#[inline(always)]
pub(crate) fn normal_pair(a: u32, b: u32) -> [f64; 2] {
    let radius = (-2.0 * ln((f64::from(a) + 1.0) * ULP)).sqrt();
    let (sin, cos) = sin_cos_turn(b);
    [radius * cos, radius * sin]
}

/// Natural logarithm of a number in `2^-32..=1`, to about an ulp.
#[inline(always)]
fn ln(x: f64) -> f64 {
    // x = m * 2^e with m in [sqrt(1/2), sqrt(2)); ln(m) = 2 artanh(s) with s = (m - 1) / (m + 1).
    let bits = x.to_bits() + (0x3FF0_0000_0000_0000 - std::f64::consts::FRAC_1_SQRT_2.to_bits());
    let e = (bits >> 52) as i32 - 1023;
    let m = f64::from_bits((bits & 0x000F_FFFF_FFFF_FFFF) + std::f64::consts::FRAC_1_SQRT_2.to_bits());
    let s = (m - 1.0) / (m + 1.0);
    let z = s * s;
    let mut p = 1.0 / 23.0;
    for k in (1..=10).rev() {
        p = p * z + 1.0 / f64::from(2 * k + 1);
    }
    f64::from(e) * std::f64::consts::LN_2 + (2.0 * s + 2.0 * s * (p * z))
}

/// Sine and cosine of a word's fraction of a full turn, to about an ulp.
#[inline(always)]
fn sin_cos_turn(word: u32) -> (f64, f64) {
    // The nearest quarter turn, and what remains of it in -1/8..1/8 turns.
    let quarter = word.wrapping_add(1 << 29) >> 30;
    let rest = f64::from(word.wrapping_sub(quarter << 30) as i32) * ULP;
    let x = rest * std::f64::consts::TAU;
    let z = x * x;
    let (mut s, mut c) = (1.0, 1.0);
    for k in (1..=9).rev() {
        let n = f64::from(2 * k);
        s = 1.0 - s * (z * (1.0 / (n * (n + 1.0))));
        c = 1.0 - c * (z * (1.0 / (n * (n - 1.0))));
    }
    let s = s * x;
    match quarter & 3 {
        0 => (s, c),
        1 => (c, -s),
        2 => (-s, -c),
        _ => (-c, s),
    }
}
