"""Layers, functions, losses, metrics and optimizers of somebody's own: those that `tests/own_objects.rs` writes in Rust."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="mine")
class Gated(keras.layers.Layer):
    def __init__(self, units, residual=True, **kwargs):
        super().__init__(**kwargs)
        self.units, self.residual = units, residual

    def build(self, shape):
        self.gate = self.add_weight(shape=(shape[-1], self.units), name="gate")
        self.value = self.add_weight(shape=(shape[-1], self.units), name="value")

    def call(self, x):
        y = ops.sigmoid(ops.matmul(x, self.gate)) * ops.matmul(x, self.value)
        return y + x if self.residual else y

    def compute_output_shape(self, shape):
        return (*shape[:-1], self.units)

    def get_config(self):
        return super().get_config() | {"units": self.units, "residual": self.residual}


@keras.saving.register_keras_serializable(package="mine", name="Rescaled")
class Scaled(keras.layers.Layer):
    """Registered under another name than its own."""

    def __init__(self, by, **kwargs):
        super().__init__(**kwargs)
        self.by = by

    def call(self, x):
        return x * self.by

    def get_config(self):
        return super().get_config() | {"by": self.by}


class Shifted(keras.layers.Layer):
    """Not registered."""

    def __init__(self, by=1.0, **kwargs):
        super().__init__(**kwargs)
        self.by = by

    def build(self, shape):
        self.shift = self.add_weight(shape=(shape[-1],), initializer="ones", name="shift")

    def call(self, x):
        return x + self.by * self.shift

    def get_config(self):
        return super().get_config() | {"by": self.by}


@keras.saving.register_keras_serializable(package="mine")
def swoosh(x):
    return x * ops.sigmoid(2.0 * x - 1.0)


def bent(x):
    return x + 0.5 * ops.tanh(x)


def quartic(y_true, y_pred):
    return ops.mean(ops.square(ops.square(y_true - y_pred)), -1)


@keras.saving.register_keras_serializable(package="mine")
def within(y_true, y_pred):
    return ops.abs(y_true - y_pred) < 0.5


@keras.saving.register_keras_serializable(package="mine")
class Pinball(keras.losses.Loss):
    def __init__(self, tau=0.5, **kwargs):
        super().__init__(**kwargs)
        self.tau = tau

    def call(self, y_true, y_pred):
        error = y_true - y_pred
        return ops.mean(ops.maximum(self.tau * error, (self.tau - 1.0) * error), -1)

    def get_config(self):
        return super().get_config() | {"tau": self.tau}


@keras.saving.register_keras_serializable(package="mine")
class SignSGD(keras.optimizers.Optimizer):
    def __init__(self, learning_rate=0.01, sharpness=1.0, name="sign_sgd", **kwargs):
        super().__init__(learning_rate=learning_rate, name=name, **kwargs)
        self.sharpness = sharpness

    def update_step(self, gradient, variable, learning_rate):
        sharp = self.sharpness * gradient
        self.assign_sub(variable, learning_rate * sharp / (1.0 + ops.abs(sharp)))

    def get_config(self):
        return super().get_config() | {"sharpness": self.sharpness}


@keras.saving.register_keras_serializable(package="mine")
class Halving(keras.optimizers.schedules.LearningRateSchedule):
    def __init__(self, first, every):
        self.first, self.every = first, every

    def __call__(self, step):
        return self.first * ops.power(0.5, ops.cast(step, "float32") / self.every)

    def get_config(self):
        return {"first": self.first, "every": self.every}


NOT_REGISTERED = {"Shifted": Shifted, "bent": bent, "quartic": quartic}


@keras.saving.register_keras_serializable(package="mine")
class Twos(keras.initializers.Initializer):
    def __call__(self, shape, dtype=None):
        return 2.0 * ops.ones(shape, dtype)


@keras.saving.register_keras_serializable(package="mine")
class Quarter(keras.regularizers.Regularizer):
    def __call__(self, x):
        return 0.25 * ops.sum(x)

    def get_config(self):
        return {}


@keras.saving.register_keras_serializable(package="mine")
class Small(keras.constraints.Constraint):
    def __call__(self, w):
        return ops.clip(w, -1.0, 1.0)
