//! Small models.

use keras::prelude::*;

model! { pub Perceptron([20]) -> [10] = [Dense(32, activation = relu), Dense(10, activation = softmax)] }

model! {
    pub Mlp([784]) -> [10] = [
        Dense(512, activation = relu),
        Dense(512, activation = relu),
        Dense(10, activation = softmax),
    ]
}

model! {
    pub Mnist([28, 28, 1]) -> [10] = [
        Conv2D(32, 3, activation = relu),
        MaxPooling2D(2),
        Conv2D(64, 3, activation = relu),
        MaxPooling2D(2),
        Flatten,
        Dense(10, activation = softmax),
    ]
}
