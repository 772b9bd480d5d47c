use keras::prelude::*;

model! {
    Net(image: [32, 32, 3], words: [40]) -> (a: [10], b: [5]) {
        let x = Dense(10)(Conv2D(16, 33)(image));
        let y = LSTM(8)(words);
        (Flatten()(x), Dense(4)(Dense(0)(y)))
    }
}

fn main() {}
