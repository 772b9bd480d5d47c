use keras::prelude::*;

model! {
    Net([4]) -> [4] = "../../../../keras-macros/core/tests/imports/python_code.json"
}

fn main() {}
