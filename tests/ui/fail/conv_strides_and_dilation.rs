use keras::prelude::*;

model! {
    Net([8, 8, 1]) -> [6, 6, 4] = [Conv2D(4, 3, strides = 2, dilation_rate = 2)]
}

fn main() {}
