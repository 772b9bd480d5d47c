use keras::prelude::*;

#[derive(Layer, Clone)]
struct Own {
    a: bool,
    b: bool,
    c: bool,
    d: bool,
    e: bool,
}

#[call]
impl Own {
    fn call(&self, x: Tensor) -> Tensor {
        let mut y = x;
        if self.a {
            y = exp(y);
        }
        if self.b {
            y = exp(y);
        }
        if self.c {
            y = exp(y);
        }
        if self.d {
            y = exp(y);
        }
        if self.e {
            y = exp(y);
        }
        y
    }
}

fn main() {}
