"""The models, in Keras. Layers have names of their own, by which the other programs find their weights."""

import keras
from keras import layers, ops

from workloads import WORKLOADS


def perceptron():
    return keras.Sequential([
        keras.Input((20,)),
        layers.Dense(32, activation="relu", name="hidden"),
        layers.Dense(10, activation="softmax", name="head"),
    ])


def mlp():
    return keras.Sequential([
        keras.Input((784,)),
        layers.Dense(512, activation="relu", name="hidden1"),
        layers.Dense(512, activation="relu", name="hidden2"),
        layers.Dense(10, activation="softmax", name="head"),
    ])


def mnist():
    """keras.io/examples/vision/mnist_convnet, without dropout."""
    return keras.Sequential([
        keras.Input((28, 28, 1)),
        layers.Conv2D(32, 3, activation="relu", name="conv1"),
        layers.MaxPooling2D(2),
        layers.Conv2D(64, 3, activation="relu", name="conv2"),
        layers.MaxPooling2D(2),
        layers.Flatten(),
        layers.Dense(10, activation="softmax", name="head"),
    ])


def resnet20():
    """He et al. 2015, section 4.2, with projections where the shape changes."""

    def conv(x, filters, size, stride, name, relu=True):
        x = layers.Conv2D(filters, size, strides=stride, padding="same", use_bias=False, name=name)(x)
        x = layers.BatchNormalization(name=f"{name}_norm")(x)
        return layers.ReLU()(x) if relu else x

    x = inputs = keras.Input((32, 32, 3))
    x = conv(x, 16, 3, 1, "stem")
    for stage, filters in enumerate((16, 32, 64)):
        for block in range(3):
            name, stride = f"s{stage}b{block}", 2 if stage and not block else 1
            y = conv(x, filters, 3, stride, f"{name}_1")
            y = conv(y, filters, 3, 1, f"{name}_2", relu=False)
            if stride == 2:
                x = conv(x, filters, 1, 2, f"{name}_0", relu=False)
            x = layers.ReLU()(layers.Add()([y, x]))
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, layers.Dense(10, activation="softmax", name="head")(x))


def resnet50():
    return keras.applications.ResNet50(weights=None)


def mobilenetv2():
    return keras.applications.MobileNetV2(weights=None)


def recurrent(layer):
    return keras.Sequential([
        keras.Input((80,), dtype="int32"),
        layers.Embedding(10_000, 128, name="embedding"),
        layer(128, name="rnn"),
        layers.Dense(1, activation="sigmoid", name="head"),
    ])


def lstm():
    return recurrent(layers.LSTM)


def gru():
    return recurrent(layers.GRU)


def encoder(x, name, heads, size, wide):
    """A block of a Transformer that normalizes first."""
    width = heads * size
    y = layers.LayerNormalization(epsilon=1e-6, name=f"{name}_norm1")(x)
    x = layers.Add()([x, layers.MultiHeadAttention(heads, size, name=f"{name}_attention")(y, y)])
    y = layers.LayerNormalization(epsilon=1e-6, name=f"{name}_norm2")(x)
    y = layers.Dense(wide, activation="gelu", name=f"{name}_wide")(y)
    return layers.Add()([x, layers.Dense(width, name=f"{name}_narrow")(y)])


def transformer():
    words = keras.Input((80,), dtype="int32")
    x = layers.Embedding(10_000, 128, name="embedding")(words)
    for block in range(2):
        x = encoder(x, f"b{block}", 4, 32, 512)
    x = layers.LayerNormalization(epsilon=1e-6, name="norm")(x)
    x = layers.GlobalAveragePooling1D()(x)
    return keras.Model(words, layers.Dense(1, activation="sigmoid", name="head")(x))


def vit():
    """ViT-Tiny with patches of 16 and an average in place of the class token (Beyer et al. 2022), without embeddings of positions."""
    images = keras.Input((224, 224, 3))
    x = layers.Conv2D(192, 16, strides=16, name="patches")(images)
    x = layers.Reshape((196, 192))(x)
    for block in range(12):
        x = encoder(x, f"b{block}", 3, 64, 768)
    x = layers.LayerNormalization(epsilon=1e-6, name="norm")(x)
    x = layers.GlobalAveragePooling1D()(x)
    return keras.Model(images, layers.Dense(1000, activation="softmax", name="head")(x))


def build(name):
    keras.utils.clear_session()
    keras.utils.set_random_seed(1)
    model = globals()[name]()
    assert model.input_shape[1:] == WORKLOADS[name].input
    return model


def compile(model, name, **options):
    work = WORKLOADS[name]
    optimizer = {
        "sgd": lambda: keras.optimizers.SGD(work.rate),
        "momentum": lambda: keras.optimizers.SGD(work.rate, momentum=0.9),
        "adam": lambda: keras.optimizers.Adam(work.rate),
    }[work.optimizer]()
    loss = "binary_crossentropy" if work.classes == 1 else "sparse_categorical_crossentropy"
    model.compile(optimizer, loss, **options)
