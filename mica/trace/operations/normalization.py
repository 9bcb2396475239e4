"""Normalization and dropout."""

# Every function is handed what torch's operation of that name takes; few need all.
# The table is read by its columns: one line each, however long.
# ruff: noqa: ARG001, E501
# pyright: reportMissingParameterType=false

from __future__ import annotations

from mica.reference import functions as f
from mica.trace.operations.rule import Row

__all__ = ["NORMALIZATION"]


def _scaled(y, weight, bias, shape):
    y = y if weight is None else y * weight.reshape(shape)
    return y if bias is None else y + bias.reshape(shape)


def _layer_norm(x, shape, weight, bias, epsilon):
    axes = range(-len(shape), 0)
    mean, spread = x.mean(axes, True), f.variance(x, axes, True)
    y = _scaled(f.normalize(x, mean, spread, epsilon), weight, bias, shape)
    return y, mean, (spread + epsilon) ** -0.5


def _group_norm(x, weight, bias, batch, channels, places, groups, epsilon):
    cut = x.reshape(batch, groups, -1)
    mean, spread = cut.mean(-1, True), f.variance(cut, -1, True)
    y = f.normalize(cut, mean, spread, epsilon).reshape(x.shape)
    y = _scaled(y, weight, bias, (1, channels, *[1] * (x.ndim - 2)))
    return y, mean[..., 0], ((spread + epsilon) ** -0.5)[..., 0]


def _batch_norm(x, weight, bias, mean, variance, training, momentum, epsilon):
    shape = (1, -1, *[1] * (x.ndim - 2))
    axes = (0, *range(2, x.ndim))
    if training:
        mean, variance = x.mean(axes, True), f.variance(x, axes, True)
    else:
        mean, variance = mean.reshape(shape), variance.reshape(shape)
    y = f.normalize(x, mean, variance, epsilon)
    # The other results belong to the running statistics, not to this step.
    return _scaled(y, weight, bias, shape), None, None, None, None


def _dropped(x, rate, train=True, *, drawn):
    kept = drawn[1].astype(float)
    if not train or rate == 0:
        return x, drawn[1]
    return (x * kept if rate == 1 else f.dropout(x, kept, rate)), drawn[1]


# fmt: off
NORMALIZATION: list[Row] = [
    ("native_layer_norm", "normalize each sample", "({0} - mean) / spread * {2} + {3}", _layer_norm),
    ("native_group_norm", "normalize groups of channels", "({0} - mean) / spread * {1} + {2}", _group_norm),
    ("_native_batch_norm_legit_functional", "normalize over the batch", "({0} - mean) / spread * {1} + {2}", _batch_norm),
    ("_native_batch_norm_legit_no_training", "normalize with running statistics", "({0} - {3}) / sqrt({4}) * {1} + {2}", lambda x, w, b, m, v, momentum, epsilon: _batch_norm(x, w, b, m, v, False, momentum, epsilon)),
    ("_native_batch_norm_legit", "normalize over the batch", "({0} - mean) / spread * {1} + {2}", lambda x, w, b, training, momentum, epsilon: _batch_norm(x, w, b, None, None, training, momentum, epsilon)),
    ("native_dropout", "put some to zero, enlarge the rest", "{0} * mask / (1 - {1})", _dropped),
]
# fmt: on
