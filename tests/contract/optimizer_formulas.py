"""The update rules as their sources print them, in plain NumPy: one weight, one step.

Each takes the weight, the gradient, the number of the step from 1, a dict for what it
remembers, and the options; it returns the new weight. Decoupled decay and clipping
stand before all of them, as in Keras.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = ["FORMULAS", "clip", "trajectory"]

Array = np.ndarray
Formula = Callable[..., Array]


def sgd(w: Array, g: Array, t: int, state: dict, o: dict) -> Array:
    if o["momentum"] == 0:
        return w - o["learning_rate"] * g
    b = o["momentum"] * state.get("b", 0) + g
    state["b"] = b
    return w - o["learning_rate"] * (g + o["momentum"] * b if o["nesterov"] else b)


def rmsprop(w: Array, g: Array, t: int, state: dict, o: dict) -> Array:
    rho = o["rho"]
    v = state["v"] = rho * state.get("v", 0) + (1 - rho) * g**2
    a = state["a"] = rho * state.get("a", 0) + (1 - rho) * g
    spread = v - a**2 if o["centered"] else v
    step = o["learning_rate"] * g / np.sqrt(spread + o["epsilon"])
    b = state["b"] = o["momentum"] * state.get("b", 0) + step
    return w - b


def adagrad(w: Array, g: Array, t: int, state: dict, o: dict) -> Array:
    s = state["s"] = state.get("s", o["initial_accumulator_value"]) + g**2
    return w - o["learning_rate"] * g / np.sqrt(s + o["epsilon"])


def adadelta(w: Array, g: Array, t: int, state: dict, o: dict) -> Array:
    rho, epsilon, u = o["rho"], o["epsilon"], state.get("u", 0)
    v = state["v"] = rho * state.get("v", 0) + (1 - rho) * g**2
    d = g * np.sqrt(u + epsilon) / np.sqrt(v + epsilon)
    state["u"] = rho * u + (1 - rho) * d**2
    return w - o["learning_rate"] * d


def adam(w: Array, g: Array, t: int, state: dict, o: dict) -> Array:
    beta_1, beta_2 = o["beta_1"], o["beta_2"]
    m = state["m"] = beta_1 * state.get("m", 0) + (1 - beta_1) * g
    v = state["v"] = beta_2 * state.get("v", 0) + (1 - beta_2) * g**2
    if o["amsgrad"]:
        v = state["largest"] = np.maximum(state.get("largest", 0), v)
    m_hat, v_hat = m / (1 - beta_1**t), v / (1 - beta_2**t)
    return w - o["learning_rate"] * m_hat / (np.sqrt(v_hat) + o["epsilon"])


def nadam(w: Array, g: Array, t: int, state: dict, o: dict) -> Array:
    beta_1, beta_2 = o["beta_1"], o["beta_2"]
    now, later = (beta_1 * (1 - 0.96**step / 2) for step in (t, t + 1))
    p = state["p"] = state.get("p", 1) * now
    m = state["m"] = beta_1 * state.get("m", 0) + (1 - beta_1) * g
    v = state["v"] = beta_2 * state.get("v", 0) + (1 - beta_2) * g**2
    m_hat = later * m / (1 - p * later) + (1 - now) * g / (1 - p)
    v_hat = v / (1 - beta_2**t)
    return w - o["learning_rate"] * m_hat / (np.sqrt(v_hat) + o["epsilon"])


FORMULAS: dict[str, Formula] = {
    "SGD": sgd,
    "RMSprop": rmsprop,
    "Adagrad": adagrad,
    "Adadelta": adadelta,
    "Adam": adam,
    "AdamW": adam,
    "Nadam": nadam,
}


def clip(gradients: list[Array], options: dict[str, Any]) -> list[Array]:
    """The gradients as `clipnorm`, `global_clipnorm` or `clipvalue` leaves them."""
    if options["clipnorm"] is not None:
        limit = options["clipnorm"]
        return [g * min(1, limit / np.linalg.norm(g)) for g in gradients]
    if options["global_clipnorm"] is not None:
        together = np.linalg.norm(np.concatenate([g.ravel() for g in gradients]))
        return [g * min(1, options["global_clipnorm"] / together) for g in gradients]
    if options["clipvalue"] is not None:
        limit = options["clipvalue"]
        return [np.clip(g, -limit, limit) for g in gradients]
    return gradients


def trajectory(
    name: str,
    weights: list[Array],
    steps: list[list[Array]],
    options: dict[str, Any],
) -> list[Array]:
    """The weights after every step was taken, one list of gradients per step."""
    states: list[dict] = [{} for _ in weights]
    for t, gradients in enumerate(steps, start=1):
        clipped = clip(gradients, options)
        kept = 1 - options["learning_rate"] * (options["weight_decay"] or 0)
        weights = [
            FORMULAS[name](w * kept, g, t, state, options)
            for w, g, state in zip(weights, clipped, states, strict=True)
        ]
    return weights
