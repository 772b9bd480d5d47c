use keras::prelude::*;

model! {
    Net(right: [4], a: [4]) -> [1] = "../../../../keras-macros/core/tests/imports/shared.json"
}

fn main() {}
