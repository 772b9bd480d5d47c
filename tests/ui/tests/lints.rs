//! A crate with strict lints: what `model!` generates keeps them, also inside a function.

#![forbid(unsafe_code)]
#![deny(missing_docs, unused, warnings)]

use keras::prelude::*;

const CLASSES: usize = 10;

model! {
    /// A model with something of everything.
    #[derive(Debug)]
    pub Everything(image: [8, 8, 1], words: [i32; 20]) -> (kind: [CLASSES], tag: [20, 4]) {
        let x = #[name = "stem"] Dense(4, activation = relu)(image);
        let (a, b) = (Dense(4), Dense(4, name = "second"));
        let mut y = a(x) * 2.0 - b(x);
        for units in [4, 4] {
            y = relu(Dense(units)(y)) + -y;
        }
        if 1 + 1 == 2 {
            y = y / 2 - 1;
        }
        let words = Embedding(50, 6)(words);
        let (_sequence, h, _c) = LSTM(8, return_state = true, return_sequences = true)(words);
        (Dense(CLASSES)(concat([Flatten()(y), h])), Dense(4)(words))
    }
}

#[test]
fn strict_lints() {
    const UNITS: usize = 3;
    model! {
        Local([4]) -> [UNITS] = [Dense(UNITS)]
    }
    assert_eq!(Local::PARAMS, 15);
    const { assert!(Everything::PARAMS > 0 && Everything::PEAK > 0 && Everything::TRAIN_PEAK > Everything::PEAK) };
    let _ = Everything;
}
