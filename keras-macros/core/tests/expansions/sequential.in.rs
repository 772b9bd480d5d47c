/// A perceptron.
pub Mlp([28, 28, 1]) -> [10] = [
    Flatten,
    Dense(128, activation = relu, kernel_regularizer = L2(0.01)),
    Dense(10, activation = softmax),
]
