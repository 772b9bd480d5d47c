use keras::prelude::*;

model! {
    Net([7, 5]) -> [3] = "../../../../keras-macros/core/tests/imports/open_shape_inside.json"
}

fn main() {}
