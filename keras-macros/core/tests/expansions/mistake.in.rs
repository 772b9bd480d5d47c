pub Net(x: [32]) -> [10] {
    let y = Dense(64, activation = relu)(x);
    Dense(10)(yy)
}
