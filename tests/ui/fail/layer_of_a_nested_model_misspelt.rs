use keras::prelude::*;

model! { Tower([6, 8]) -> [6, 8] = [Dense(8)] }

model! {
    Net(x: [6, 8]) -> [6, 8] { let tower = Tower(); tower(x) }
}

fn main() {
    let model = Model::<Net>::new(Device::default());
    let kernel = model.tower().dense_1().kernel();
}
