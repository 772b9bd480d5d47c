"""Writes models with real Keras that are called in many ways, or hold many types.

usage: make_models.py FOLDER

Each model NAME.keras has the arrays of its inputs (x0, x1, ...) and of Keras' own predictions (y0, y1, ...) in NAME.npz. Names of
types start with `type_`.
"""

import os
import sys

os.environ.setdefault("KERAS_BACKEND", "jax")

import jax  # noqa: E402

jax.config.update("jax_enable_x64", True)

import keras  # noqa: E402
import numpy as np  # noqa: E402

FOLDER = sys.argv[1]
L = keras.layers
ops = keras.ops
rng = np.random.default_rng(3)
keras.utils.set_random_seed(3)
os.makedirs(FOLDER, exist_ok=True)


def write(name, inputs, outputs, data):
    model = keras.Model(inputs, outputs, name=name)
    for variable in model.weights:
        # Other numbers than those of a fresh layer, in moving statistics too.
        value = 0.5 * np.asarray(variable).astype("float32") + 0.1 * rng.random(variable.shape)
        variable.assign(value)
    found = model.predict(data if len(data) > 1 else data[0], verbose=0)
    found = found if isinstance(found, (list, tuple)) else [found]
    arrays = {f"x{i}": x for i, x in enumerate(data)} | {f"y{i}": np.asarray(y, "float64") for i, y in enumerate(found)}
    np.savez(os.path.join(FOLDER, name + ".npz"), **arrays)
    model.save(os.path.join(FOLDER, name + ".keras"))


def floats(*shape):
    return rng.standard_normal((4, *shape)).astype("float32")


def words(*shape):
    return rng.integers(0, 6, (4, *shape)).astype("int32")


def bools(*shape):
    return rng.random((4, *shape)) < 0.6


def calls():
    """Arguments by position, by name, in another order than that of the signature; options of a call."""
    q, k, v = keras.Input((5, 4)), keras.Input((6, 4)), keras.Input((6, 4))
    m, h, c = keras.Input((5, 6), dtype="bool"), keras.Input((3,)), keras.Input((3,))
    data = {id(q): floats(5, 4), id(k): floats(6, 4), id(v): floats(6, 4), id(m): bools(5, 6), id(h): floats(3), id(c): floats(3)}

    def of(name, inputs, outputs):
        write(name, inputs, outputs, [data[id(i)] for i in inputs])

    heads = L.MultiHeadAttention(2, 3)
    of("attention_out_of_order", [q, m, k, v], heads(q, attention_mask=m, key=k, value=v, use_causal_mask=False))
    of("attention_by_name", [q, v], L.MultiHeadAttention(2, 3)(value=v, query=q))
    of("attention_of_groups", [q, v, k, m], L.GroupQueryAttention(2, 4, 2)(q, attention_mask=m, value=v, key=k))
    of("attention_scores", [q, k], list(L.Attention()([q, k], return_attention_scores=True, use_causal_mask=True)))
    of("states_by_position", [q, h, c], L.LSTM(3)(q, [h, c]))
    of("states_first", [h, q], L.GRU(3, return_sequences=True)(initial_state=h, sequences=q))
    of("states_of_both_ways", [q, h, c], L.Bidirectional(L.SimpleRNN(3))(q, initial_state=[h, c], training=True))
    of("training_is_recorded", [q], L.Dropout(0.5)(L.BatchNormalization()(q, training=False), training=True))
    of("softmax_mask", [q], L.Softmax()(q, mask=ops.greater(q, 0.0)))


def types():
    """Policies and types of inputs."""
    for policy in ["mixed_bfloat16", "mixed_float16", "bfloat16", "float16", "float64", "float32"]:
        x = keras.Input((6, 6, 2), dtype="float64" if policy == "float64" else "float32")
        y = L.Conv2D(4, 3, activation="relu", dtype=policy)(x)
        y = L.BatchNormalization(dtype=policy)(y)
        y = L.Reshape((4, 16), dtype=policy)(y)
        y = L.Bidirectional(L.GRU(3, dtype=policy, recurrent_initializer="glorot_uniform"), dtype=policy)(y)
        y = L.Dense(2, dtype=policy)(y)
        write(f"type_{policy}", [x], y, [floats(6, 6, 2)])
    x = keras.Input((4,))
    y = L.Dense(3, dtype="float32")(x)
    y = L.Dense(3, dtype="mixed_float16", activation="tanh")(y)
    write("type_of_each_layer", [x], L.Dense(2, dtype="float32")(y), [floats(4)])
    for dtype in ["float16", "bfloat16", "float64"]:
        x = keras.Input((4,), dtype=dtype)
        # Keras takes numbers of 32 bits for any of them.
        write(f"type_input_{dtype}", [x], L.Dense(2)(x), [floats(4)])
    for dtype in ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32"]:
        x = keras.Input((5,), dtype=dtype)
        write(f"type_input_{dtype}", [x], L.Flatten()(L.Embedding(6, 3)(x)), [words(5).astype(dtype)])
    x = keras.Input((4,), dtype="int32")
    write("type_input_ints_to_dense", [x], L.Dense(2)(x), [words(4)])
    x = keras.Input((4, 4, 3), dtype="uint8")
    y = L.GlobalAveragePooling2D()(L.Conv2D(2, 3)(L.Rescaling(1 / 255)(x)))
    write("type_input_pixels", [x], y, [rng.integers(0, 256, (4, 4, 4, 3)).astype("uint8")])
    x, b = keras.Input((4,)), keras.Input((4,), dtype="bool")
    write("type_input_bool", [x, b], ops.where(b, x, -x), [floats(4), bools(4)])


def masks():
    """Masks that Keras records as tensors: computed by its layers, by operations, or given."""
    a, b = keras.Input((5,), dtype="int32"), keras.Input((5,), dtype="int32")
    x, y, m = keras.Input((5, 3)), keras.Input((6, 3)), keras.Input((5,), dtype="bool")
    n, t = keras.Input((6,), dtype="bool"), keras.Input((4, 5), dtype="int32")
    data = {id(a): words(5), id(b): words(5), id(x): steps(5, 3), id(y): steps(6, 3), id(m): bools(5), id(n): bools(6)}
    data[id(t)] = words(4, 5)

    def of(name, inputs, outputs):
        write("masks_" + name, inputs, outputs, [data[id(i)] for i in inputs])

    def embed(of=a, size=3):
        return L.Embedding(6, size, mask_zero=True)(of)

    of("concatenate", [a, b], L.LSTM(2)(L.Concatenate()([embed(), embed(b, 4)])))
    of("concatenate_steps", [a, b], L.GRU(2)(L.Concatenate(axis=1)([embed(), embed(b)])))
    of("concatenate_one", [a, x], L.LSTM(2)(L.Concatenate()([embed(), x])))
    for merge in [L.Add, L.Average, L.Multiply, L.Maximum, L.Minimum, L.Subtract]:
        of(merge.__name__.lower(), [a, b], L.SimpleRNN(2)(merge()([embed(), embed(b)])))
    of("chain", [x], L.GRU(2)(L.Dropout(0.5)(L.Masking()(x))))
    of("long_chain", [x, a], L.LSTM(2)(L.Dense(3)(L.Add()([L.Dropout(0.5)(L.Masking(0.5)(x)), L.LayerNormalization()(embed())]))))
    of("computed", [a], L.LSTM(2)(L.Embedding(6, 3)(a), mask=ops.not_equal(a, 2)))
    of("replaced", [a], L.LSTM(2)(embed(), mask=ops.not_equal(a, 2)))
    both = ops.logical_and(ops.not_equal(a, 0), ops.any(ops.not_equal(x, 0.0), axis=-1))
    of("both", [a, x], L.GRU(2, return_sequences=True)(x, mask=both))
    of("of_numbers", [x, a], L.SimpleRNN(2)(x, mask=a))
    of("given", [x, m], L.LSTM(2)(x, mask=m))
    of("given_states", [x, m, y], L.GRU(3)(x, initial_state=L.GlobalMaxPooling1D()(y), mask=m))
    of("goes_on", [x, m], L.GlobalAveragePooling1D()(L.LSTM(2, return_sequences=True)(x, mask=m)))
    of("both_ways", [a, b], L.Bidirectional(L.LSTM(2, return_sequences=True))(L.Concatenate()([embed(), embed(b)])))
    of("both_ways_given", [x, m], L.Bidirectional(L.GRU(2), merge_mode="sum")(x, mask=m))
    of("pooled", [x, m], L.GlobalAveragePooling1D()(x, mask=m))
    of("pooled_by_position", [x, m], L.GlobalAveragePooling1D()(x, m))
    of("pooled_embeddings", [a, b], L.GlobalAveragePooling1D()(L.Add()([embed(), embed(b)])))
    of("normalized", [x, m], L.BatchNormalization()(x, mask=m))
    of("each_step", [x, m], L.LSTM(2)(L.TimeDistributed(L.Dense(2))(x, mask=m)))
    of("sequences", [t], L.Flatten()(L.TimeDistributed(L.GRU(2))(embed(t))))
    of("attention", [x, y, m, n], L.Attention()([x, y], mask=[m, n]))
    of("attention_values", [x, y, n], L.AdditiveAttention()([x, y, y], mask=[None, n, None]))
    of("attention_merged", [a, b, y], L.Attention()([L.Add()([embed(), embed(b)]), y]))
    of("heads", [x, y, m, n], L.MultiHeadAttention(2, 3)(x, y, query_mask=m, value_mask=n))
    of("heads_keys", [x, y, m, n], L.MultiHeadAttention(2, 3)(x, y, key=2 * y, key_mask=n))
    of("heads_merged", [a, b], L.MultiHeadAttention(2, 3)(*[L.Concatenate()([embed(), embed(b)])] * 2))
    of("groups", [x, y, n], L.GroupQueryAttention(2, 4, 2)(x, y, value_mask=n))
    of("groups_queries", [x, y, m, n], L.GroupQueryAttention(2, 4, 2)(x, y, query_mask=m, value_mask=n))
    of("heads_queries", [a, x, y, m], L.MultiHeadAttention(2, 3)(L.Add()([embed(), embed(a)]), y, query_mask=m))
    inner = keras.Input((5, 3))
    model = keras.Model(inner, L.LSTM(2)(L.Dense(3)(inner)))
    of("nested", [a, b], model(L.Add()([embed(), embed(b)])))
    inner = keras.Input((5, 3))
    model = keras.Model(inner, L.LSTM(2)(L.Dense(3)(inner)))
    of("nested_given", [x, m], model(x, mask=m))
    p, q = keras.Input((5, 3)), keras.Input((6, 3))
    model = keras.Model([p, q], L.Add()([L.LSTM(2)(p), L.GRU(2)(q)]))
    of("nested_of_two", [x, y, n], model([x, y], mask=[None, n]))
    model = keras.Sequential([L.Dense(3), L.GRU(2)])
    of("nested_list", [x, m], model(x, mask=m))
    shared = L.LSTM(2)
    of("shared", [x, m, a], L.Add()([shared(x), shared(x, mask=m), shared(x, mask=ops.equal(a, 1))]))


def steps(*shape):
    """Floats with steps of zeros."""
    values = floats(*shape)
    values[bools(shape[0]) == 0] = 0
    return values


calls()
types()
masks()
