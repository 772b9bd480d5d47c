//! How a product is cut into tasks.

use super::Gemm;
use super::tile::{Isa, Tiled};

/// Rows of C in one task at most: what is packed of B for a task is read by so many.
const TASK_ROWS: usize = 504;

/// Panels of B in one task at most: they stay in the second cache while the rows of A pass by, and what is copied of A is read by so many.
const GROUP: usize = 8;

/// Multiplications that a task should have at least.
const TASK_WORK: usize = 1 << 20;

/// Tasks that are enough for several threads to have their share.
const TASKS: usize = 8;

/// Elements of the common dimension in a part at least.
const PART: usize = 1024;

/// Elements of the sums of all parts at most.
const PARTS: usize = 1 << 20;

/// A row of a task costs as much as so many panels cost: what is packed of B against what is copied of A.
const ROWS_A_PANEL: usize = 47;

/// How a product is cut into tasks.
pub(super) struct Cut {
    /// Rows of C in a task.
    pub(super) rows: usize,
    /// Panels of B in a task.
    pub(super) panels: usize,
    /// Parts of the common dimension, each with sums of its own.
    pub(super) parts: usize,
}

impl Cut {
    /// Tasks of all products.
    pub(super) fn count<T: Tiled>(&self, isa: Isa<T>, gemm: &Gemm) -> usize {
        let of_product = gemm.m.div_ceil(self.rows) * gemm.n.div_ceil(self.panels * isa.cols);
        gemm.batch[0] * gemm.batch[1] * of_product * self.parts
    }
}

/// Cuts a product by its size alone.
pub(super) fn cut<T: Tiled>(isa: Isa<T>, gemm: &Gemm) -> Cut {
    let Gemm { m, n, k, .. } = *gemm;
    let products = gemm.batch[0] * gemm.batch[1];
    let panels = n.div_ceil(isa.cols);
    let mut cut = Cut { rows: m.div_ceil(m.div_ceil(TASK_ROWS)), panels: panels.min(GROUP), parts: 1 };
    let want = (products.saturating_mul(m * n).saturating_mul(k) / TASK_WORK).min(TASKS);
    // A long sum of a small matrix: the operands are read once.
    let parts = (want / cut.count(isa, gemm)).min(k / PART);
    if products == 1 && parts > 1 && parts * m * n <= PARTS {
        return Cut { parts, ..cut };
    }
    while cut.count(isa, gemm) < want {
        if cut.panels > 1 && (cut.rows <= ROWS_A_PANEL * cut.panels || cut.rows <= 2 * isa.rows) {
            cut.panels = cut.panels.div_ceil(2);
        } else if cut.rows > 2 * isa.rows {
            cut.rows = cut.rows.div_ceil(2).next_multiple_of(isa.rows);
        } else {
            break;
        }
    }
    cut
}
