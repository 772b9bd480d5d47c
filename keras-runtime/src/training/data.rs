//! Data on its way into a program: samples picked by number, converted, and put where the model reads them.

use keras_kernels::{DType, Device, Element, Shape, View};

use crate::model::{Port, Ports};
use crate::{Error, Result};

/// The ports of a data set.
pub(crate) fn ports<P: Ports>(data: &P) -> Vec<Port<'_>> {
    (0..P::PORTS).map(|i| data.port(i)).collect()
}

/// Samples in memory: inputs, labels, weights.
#[derive(Clone)]
pub struct Samples<'a> {
    /// One port for each input of the model.
    pub x: Vec<Port<'a>>,
    /// One port for each output.
    pub y: Vec<Port<'a>>,
    /// Weights of samples (or of rows of the outputs: a whole number for each sample): none, the same for all outputs, or
    /// one list for each output.
    pub weights: Vec<Option<&'a [f32]>>,
    /// Weights of classes; a class that is not there has 1.
    pub class_weights: &'a [(usize, f32)],
}

impl<'a> Samples<'a> {
    /// Inputs and labels.
    pub fn new(x: Vec<Port<'a>>, y: Vec<Port<'a>>) -> Samples<'a> {
        Samples { x, y, weights: Vec::new(), class_weights: &[] }
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.x.first().map_or(0, |p| p.len)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The weights of samples of an output, and how many there are for each.
    pub(crate) fn weights_of(&self, output: usize) -> Option<(&'a [f32], usize)> {
        let all = match self.weights[..] {
            [] => None,
            [one] => one,
            [..] => self.weights.get(output).copied().flatten(),
        };
        all.map(|all| (all, all.len() / self.len().max(1)))
    }

    /// Refuses data whose parts differ in number.
    pub(crate) fn check(&self) -> Result<()> {
        let n = self.len();
        for (what, ports) in [("inputs", &self.x), ("labels", &self.y)] {
            if let Some(port) = ports.iter().find(|p| p.len != n) {
                return Err(Error::Data(format!(
                    "all data must have the same number of samples: the first input has {n}, one of the {what} has {}",
                    port.len
                )));
            }
        }
        if self.weights.len() > 1 && self.weights.len() != self.y.len() {
            let (found, outputs) = (self.weights.len(), self.y.len());
            return Err(Error::Data(format!(
                "there are {found} lists of sample weights for {outputs} outputs; expected one for all, or one for each"
            )));
        }
        if !self.weights.is_empty() && !self.class_weights.is_empty() {
            return Err(Error::Argument("`class_weight` and sample weights cannot be given together".into()));
        }
        let wrong = |w: &&[f32]| n > 0 && (w.is_empty() || !w.len().is_multiple_of(n));
        match self.weights.iter().flatten().find(|w| wrong(w)) {
            Some(w) => Err(Error::Data(format!(
                "`sample_weight` has {} numbers for {n} samples; expected one for each sample, or the same number for each",
                w.len()
            ))),
            None => Ok(()),
        }
    }
}

fn elements<T: Element>(bytes: &[u8]) -> &[T] {
    // SAFETY: any bytes are valid numbers (`Element` is sealed); `align_to` keeps to aligned ones.
    let (before, all, after) = unsafe { bytes.align_to::<T>() };
    assert!(before.is_empty() && after.is_empty(), "a port's bytes are whole, aligned numbers");
    all
}

/// Calls `$body` with the numbers of a port as a slice.
macro_rules! with_elements {
    ($dtype:expr, $bytes:expr, $data:ident => $body:expr) => {
        match $dtype {
            DType::F32 => {
                let $data = elements::<f32>($bytes);
                $body
            }
            DType::F64 => {
                let $data = elements::<f64>($bytes);
                $body
            }
            DType::I32 => {
                let $data = elements::<i32>($bytes);
                $body
            }
            DType::I64 => {
                let $data = elements::<i64>($bytes);
                $body
            }
            // Bool and u8.
            _ => {
                let $data = elements::<u8>($bytes);
                $body
            }
        }
    };
}

/// Which samples make a batch.
#[derive(Clone, Copy)]
pub(crate) enum Pick<'a> {
    /// So many from a number on.
    Run(usize, usize),
    /// These.
    List(&'a [u32]),
}

impl Pick<'_> {
    pub fn len(&self) -> usize {
        match self {
            Pick::Run(_, len) => *len,
            Pick::List(list) => list.len(),
        }
    }

    pub fn at(&self, i: usize) -> usize {
        match self {
            Pick::Run(from, _) => from + i,
            Pick::List(list) => list[i] as usize,
        }
    }
}

/// Puts a batch of inputs where a program reads them, converted to its element type. `staging` has room for a sample.
pub(crate) fn fill(device: &Device, port: &Port<'_>, pick: Pick<'_>, to: View, staging: &mut Vec<u8>) {
    let size = port.shape.size();
    let bytes = size * port.dtype.size();
    if port.dtype == to.dtype() {
        if let Pick::Run(from, len) = pick {
            return device.upload(&port.bytes[from * bytes..(from + len) * bytes], to);
        }
        for i in 0..pick.len() {
            let at = pick.at(i);
            device.upload(&port.bytes[at * bytes..(at + 1) * bytes], to.cut(i * size, Shape::of(&[size])));
        }
        return;
    }
    staging.resize(size * to.dtype().size(), 0);
    for i in 0..pick.len() {
        let at = pick.at(i);
        convert(port.dtype, &port.bytes[at * bytes..(at + 1) * bytes], to.dtype(), staging);
        device.upload(staging, to.cut(i * size, Shape::of(&[size])));
    }
}

/// Converts numbers, as Rust's `as` does.
fn convert(from_type: DType, from: &[u8], to_type: DType, to: &mut [u8]) {
    macro_rules! each {
        ($data:ident, $t:ty) => {
            for (value, place) in $data.iter().zip(to.chunks_exact_mut(size_of::<$t>())) {
                place.copy_from_slice(&(*value as $t).to_ne_bytes());
            }
        };
    }
    with_elements!(from_type, from, data => match to_type {
        DType::F32 => each!(data, f32),
        DType::F64 => each!(data, f64),
        DType::I32 => each!(data, i32),
        DType::I64 => each!(data, i64),
        _ => each!(data, u8),
    });
}

/// Gathers a batch of labels as 32-bit floats.
#[allow(clippy::unnecessary_cast)] // One of the types is the one that is wanted.
pub(crate) fn gather(port: &Port<'_>, pick: Pick<'_>, to: &mut [f32]) {
    let size = port.shape.size();
    with_elements!(port.dtype, port.bytes, data => {
        for i in 0..pick.len() {
            let at = pick.at(i);
            let from = &data[at * size..(at + 1) * size];
            to[i * size..(i + 1) * size].iter_mut().zip(from).for_each(|(to, v)| *to = *v as f32);
        }
    });
}

/// The order of an epoch's samples: a function of the seed and of the epoch alone.
pub(crate) fn shuffle(order: &mut [u32], seed: u64, epoch: usize) {
    // SplitMix64 (Steele, Lea and Flood, 2014), counted from a point of its own for each epoch.
    let mix = |x: u64| {
        let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    };
    let start = mix(seed ^ mix(epoch as u64 + 1));
    order.sort_unstable();
    // Fisher and Yates, from the end.
    for i in (1..order.len()).rev() {
        let draw = mix(start.wrapping_add((i as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)));
        let j = ((u128::from(draw) * (i as u128 + 1)) >> 64) as usize;
        order.swap(i, j);
    }
}

/// The order in which samples in memory come, batch after batch; when all were there, they start over in another order.
pub(crate) struct Order {
    list: Vec<u32>,
    seed: u64,
    shuffles: bool,
    /// Where the next batch starts.
    cursor: usize,
    /// Passes that have started.
    passes: usize,
}

impl Order {
    pub fn new(count: u32, seed: u64, shuffles: bool) -> Order {
        let list: Vec<u32> = (0..count).collect();
        Order { cursor: list.len(), list, seed, shuffles, passes: 0 }
    }

    /// Goes on where training that took so many batches would be.
    pub fn skip(&mut self, batches: usize, batch: usize) {
        let whole = self.list.len().div_ceil(batch).max(1);
        self.passes = batches / whole;
        self.cursor = self.list.len();
        if !batches.is_multiple_of(whole) {
            self.start();
            self.cursor = batches % whole * batch;
        }
    }

    fn start(&mut self) {
        if self.shuffles {
            shuffle(&mut self.list, self.seed, self.passes);
        }
        self.passes += 1;
        self.cursor = 0;
    }

    /// The next batch.
    pub fn next(&mut self, batch: usize) -> Pick<'_> {
        if self.cursor >= self.list.len() {
            self.start();
        }
        let from = self.cursor;
        self.cursor = (from + batch).min(self.list.len());
        Pick::List(&self.list[from..self.cursor])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Batch, D1};

    #[test]
    fn a_shuffle_is_a_permutation_that_depends_on_seed_and_epoch() {
        let order = |seed, epoch| {
            let mut order: Vec<u32> = (0..100).collect();
            shuffle(&mut order, seed, epoch);
            order
        };
        let mut sorted = order(1, 0);
        assert_ne!(sorted, order(1, 1));
        assert_ne!(sorted, order(2, 0));
        assert_eq!(sorted, order(1, 0));
        // The order before does not matter: training that goes on from a file sees the same samples.
        shuffle(&mut sorted, 1, 1);
        assert_eq!(sorted, order(1, 1));
        sorted.sort_unstable();
        assert_eq!(sorted, (0..100).collect::<Vec<u32>>());
    }

    #[test]
    fn an_order_goes_on_where_it_was() {
        for batches in [0, 1, 2, 3, 4, 7, 9] {
            let (mut whole, mut resumed) = (Order::new(10, 5, true), Order::new(10, 5, true));
            (0..batches).for_each(|_| assert!(whole.next(4).len() > 0));
            resumed.skip(batches, 4);
            for _ in 0..5 {
                let (a, b) = (whole.next(4), resumed.next(4));
                let list = |pick: Pick<'_>| (0..pick.len()).map(|i| pick.at(i)).collect::<Vec<_>>();
                assert_eq!(list(a), list(b), "after {batches} batches");
            }
        }
    }

    #[test]
    fn positions_are_uniform() {
        let mut first = [0usize; 8];
        for epoch in 0..4000 {
            let mut order: Vec<u32> = (0..8).collect();
            shuffle(&mut order, 7, epoch);
            first[order[0] as usize] += 1;
        }
        // 500 expected, standard deviation 21.
        assert!(first.iter().all(|n| (400..600).contains(n)), "{first:?}");
    }

    #[test]
    fn labels_are_gathered_as_floats() {
        let batch: Batch<D1<2>, i32> = Batch::new(vec![1, 2, 3, 4, -5, 6]).unwrap();
        let mut to = [0.0; 4];
        gather(&batch.port(0), Pick::List(&[2, 0]), &mut to);
        assert_eq!(to, [-5.0, 6.0, 1.0, 2.0]);
        gather(&batch.port(0), Pick::Run(1, 2), &mut to);
        assert_eq!(to, [3.0, 4.0, -5.0, 6.0]);
    }
}
