/// A classifier.
#[derive(Debug, Clone, Copy)]
pub(crate) Digits([8, 8]) -> [CLASSES] = [
    Flatten,
    Dense(CLASSES, trainable = false, activity_regularizer = L2(0.01)),
]
