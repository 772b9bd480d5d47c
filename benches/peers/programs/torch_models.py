"""The models in PyTorch, with the weights of the Keras models, which they find by the layers' names."""

import torch
from torch import nn
from torch.nn import functional as F


class Builder:
    """Makes layers that hold the weights of layers of Keras."""

    def __init__(self, weights):
        self.weights = {path: torch.from_numpy(value) for path, value in weights.items()}

    def get(self, path):
        return self.weights[path]

    def dense(self, name):
        kernel = self.get(f"{name}/kernel")
        layer = nn.Linear(*kernel.shape)
        return fill(layer, weight=kernel.T, bias=self.get(f"{name}/bias"))

    def conv(self, name, stride=1, padding=0):
        kernel = self.get(f"{name}/kernel")
        height, width, inputs, outputs = kernel.shape
        bias = self.weights.get(f"{name}/bias")
        layer = nn.Conv2d(inputs, outputs, (height, width), stride, padding, bias=bias is not None)
        return fill(layer, weight=kernel.permute(3, 2, 0, 1), bias=bias)

    def depthwise(self, name, stride=1, padding=0):
        kernel = self.get(f"{name}/kernel")
        height, width, channels, _ = kernel.shape
        layer = nn.Conv2d(channels, channels, (height, width), stride, padding, groups=channels, bias=False)
        return fill(layer, weight=kernel.permute(2, 3, 0, 1))

    def batch_norm(self, name, epsilon=1e-3, momentum=0.99):
        gamma = self.get(f"{name}/gamma")
        return fill(
            nn.BatchNorm2d(len(gamma), eps=epsilon, momentum=1 - momentum),
            weight=gamma,
            bias=self.get(f"{name}/beta"),
            running_mean=self.get(f"{name}/moving_mean"),
            running_var=self.get(f"{name}/moving_variance"),
        )

    def layer_norm(self, name):
        gamma = self.get(f"{name}/gamma")
        return fill(nn.LayerNorm(len(gamma), eps=1e-6), weight=gamma, bias=self.get(f"{name}/beta"))

    def embedding(self, name):
        table = self.get(f"{name}/embeddings")
        return fill(nn.Embedding(*table.shape), weight=table)

    def lstm(self, name):
        kernel, recurrent, bias = (self.get(f"{name}/lstm_cell/{part}") for part in ("kernel", "recurrent_kernel", "bias"))
        layer = nn.LSTM(kernel.shape[0], recurrent.shape[0], batch_first=True)
        fill(layer, weight_ih_l0=kernel.T, weight_hh_l0=recurrent.T, bias_ih_l0=bias, bias_hh_l0=torch.zeros_like(bias))
        layer.bias_hh_l0.requires_grad_(False)  # Keras has one bias
        return layer

    def gru(self, name):
        kernel, recurrent, bias = (self.get(f"{name}/gru_cell/{part}") for part in ("kernel", "recurrent_kernel", "bias"))
        layer = nn.GRU(kernel.shape[0], recurrent.shape[0], batch_first=True)

        def gates(x):  # Keras: update, reset, candidate; PyTorch: reset, update, candidate
            z, r, h = x.chunk(3, -1)
            return torch.cat([r, z, h], -1)

        return fill(
            layer,
            weight_ih_l0=gates(kernel).T,
            weight_hh_l0=gates(recurrent).T,
            bias_ih_l0=gates(bias[0]),
            bias_hh_l0=gates(bias[1]),
        )


def fill(layer, **values):
    with torch.no_grad():
        for name, value in values.items():
            if value is not None:
                getattr(layer, name).copy_(value)
    return layer


class Attention(nn.Module):
    """Self-attention, with one product for queries, keys and values."""

    def __init__(self, b, name):
        super().__init__()
        kernels = [b.get(f"{name}/{part}/kernel") for part in ("query", "key", "value")]
        biases = [b.get(f"{name}/{part}/bias") for part in ("query", "key", "value")]
        width, self.heads, self.size = kernels[0].shape
        inner = self.heads * self.size
        self.project = fill(
            nn.Linear(width, 3 * inner),
            weight=torch.cat([k.reshape(width, inner) for k in kernels], 1).T,
            bias=torch.cat([bias.reshape(inner) for bias in biases]),
        )
        out = b.get(f"{name}/attention_output/kernel").reshape(inner, width)
        self.out = fill(nn.Linear(inner, width), weight=out.T, bias=b.get(f"{name}/attention_output/bias"))

    def forward(self, x):
        batch, steps, _ = x.shape
        q, k, v = self.project(x).view(batch, steps, 3, self.heads, self.size).permute(2, 0, 3, 1, 4)
        y = F.scaled_dot_product_attention(q, k, v)
        return self.out(y.transpose(1, 2).reshape(batch, steps, -1))


class Encoder(nn.Module):
    def __init__(self, b, name):
        super().__init__()
        self.norm1, self.norm2 = b.layer_norm(f"{name}_norm1"), b.layer_norm(f"{name}_norm2")
        self.attention = Attention(b, f"{name}_attention")
        self.wide, self.narrow = b.dense(f"{name}_wide"), b.dense(f"{name}_narrow")

    def forward(self, x):
        x = x + self.attention(self.norm1(x))
        return x + self.narrow(F.gelu(self.wide(self.norm2(x))))


class Mean(nn.Module):
    def __init__(self, *dims):
        super().__init__()
        self.dims = dims

    def forward(self, x):
        return x.mean(self.dims)


class ChannelsLast(nn.Module):
    """The order in which Keras flattens."""

    def forward(self, x):
        return x.permute(0, 2, 3, 1)


class Last(nn.Module):
    """The last step of a recurrent layer."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, x):
        return self.layer(x)[0][:, -1]


class Residual(nn.Module):
    def __init__(self, main, short=None, relu=True):
        super().__init__()
        self.main, self.short, self.relu = main, short or nn.Identity(), relu

    def forward(self, x):
        y = self.main(x) + self.short(x)
        return F.relu(y, inplace=True) if self.relu else y


def relu():
    return nn.ReLU(inplace=True)


def perceptron(b):
    return nn.Sequential(b.dense("hidden"), relu(), b.dense("head"))


def mlp(b):
    return nn.Sequential(b.dense("hidden1"), relu(), b.dense("hidden2"), relu(), b.dense("head"))


def mnist(b):
    convs = [b.conv("conv1"), relu(), nn.MaxPool2d(2), b.conv("conv2"), relu(), nn.MaxPool2d(2)]
    return nn.Sequential(*convs, ChannelsLast(), nn.Flatten(), b.dense("head"))


class Padded(nn.Module):
    """Padding of `same` where the stride is 2: one row and one column, at the end."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, x):
        return self.layer(F.pad(x, (0, 1, 0, 1)))


def resnet20(b):
    def conv(name, stride=1):
        size = b.get(f"{name}/kernel").shape[0]
        layer = Padded(b.conv(name, 2)) if (stride, size) == (2, 3) else b.conv(name, stride, size // 2)
        return [layer, b.batch_norm(f"{name}_norm")]

    layers = [*conv("stem"), relu()]
    for stage in range(3):
        for block in range(3):
            name, stride = f"s{stage}b{block}", 2 if stage and not block else 1
            main = nn.Sequential(*conv(f"{name}_1", stride), relu(), *conv(f"{name}_2"))
            short = nn.Sequential(*conv(f"{name}_0", 2)) if stride == 2 else None
            layers.append(Residual(main, short))
    return nn.Sequential(*layers, Mean(2, 3), b.dense("head"))


def resnet50(b):
    def conv(name, stride=1, padding=0):
        return [b.conv(f"{name}_conv", stride, padding), b.batch_norm(f"{name}_bn", 1.001e-5)]

    layers = [*conv("conv1", 2, 3), relu(), nn.ZeroPad2d(1), nn.MaxPool2d(3, 2)]
    for stage, blocks in enumerate((3, 4, 6, 3), 2):
        for block in range(1, blocks + 1):
            name, stride = f"conv{stage}_block{block}", 2 if stage > 2 and block == 1 else 1
            main = nn.Sequential(
                *conv(f"{name}_1", stride), relu(), *conv(f"{name}_2", 1, 1), relu(), *conv(f"{name}_3")
            )
            layers.append(Residual(main, nn.Sequential(*conv(f"{name}_0", stride)) if block == 1 else None))
    return nn.Sequential(*layers, Mean(2, 3), b.dense("predictions"))


def mobilenetv2(b):
    def norm(name):
        return b.batch_norm(name, 1e-3, 0.999)

    def six():
        return nn.ReLU6(inplace=True)

    layers = [Padded(b.conv("Conv1", 2)), norm("bn_Conv1"), six()]
    block = 0
    for filters, blocks, first in ((16, 1, 1), (24, 2, 2), (32, 3, 2), (64, 4, 2), (96, 3, 1), (160, 3, 2), (320, 1, 1)):
        for at in range(blocks):
            stride = 1 if at else first
            name = f"block_{block}_" if block else "expanded_conv_"
            wide = [b.conv(f"{name}expand"), norm(f"{name}expand_BN"), six()] if block else []
            deep = f"{name}depthwise"
            main = nn.Sequential(
                *wide,
                Padded(b.depthwise(deep, 2)) if stride == 2 else b.depthwise(deep, 1, 1),
                norm(f"{deep}_BN"),
                six(),
                b.conv(f"{name}project"),
                norm(f"{name}project_BN"),
            )
            layers.append(Residual(main, relu=False) if at else main)
            block += 1
    return nn.Sequential(*layers, b.conv("Conv_1"), norm("Conv_1_bn"), six(), Mean(2, 3), b.dense("predictions"))


def lstm(b):
    return nn.Sequential(b.embedding("embedding"), Last(b.lstm("rnn")), b.dense("head"))


def gru(b):
    return nn.Sequential(b.embedding("embedding"), Last(b.gru("rnn")), b.dense("head"))


def transformer(b):
    blocks = [Encoder(b, f"b{block}") for block in range(2)]
    return nn.Sequential(b.embedding("embedding"), *blocks, b.layer_norm("norm"), Mean(1), b.dense("head"))


class Patches(nn.Module):
    def __init__(self, conv):
        super().__init__()
        self.conv = conv

    def forward(self, x):
        return self.conv(x).flatten(2).transpose(1, 2)


def vit(b):
    blocks = [Encoder(b, f"b{block}") for block in range(12)]
    return nn.Sequential(Patches(b.conv("patches", 16)), *blocks, b.layer_norm("norm"), Mean(1), b.dense("head"))


def build(name, weights):
    return globals()[name](Builder(weights))
