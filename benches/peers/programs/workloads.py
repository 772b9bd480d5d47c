"""What is measured. The driver and every Python program read this table; `ours/workloads.rs` and the Rust peers repeat its names.

`train` and `infer` are batch sizes. Samples are noise, labels are random classes: what matters is that everybody gets the same.
"""

from dataclasses import dataclass

BATCHES = 4  # the data are so many batches, taken in turn


@dataclass(frozen=True)
class Workload:
    title: str
    input: tuple  # the shape of a sample; `vocabulary` makes it one of words
    classes: int  # 1: a probability, with the binary crossentropy
    optimizer: str  # sgd, momentum (0.9) or adam
    rate: float
    train: tuple
    infer: tuple
    vocabulary: int = 0


WORKLOADS = {
    "perceptron": Workload("perceptron 20-32-10", (20,), 10, "sgd", 0.01, (1, 32), (1, 32)),
    "mlp": Workload("MLP 784-512-512-10", (784,), 10, "adam", 1e-3, (128,), (1, 128)),
    "mnist": Workload("MNIST convnet", (28, 28, 1), 10, "adam", 1e-3, (128,), (1, 128)),
    "resnet20": Workload("CIFAR ResNet-20", (32, 32, 3), 10, "momentum", 0.01, (64,), (1, 64)),
    "resnet50": Workload("ResNet50, 224x224", (224, 224, 3), 1000, "momentum", 1e-3, (8,), (1, 8)),
    "mobilenetv2": Workload("MobileNetV2, 224x224", (224, 224, 3), 1000, "momentum", 1e-3, (16,), (1, 8)),
    "lstm": Workload("LSTM text classifier", (80,), 1, "adam", 1e-3, (32,), (1, 32), vocabulary=10_000),
    "gru": Workload("GRU text classifier", (80,), 1, "adam", 1e-3, (32,), (1, 32), vocabulary=10_000),
    "transformer": Workload("Transformer encoder", (80,), 1, "adam", 1e-4, (32,), (1, 32), vocabulary=10_000),
    "vit": Workload("ViT-Tiny, 224x224", (224, 224, 3), 1000, "adam", 1e-4, (32,), (1, 32)),
}
