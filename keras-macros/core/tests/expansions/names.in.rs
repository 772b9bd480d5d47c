Named([28, 28, 1]) -> [10] = [
    #[name = "stem"] Conv2D(8, 3),
    Conv2D(8, 3, name = "block-1.conv"),
    Conv2D(8, 3),
    Flatten,
    Dense(10),
]
