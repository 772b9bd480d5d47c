use super::Softmax;
use crate::{Cpu, Grad, View};

impl Softmax for Cpu {
    fn softmax(&self, _: View, _: usize, _: View) {
        unimplemented!()
    }
    fn softmax_grad(&self, _: View, _: View, _: usize, _: Grad) {
        unimplemented!()
    }
    fn log_softmax(&self, _: View, _: usize, _: View) {
        unimplemented!()
    }
    fn log_softmax_grad(&self, _: View, _: View, _: usize, _: Grad) {
        unimplemented!()
    }
}
