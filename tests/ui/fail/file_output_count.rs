use keras::prelude::*;

model! {
    Net(left: [4], right: [4]) -> (a: [1], b: [1]) = "../../../../keras-macros/core/tests/imports/shared.json"
}

fn main() {}
