use keras::prelude::*;

model! {
    Net(a: [4], b: [4]) -> [10] = "../../../../keras-macros/core/tests/imports/perceptron.json"
}

fn main() {}
