use super::{Activation, Activations};
use crate::{Cpu, Grad, View};

impl Activations for Cpu {
    fn activation(&self, _: Activation, _: View, _: View) {
        unimplemented!()
    }
    fn activation_grad(&self, _: Activation, _: Option<View>, _: View, _: View, _: Grad) {
        unimplemented!()
    }
}
