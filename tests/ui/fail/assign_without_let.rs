use keras::prelude::*;

model! {
    Net(x: [32]) -> [10] { let hidden = x; hiden = Dense(10)(hidden); hidden }
}

fn main() {}
