pub(crate) Siamese(left: [28, 28, 1], right: [28, 28, 1]) -> [1] {
    let tower = [Conv2D(16, 3, strides = (2, 1)), Flatten];
    Dense(1)(subtract(tower(left), tower(right)))
}
