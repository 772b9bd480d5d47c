use super::Gather;
use crate::cpu::math::Real;
use crate::cpu::raw::Raw;
use crate::cpu::threads;
use crate::{Cpu, DType, Element, Grad, Mode, View, with_float};

/// Elements of one task.
const PIECE: usize = 8_192;

/// Index `i` of `ids`, or `None` if it is out of range for `rows`.
#[inline]
fn index<I: Element>(ids: Raw<I>, i: usize, rows: usize) -> Option<usize> {
    // SAFETY: `i` is below the number of ids, which nothing writes.
    let id = unsafe { ids.get(i) }.to_f64() as i64;
    let id = if id < 0 { id + rows as i64 } else { id };
    (id >= 0 && (id as usize) < rows).then_some(id as usize)
}

fn gather<T: Real, I: Element>(table: View, ids: View, y: View) {
    let width = table.shape().last();
    let rows = table.size() / width.max(1);
    let count = ids.size();
    assert!(y.size() == count * width, "sizes of a gather");
    let (table, ids, y) = (Raw::<T>::of(table), Raw::<I>::of(ids), Raw::<T>::of(y));
    threads::pieces(count, PIECE / width.max(1), width, |start, end| {
        for i in start..end {
            // SAFETY: row `i` of the result, which this task alone touches.
            let to = unsafe { y.slice_mut(i * width, width) };
            match index(ids, i, rows) {
                // SAFETY: a row of the table, which nothing writes.
                Some(row) => to.copy_from_slice(unsafe { table.slice(row * width, width) }),
                None => to.fill(T::nan()),
            }
        }
    });
}

/// Every task owns a band of the table's rows and reads all ids, so that each row's sum has the order of the ids.
fn scatter_add<T: Real, I: Element>(ids: View, dy: View, dtable: Grad) {
    let width = dtable.view.shape().last();
    let rows = dtable.view.size() / width.max(1);
    let count = ids.size();
    assert!(dy.size() == count * width, "sizes of a scatter");
    let mode = dtable.mode;
    let (ids, dy, to) = (Raw::<I>::of(ids), Raw::<T>::of(dy), Raw::<T>::of(dtable.view));
    let bands = (count * width / PIECE).clamp(1, width.clamp(1, 32)).min(rows.max(1));
    let band = rows.div_ceil(bands);
    threads::pieces(rows, band, count * width / rows.max(1) + width, |start, end| {
        if mode == Mode::Write {
            // SAFETY: the rows of this task.
            unsafe { to.slice_mut(start * width, (end - start) * width) }.fill(T::zero());
        }
        for i in 0..count {
            if let Some(row) = index(ids, i, rows).filter(|row| (start..end).contains(row)) {
                // SAFETY: a row of this task, and a row that nothing writes.
                let (to, dy) = unsafe { (to.slice_mut(row * width, width), dy.slice(i * width, width)) };
                for (to, dy) in to.iter_mut().zip(dy) {
                    *to += *dy;
                }
            }
        }
    });
}

fn one_hot<T: Real, I: Element>(ids: View, y: View) {
    let classes = y.shape().last();
    let count = ids.size();
    assert!(y.size() == count * classes, "sizes of a one-hot encoding");
    let (ids, y) = (Raw::<I>::of(ids), Raw::<T>::of(y));
    threads::pieces(count, PIECE / classes.max(1), classes, |start, end| {
        for i in start..end {
            // SAFETY: row `i` of the result, which this task alone touches.
            let to = unsafe { y.slice_mut(i * classes, classes) };
            to.fill(T::zero());
            // SAFETY: `i` is below the number of ids, which nothing writes.
            let id = unsafe { ids.get(i) }.to_f64();
            if let Some(one) = to.get_mut(id as usize).filter(|_| id > -1.0) {
                *one = T::one();
            }
        }
    });
}

/// Runs `$body` with `$I` set to the element type of `$ids`.
macro_rules! with_ids {
    ($ids:expr, $I:ident => $body:expr) => {
        match $ids.dtype() {
            DType::I32 => {
                type $I = i32;
                $body
            }
            DType::I64 => {
                type $I = i64;
                $body
            }
            DType::U8 | DType::Bool => {
                type $I = u8;
                $body
            }
            DType::F32 => {
                type $I = f32;
                $body
            }
            DType::F64 => {
                type $I = f64;
                $body
            }
        }
    };
}

impl Gather for Cpu {
    fn gather(&self, table: View, ids: View, y: View) {
        with_float!(table.dtype(), T => with_ids!(ids, I => gather::<T, I>(table, ids, y)));
    }

    fn scatter_add(&self, ids: View, dy: View, dtable: Grad) {
        with_float!(dy.dtype(), T => with_ids!(ids, I => scatter_add::<T, I>(ids, dy, dtable)));
    }

    fn one_hot(&self, ids: View, y: View) {
        with_float!(y.dtype(), T => with_ids!(ids, I => one_hot::<T, I>(ids, y)));
    }
}
