Net(x: [32]) -> [10] {
    let block = |x, units| x + Dense(32)(Dense(units, activation = relu)(x));
    let mut y = x;
    for i in 0..2 {
        y = block(y, 64 * (i + 1));
    }
    Dense(10)(concat(y, x * 0.5, axis = 1))
}
