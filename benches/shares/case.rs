//! One thing to be measured.

use std::sync::Arc;

use keras_kernels::{DType, Device, Shape, View};

/// What a run does, by which it is compared with a peak.
#[derive(Clone, Copy)]
pub enum Work {
    /// Multiplications and additions, against multiply-adds in registers.
    Flops(f64),
    /// Bytes read, written, and fetched before they are overwritten, against a loop that scales as many bytes into others.
    Traffic(f64),
}

impl Work {
    pub fn amount(self) -> f64 {
        match self {
            Work::Flops(n) | Work::Traffic(n) => n,
        }
    }
}

/// A run with all its memory.
pub type Run = Box<dyn FnMut() + Send>;

#[derive(Clone)]
pub struct Case {
    pub name: String,
    pub work: Work,
    make: Arc<dyn Fn(&Device) -> Run>,
}

impl Case {
    pub fn flops(name: String, flops: usize, make: impl Fn(&Device) -> Run + 'static) -> Case {
        Case { name, work: Work::Flops(flops as f64), make: Arc::new(make) }
    }

    /// Of 32-bit numbers: so many read, written over memory that was read anyway, and written over other memory.
    pub fn traffic(
        name: String,
        read: usize,
        in_place: usize,
        fresh: usize,
        make: impl Fn(&Device) -> Run + 'static,
    ) -> Case {
        Case { name, work: Work::Traffic(4.0 * (read + in_place + 2 * fresh) as f64), make: Arc::new(make) }
    }

    pub fn on(&self, device: &Device) -> Run {
        (self.make)(device)
    }
}

/// Memory for a run, aligned as a model's: views of it stay valid as long as it lives.
#[derive(Default)]
pub struct Room(Vec<Vec<Line>>);

#[repr(align(64))]
struct Line(#[expect(dead_code)] [u32; LINE]);

const LINE: usize = 16;

impl Room {
    /// Numbers between -0.5 and 0.5.
    pub fn floats(&mut self, dims: &[usize]) -> View {
        self.fill(Shape::of(dims), DType::F32, |i| ((i * 7919 % 1000) as f32 / 1000.0 - 0.5).to_bits())
    }

    /// Whole numbers below `end`.
    pub fn ids(&mut self, dims: &[usize], end: usize) -> View {
        self.fill(Shape::of(dims), DType::I32, |i| (i * 7919 % end) as u32)
    }

    /// Numbers of four bytes (or fewer).
    pub fn fill(&mut self, shape: Shape, dtype: DType, bits: impl Fn(usize) -> u32) -> View {
        let line = |i: usize| Line(std::array::from_fn(|j| bits(LINE * i + j)));
        self.0.push((0..shape.size().div_ceil(LINE)).map(line).collect());
        let memory = self.0.last_mut().expect("just pushed");
        // SAFETY: the memory is large enough, does not move, and lives as long as the room, which lies beside the view.
        unsafe { View::new(memory.as_mut_ptr().cast(), shape, dtype) }
    }
}
