use super::Gather;
use crate::{Cpu, Grad, View};

impl Gather for Cpu {
    fn gather(&self, _: View, _: View, _: View) {
        unimplemented!()
    }
    fn scatter_add(&self, _: View, _: View, _: Grad) {
        unimplemented!()
    }
}
