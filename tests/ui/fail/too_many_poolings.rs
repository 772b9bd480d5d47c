use keras::prelude::*;

model! {
    Net(image: [28, 28, 1]) -> [10] {
        let mut x = Conv2D(8, 3)(image);
        for _ in 0..5 { x = MaxPooling2D(2)(x); }
        Dense(10)(Flatten()(x))
    }
}

fn main() {}
