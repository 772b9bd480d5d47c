use keras::prelude::*;

model! {
    Net(x: [32]) -> [10] {
        let hidden = Dense(64)(x);
        Dense(10)(hiden)
    }
}

fn main() { let _ = (Net::PARAMS, Net::new()); }
