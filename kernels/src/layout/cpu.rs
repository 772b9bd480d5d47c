use super::{Layout, Walk};
use crate::{Cpu, Grad, View};

impl Layout for Cpu {
    fn walk(&self, _: &Walk, _: View, _: Grad) {
        unimplemented!()
    }
    fn fill(&self, _: f64, _: View) {
        unimplemented!()
    }
    fn cast(&self, _: View, _: View) {
        unimplemented!()
    }
}
