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


def adamax(w: Array, g: Array, t: int, state: dict, o: dict) -> Array:
    m = state["m"] = o["beta_1"] * state.get("m", 0) + (1 - o["beta_1"]) * g
    u = state["u"] = np.maximum(o["beta_2"] * state.get("u", 0), np.abs(g))
    rate = o["learning_rate"] / (1 - o["beta_1"] ** t)
    return w - rate * m / (u + o["epsilon"])


def adafactor(w: Array, g: Array, t: int, state: dict, o: dict) -> Array:
    def rms(x: Array) -> float:
        return float(np.sqrt(np.mean(x**2)))

    fresh, square = t ** o["beta_2_decay"], g**2 + o["epsilon_1"]
    if w.ndim < 2:
        v = state["v"] = (1 - fresh) * state.get("v", 0) + fresh * square
    else:
        r = (1 - fresh) * state.get("r", 0) + fresh * square.mean(1)
        c = (1 - fresh) * state.get("c", 0) + fresh * square.mean(0)
        state["r"], state["c"] = r, c
        v = r[:, None] * c[None] / r.mean(0)
    d = g / np.sqrt(v)
    d = d / max(1.0, rms(d) / o["clip_threshold"])
    rate = min(o["learning_rate"], t**-0.5 if o["relative_step"] else np.inf)
    return w - max(o["epsilon_2"], rms(w)) * rate * d


def lion(w: Array, g: Array, t: int, state: dict, o: dict) -> Array:
    m, beta_1, beta_2 = state.get("m", 0), o["beta_1"], o["beta_2"]
    state["m"] = beta_2 * m + (1 - beta_2) * g
    return w - o["learning_rate"] * np.sign(beta_1 * m + (1 - beta_1) * g)


def lamb(w: Array, g: Array, t: int, state: dict, o: dict) -> Array:
    step = adam(np.zeros_like(w), g, t, state, {**o, "learning_rate": -1, **NO_MAX})
    lengths = np.linalg.norm(w), np.linalg.norm(step)
    ratio = lengths[0] / lengths[1] if min(lengths) > 0 else 1.0
    return w - o["learning_rate"] * ratio * step


def muon(w: Array, g: Array, t: int, state: dict, o: dict) -> Array:
    if w.ndim != 2:
        beta_1, beta_2 = o["adam_beta_1"], o["adam_beta_2"]
        m = state["m"] = beta_1 * state.get("m", 0) + (1 - beta_1) * g
        v = state["v"] = beta_2 * state.get("v", 0) + (1 - beta_2) * g**2
        rate = o["learning_rate"] * o["adam_lr_ratio"]
        rate *= np.sqrt(1 - beta_2**t) / (1 - beta_1**t)
        return w - rate * m / (np.sqrt(v) + o["epsilon"])
    b = state["b"] = o["momentum"] * state.get("b", 0) + g
    x = g + o["momentum"] * b if o["nesterov"] else b
    x = x / (np.linalg.norm(x) + 1e-7)
    for _ in range(o["ns_steps"]):
        gram = x @ x.T
        x = o["muon_a"] * x + (o["muon_b"] * gram + o["muon_c"] * gram @ gram) @ x
    scale = 1 if o["rms_rate"] is None else o["rms_rate"] * max(w.shape) ** 0.5
    return w - o["learning_rate"] * scale * x


def ftrl(w: Array, g: Array, t: int, state: dict, o: dict) -> Array:
    rate, power = o["learning_rate"], -o["learning_rate_power"]
    before = state.get("n", o["initial_accumulator_value"])
    n = state["n"] = before + g**2
    shrunk = g + 2 * o["l2_shrinkage_regularization_strength"] * w
    z = state.get("z", 0) + shrunk - (n**power - before**power) / rate * w
    state["z"], l1 = z, o["l1_regularization_strength"]
    divisor = (n**power + o["beta"]) / rate + 2 * o["l2_regularization_strength"]
    return (np.clip(z, -l1, l1) - z) / divisor


def schedule_free_adamw(w: Array, g: Array, t: int, state: dict, o: dict) -> Array:
    beta_1, beta_2 = o["beta_1"], o["beta_2"]
    # z begins at the weights that no decay has moved yet.
    z = state.get("z", w / (1 - o["learning_rate"] * (o["weight_decay"] or 0)))
    x = (w - (1 - beta_1) * z) / beta_1
    v = state["v"] = beta_2 * state.get("v", 0) + (1 - beta_2) * g**2
    rate = o["learning_rate"] * min(t / max(o["warmup_steps"], 1), 1)
    z = state["z"] = z - rate * g / (np.sqrt(v / (1 - beta_2**t)) + o["epsilon"])
    return (1 - beta_1) * z + beta_1 * ((1 - 1 / t) * x + z / t)


NO_MAX = {"amsgrad": False}
FORMULAS: dict[str, Formula] = {
    "SGD": sgd,
    "RMSprop": rmsprop,
    "Adagrad": adagrad,
    "Adadelta": adadelta,
    "Adafactor": adafactor,
    "Adam": adam,
    "AdamW": adam,
    "Adamax": adamax,
    "Ftrl": ftrl,
    "Lamb": lamb,
    "Lion": lion,
    "Muon": muon,
    "Nadam": nadam,
    "ScheduleFreeAdamW": schedule_free_adamw,
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
