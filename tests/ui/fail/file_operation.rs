use keras::prelude::*;

model! {
    Net([4, 3]) -> [3] = "../../../../keras-macros/core/tests/imports/no_such_operation.json"
}

fn main() {}
