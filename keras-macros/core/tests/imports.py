#!/usr/bin/env python3
"""Writes the architectures in imports/: what `Model.to_json()` of real Keras says of models with something of everything.

    KERAS_BACKEND=jax python imports.py
"""

import json
import pathlib

import keras
from keras import layers, ops

FOLDER = pathlib.Path(__file__).parent / "imports"


def write(name, model):
    # Identities of Python objects are other ones in each run.
    def plain(value):
        if isinstance(value, dict):
            return {key: plain(item) for key, item in value.items() if key != "shared_object_id"}
        if isinstance(value, list):
            return [plain(item) for item in value]
        return value

    text = json.dumps(plain(json.loads(model.to_json())), separators=(",", ":"))
    (FOLDER / f"{name}.json").write_text(text + "\n")
    keras.backend.clear_session()


def perceptron():
    return keras.Sequential([
        keras.Input((28, 28, 1)), layers.Flatten(), layers.Dense(128, activation="relu"), layers.Dropout(0.2),
        layers.Dense(10, activation="softmax", name="probabilities"),
    ])


def values():
    return keras.Sequential([
        keras.Input((16, 16, 3)),
        layers.Conv2D(4, (3, 5), strides=(2, 1), padding="same", kernel_initializer=keras.initializers.HeNormal(seed=3),
                      kernel_regularizer=keras.regularizers.L1L2(0.1, 0.2), bias_constraint="non_neg"),
        layers.Conv2D(4, 3, kernel_constraint=keras.constraints.MaxNorm(3, axis=[0, 1, 2]), activity_regularizer="l2",
                      activation=layers.LeakyReLU(negative_slope=0.1), trainable=False),
        layers.ZeroPadding2D(((1, 0), (2, 2))), layers.Cropping2D((1, 2)), layers.UpSampling2D(2, interpolation="bilinear"),
        layers.PReLU(shared_axes=[1, 2]), layers.ReLU(max_value=6), layers.ELU(), layers.LayerNormalization(axis=[1, -1]),
        layers.Reshape((-1, 4)), layers.EinsumDense("abc,cd->abd", output_shape=(None, 6), bias_axes="d"),
        layers.GlobalAveragePooling1D(),
        layers.Dense(3, kernel_initializer=keras.initializers.VarianceScaling(2.0, "fan_out", "uniform"),
                     bias_initializer=keras.initializers.Constant(0.5)),
    ])


def recurrent():
    words = keras.Input((12,), dtype="int32", name="words")
    x = layers.Embedding(50, 8, mask_zero=True)(words)
    x = layers.Bidirectional(layers.LSTM(4, return_sequences=True), merge_mode="sum")(x)
    x = layers.TimeDistributed(layers.Dense(4, activation="tanh"))(x)
    y, h, c = layers.LSTM(4, return_state=True, name="encoder")(x)
    z = layers.LSTM(4, return_sequences=True, name="decoder")(x, initial_state=[h, c])
    return keras.Model(words, [y, z])


def attention():
    x, mask = keras.Input((6, 8), name="x"), keras.Input((6, 6), name="mask", dtype="int32")
    attend = layers.MultiHeadAttention(2, 4, name="attend")
    y, scores = attend(x, x, return_attention_scores=True)
    z = attend(x, y, attention_mask=mask)
    w = layers.Attention()([y, z], use_causal_mask=True)
    return keras.Model([x, mask], {"out": w, "scores": scores})


def shared():
    a, b = keras.Input((4,), name="left"), keras.Input((4,), name="right")
    twin = layers.Dense(3, name="twin")
    x = layers.Add()([twin(a), twin(b)])
    return keras.Model([a, b], layers.Dense(1, name="1st-score")(x))


def nested():
    inner = keras.Input((5,), name="inner")
    encoder = keras.Model(inner, [layers.Dense(4)(inner), layers.Dense(2)(inner)], name="encoder")
    encoder.trainable = False
    head = keras.Sequential([keras.Input((4,)), layers.Dense(2, name="type")], name="head")
    x, y = keras.Input((5,), name="x"), keras.Input((5,), name="fn")
    (p, q), (r, _) = encoder(x), encoder(y)
    return keras.Model([x, y], layers.Concatenate(name="relu")([head(p), q, layers.ReLU()(r)]))


def operators():
    x, y = keras.Input((4,), name="x"), keras.Input((4,), name="y")
    z = (x + y) * 2 - 1 / 4 - y
    z = ops.relu(-z) / 3 + ops.maximum(x, y) * x
    z = ops.concatenate([z, ops.tanh(x), ops.square(y)], axis=-1)
    z = ops.transpose(ops.reshape(z, (-1, 3, 4)), (0, 2, 1))
    return keras.Model([x, y], ops.softmax(ops.leaky_relu(z, 0.1), axis=1))


def stand_ins():
    x = keras.Input((6, 4), name="x")
    y = ops.expand_dims(ops.mean(x, axis=1), 1) + ops.max(x, axis=1, keepdims=True)
    y = ops.squeeze(ops.matmul(x[:, 1:3], ops.transpose(y, (0, 2, 1))), axis=-1)
    return keras.Model(x, [y[:, 1:] ** 2, x[:, -1], layers.Dense(2)(layers.Reshape((6, 4))(x)[:, :-2])])


def words_as_names():
    x = keras.Input((4,), name="sigmoid")
    y = layers.Dense(4, activation="sigmoid", name="tanh")(x)
    y = layers.Dense(4, activation="tanh", kernel_initializer="orthogonal", name="Dense_9")(y)
    return keras.Model(x, layers.Identity(name="orthogonal")(y))


def arguments_in_any_order():
    q, v = keras.Input((4, 6), name="q"), keras.Input((5, 8), name="v")
    mask = keras.Input((4, 5), name="mask", dtype="int32")
    x = layers.MultiHeadAttention(2, 3)(value=v, query=q)
    y = layers.MultiHeadAttention(2, 3)(attention_mask=mask, key=v, value=v, query=q)
    h, c = layers.Dense(4, name="h")(q[:, 0]), layers.Dense(4, name="c")(q[:, 1])
    z = layers.LSTM(4)(x, [h, c])
    w = layers.LSTM(4)(initial_state=[h, c], sequences=y)
    return keras.Model([q, v, mask], [z, w])


def main():
    FOLDER.mkdir(exist_ok=True)
    for make in (perceptron, values, recurrent, attention, shared, nested, operators, stand_ins, words_as_names, arguments_in_any_order):
        write(make.__name__, make())

    x = keras.Input((None, 5), name="steps")
    write("open_shape", keras.Model(x, layers.LSTM(3)(x)))
    inner = keras.Sequential([keras.Input((None, 5)), layers.LSTM(3)], name="inner")
    x = keras.Input((7, 5))
    write("open_shape_inside", keras.Model(x, inner(x)))
    write("unbuilt", keras.Sequential([layers.Dense(3), layers.Dense(2)]))
    x = keras.Input((4, 3), name="x")
    write("no_such_operation", keras.Model(x, ops.sort(x, axis=1)))
    write("python_code", keras.Sequential([keras.Input((4,)), layers.Lambda(lambda x: x, name="doubled")]))
    write("unknown_layer", keras.Sequential([keras.Input((4, 4, 3)), layers.RandomFlip(name="flip")]))


if __name__ == "__main__":
    main()
