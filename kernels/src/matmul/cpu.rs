use super::{Gemm, Matmul};
use crate::activation::Activation;
use crate::{Cpu, Grad, View};

impl Matmul for Cpu {
    fn gemm(&self, _: &Gemm, _: View, _: View, _: Option<View>, _: Activation, _: Grad) {
        unimplemented!()
    }
}
