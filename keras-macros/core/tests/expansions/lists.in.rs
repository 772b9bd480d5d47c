Net(input: [8]) -> [2] {
    let mut x = input;
    let tower = [Dense(4), ReLU];
    for units in [4, 2] {
        if units == 4 { x = tower(x); } else { x = Dense(units)(x); }
    }
    x
}
