Twin(x: [6, 8]) -> [6, 4] {
    let tower = Tower(trainable = false);
    Dense(4, activity_regularizer = L1(0.1))(tower(x))
}
