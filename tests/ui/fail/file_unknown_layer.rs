use keras::prelude::*;

model! {
    Net([4, 4, 3]) -> [4, 4, 3] = "../../../../keras-macros/core/tests/imports/unknown_layer.json"
}

fn main() {}
