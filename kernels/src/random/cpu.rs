use super::{Random, Stream};
use crate::{Cpu, Grad, Shape, View};

impl Random for Cpu {
    fn uniform(&self, _: Stream, _: f64, _: f64, _: View) {
        unimplemented!()
    }
    fn normal(&self, _: Stream, _: f64, _: f64, _: bool, _: View) {
        unimplemented!()
    }
    fn dropout(&self, _: Stream, _: f64, _: Shape, _: View, _: Grad) {
        unimplemented!()
    }
}
