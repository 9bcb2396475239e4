"""Cross-validation: every row judges once a model that never saw it."""

import contextlib
import dataclasses
import inspect
import random
import statistics
import weakref
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from mica import engine
from mica.errors import ConfigError, near_misses
from mica.model import Model
from mica.report import Table
from mica.training import Callback, History
from mica.tune.folding import Method, choose_method, fold_rows
from mica.tune.preparing import Prepare, Rows, SeriesRows, as_rows

__all__ = ["CrossValidation", "Fold", "cross_validate"]

_OWN = ("validation_data", "validation_split", "validation_rows", "initial_epoch")


@dataclass(frozen=True)
class Fold:
    """One fold: a model trained on some rows and judged by others.

    Args:
        train_rows: Numbers of the rows that were learned from.
        test_rows: Numbers of the rows that judged.
        scores: Loss, metrics and others by name, on the rows that judged.
        history: The logs of each epoch; with ``watch`` those of the judging rows too.

    Shape:
        train_rows: (rows,), int64
        test_rows: (rows,), int64

    Example:
        >>> rows = np.arange(3)
        >>> Fold(rows[:2], rows[2:], {"loss": 0.5}, History()).scores["loss"]
        0.5
    """

    train_rows: np.ndarray
    test_rows: np.ndarray
    scores: Mapping[str, float]
    history: History


@dataclass(frozen=True)
class CrossValidation:
    """What the folds said.

    Args:
        folds: The folds, in their order.
        method: How rows were dealt.
        model: The final model, trained on all rows; None when not asked for.
        preparation: What prepares data for it, fitted on all rows; None without one.
        history: The final model's epochs; None without one.

    Example:
        >>> rows = np.arange(2)
        >>> folds = [
        ...     Fold(rows[:1], rows[1:], {"mae": score}, History()) for score in (1, 3)
        ... ]
        >>> result = CrossValidation(tuple(folds), "k-fold")
        >>> result.mean, round(result.spread["mae"], 4)
        ({'mae': 2.0}, 1.4142)
        >>> print(result.table())
        Cross-validation, k-fold
        fold    learned from  judged by    mae
        ------  ------------  ---------  -----
        1                  1          1  1.000
        2                  1          1  3.000
        mean               -          -  2.000
        spread             -          -  1.414
        <BLANKLINE>
        Spread: the folds' standard deviation, not that of their mean.
    """

    folds: tuple[Fold, ...]
    method: str
    model: Model | None = field(default=None, repr=False)
    preparation: Any = None
    history: History | None = field(default=None, repr=False)

    @property
    def mean(self) -> dict[str, float]:
        """The mean of each score over the folds."""
        return {
            name: statistics.fmean(fold.scores[name] for fold in self.folds)
            for name in self.folds[0].scores
        }

    @property
    def spread(self) -> dict[str, float]:
        """The standard deviation of each score between folds, of n - 1; 0 of one."""
        if len(self.folds) == 1:
            return dict.fromkeys(self.folds[0].scores, 0.0)
        return {
            name: statistics.stdev(fold.scores[name] for fold in self.folds)
            for name in self.folds[0].scores
        }

    def curve(self, name: str = "val_loss") -> list[float]:
        """Average a log over the folds, epoch by epoch.

        Args:
            name: The log's name, such as "val_loss"; with ``watch`` alone those begin
                with "val_".

        Shape:
            returns: as many numbers as epochs that every fold had

        Returns:
            The means.

        Raises:
            ConfigError: There is no such log.

        Example:
            >>> rows, histories = np.arange(2), (History(), History())
            >>> for history, loss in zip(histories, (1.0, 3.0)):
            ...     history.add(0, {"loss": loss})
            >>> folds = tuple(Fold(rows, rows, {}, history) for history in histories)
            >>> CrossValidation(folds, "k-fold").curve("loss")
            [2.0]
        """
        logs = [fold.history.history for fold in self.folds]
        if name not in logs[0]:
            raise ConfigError(
                f"curve: expected the name of a log, got {name!r}. "
                f"{near_misses(name, logs[0])} What begins with 'val_' needs "
                "watch=True."
            )
        each = zip(*(log[name] for log in logs), strict=False)  # to the shortest
        return [statistics.fmean(values) for values in each]

    def best_epochs(self, name: str = "val_loss", *, largest: bool = False) -> int:
        """Find the number of epochs after which the mean over the folds is best.

        Args:
            name: The log's name.
            largest: Whether more is better.

        Returns:
            The number, from 1.

        Raises:
            ConfigError: There is no such log.
        """
        curve = np.array(self.curve(name))
        return int(curve.argmax() if largest else curve.argmin()) + 1

    def table(self) -> Table:
        """Show each fold, the mean and the spread.

        Returns:
            The table.
        """
        names = tuple(self.folds[0].scores)
        rows: list[tuple[Any, ...]] = [
            (
                str(number),
                len(fold.train_rows),
                len(fold.test_rows),
                *(float(fold.scores[name]) for name in names),
            )
            for number, fold in enumerate(self.folds, start=1)
        ]
        for what, values in (("mean", self.mean), ("spread", self.spread)):
            rows.append((what, None, None, *(values[name] for name in names)))
        return Table(
            f"Cross-validation, {self.method}",
            ("fold", "learned from", "judged by", *names),
            rows,
            "Spread: the folds' standard deviation, not that of their mean.",
        )

    def __str__(self) -> str:
        return str(self.table())


class _Builder:
    """Makes models, and sees that each begins from nothing."""

    def __init__(self, build: Any):
        if not callable(build) or isinstance(build, Model):
            raise ConfigError(
                "cross_validate: expected a function that builds a compiled model, got "
                f"{type(build).__name__}. A model would bring what it learned from one "
                "fold into the next: write def build(): ..."
            )
        self.build = build
        self.seen: dict[int, weakref.ref[Any]] = {}

    def new(self, preparation: Any) -> Model:
        takes = _wants_preparation(self.build)
        model = self.build(preparation) if takes else self.build()
        if not isinstance(model, Model) or not model.is_compiled:
            got = "one that is not compiled"
            if not isinstance(model, Model):
                got = type(model).__name__
            raise ConfigError(
                "cross_validate: expected build to return a compiled model, got "
                f"{got}. Call model.compile(optimizer, loss) in it, and return the "
                "model."
            )
        if any(self._knows(part) for part in (model, *model.parameters())):
            raise ConfigError(
                "cross_validate: expected build to make a new model each time, got one "
                "with weights of an earlier fold. Make all layers inside of build."
            )
        return model

    def remember(self, model: Model) -> None:
        """Keep in mind what belongs to a trained model, without keeping it alive."""
        for part in (model, *model.parameters()):
            self.seen[id(part)] = weakref.ref(part)

    def _knows(self, part: Any) -> bool:
        found = self.seen.get(id(part))
        return found is not None and found() is part


def _wants_preparation(build: Any) -> bool:
    try:
        parameters = list(inspect.signature(build).parameters.values())
    except (TypeError, ValueError):  # a class or builtin without a signature
        return False
    needed = [
        each
        for each in parameters
        if each.default is each.empty
        and each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD)
    ]
    if len(needed) > 1:
        raise ConfigError(
            "cross_validate: expected build to take nothing, or the fitted "
            f"preparation, got one that needs {len(needed)} arguments. Give the others "
            "defaults."
        )
    return len(needed) == 1


def _check_fit_options(options: Mapping[str, Any], watch: bool, final: Any) -> None:
    own = [name for name in options if name in _OWN]
    if own:
        raise ConfigError(
            f"cross_validate: expected arguments of fit other than {own[0]}, which the "
            "folds decide, got it. Leave it out; watch=True judges after every epoch."
        )
    whole = isinstance(final, int) and not isinstance(final, bool) and final >= 1
    if final is not None and final != "best" and not whole:
        raise ConfigError(
            "cross_validate: expected final_epochs to be a number of at least 1, "
            f"'best' or None, got {final!r}. None trains as long as a fold."
        )
    if final == "best" and not watch:
        raise ConfigError(
            "cross_validate: expected watch=True with final_epochs='best', got False. "
            "The best number of epochs is found where each epoch is judged."
        )


def _run_fold(
    builder: _Builder,
    rows: Rows,
    pair: tuple[np.ndarray, np.ndarray],
    watch: bool,
    options: Mapping[str, Any],
) -> Fold:
    learned, judged = pair
    preparation = rows.fit(learned)
    train, test = rows.part(learned, preparation), rows.part(judged, preparation)
    model = builder.new(preparation)
    validation = None
    if watch:
        validation = (test.x, test.y, test.sample_weight)
        if test.y is None:
            validation = test.x
    history = model.fit(
        train.x,
        train.y,
        sample_weight=train.sample_weight,
        validation_data=validation,
        **options,
    )
    builder.remember(model)
    size = options.get("batch_size")
    scores = model.evaluate(
        test.x, test.y, size, sample_weight=test.sample_weight, return_dict=True
    )
    more = rows.extra_scores(test, model.predict, preparation)
    return Fold(learned, judged, {**scores, **more}, history)


def cross_validate(
    build: Callable[..., Model],
    x: Any,
    y: Any = None,
    *,
    method: Method | Any = None,
    folds: int = 5,
    repeats: int = 1,
    groups: Any = None,
    gap: int | None = None,
    prepare: Prepare | None = None,
    sample_weight: Any = None,
    watch: bool = False,
    final: bool = True,
    final_epochs: int | Literal["best"] | None = None,
    seed: int = 0,
    announce: Callable[[str], object] | None = None,
    **fit_options: Any,
) -> CrossValidation:
    """Train and judge a new model for each fold, then one on all rows.

    mean = sum of the folds' scores / k; spread^2 = sum of (score - mean)^2 / (k - 1)

    The result is about the way of building and training, not about one model; the final
    model is of that way and has seen all rows, so nothing here judges it alone. Where
    rows that judge also stop the training (`EarlyStopping` with ``watch``), their
    scores are too kind; nothing is left to watch the final training, which then takes
    the folds' mean number of epochs.

    Args:
        build: Gives a new, compiled model; called with the fitted preparation if it
            takes an argument.
        x: Arrays, frames or tensors, nested or not; a `Table` or frame, with a
            `TableEncoder` to prepare it; or a `TimeSeries`, with a `SeriesEncoder`.
        y: Targets; an encoder knows its own.
        method: "k-fold", "stratified", "grouped", "time", or a splitter of
            scikit-learn; None decides (see `choose_method`); "time" for a series.
        folds: How many parts judge, each in its turn.
        repeats: How often to shuffle and deal again: iterated cross-validation.
        groups: A name per row; rows of the same name are never in both parts.
        gap: Rows left out before the part that judges, for "time"; None for a window's
            length of a series, else 0.
        prepare: Makes an object with ``fit`` and ``transform``, such as
            ``StandardScaler``, or an encoder; it is fitted on each fold's training rows
            alone.
        sample_weight: A weight per row, for learning and judging.
        watch: Whether to judge after every epoch, too (see `CrossValidation.curve`).
        final: Whether to train the final model.
        final_epochs: Its epochs; None for those of a fold, "best" for those after which
            the mean validation loss was least, which needs ``watch``.
        seed: Decides folds, weights and order; the global generators stay as they were.
        announce: Takes a line before each training; None says nothing.
        fit_options: More arguments of `Model.fit`: epochs, batch_size, callbacks, ...

    Returns:
        Folds, their mean and spread, and the final model with its preparation.

    Raises:
        ConfigError: Arguments that cannot work or do not go together.
        DataError: Data that cannot be dealt into such folds.

    Example:
        >>> import mica
        >>> def build():
        ...     model = mica.Sequential(mica.layers.Dense(1))
        ...     model.compile("sgd", "mse", metrics=["mae"])
        ...     return model
        >>> x = np.linspace(-1, 1, 40, dtype=np.float32).reshape(-1, 1)
        >>> result = cross_validate(build, x, 2 * x, folds=4, epochs=20)
        >>> len(result.folds), list(result.mean), result.model is not None
        (4, ['loss', 'mae'], True)

    Source:
        Stone 1974, "Cross-validatory choice and assessment of statistical predictions".
    """
    _check_fit_options(fit_options, watch, final_epochs)
    builder = _Builder(build)
    rows = as_rows(x, y, sample_weight, prepare)
    if isinstance(rows, SeriesRows):
        if method not in (None, "time"):
            raise ConfigError(
                "cross_validate: expected method='time' for a series, got "
                f"{method!r}. Rows that were shuffled would tell of their neighbours."
            )
        method = "time"
    method = choose_method(method, codes=rows.codes, groups=groups, folds=folds)
    pairs = fold_rows(
        rows.count,
        method=method,
        folds=folds,
        repeats=repeats,
        codes=rows.codes,
        groups=groups,
        gap=(rows.gap if method == "time" else 0) if gap is None else gap,
        seed=seed,
    )
    say = announce or _say_nothing
    options = {"verbose": 0, **fit_options}
    results = []
    for number, pair in enumerate(pairs):
        say(f"Fold {number + 1} of {len(pairs)}")
        with _own_randomness(seed + number):
            run = {**options, "seed": seed + number}
            results.append(_run_fold(builder, rows, pair, watch, run))
    name = method if isinstance(method, str) else type(method).__name__
    name += f", shuffled {repeats} times" if repeats > 1 else ""
    result = CrossValidation(tuple(results), name)
    if not final:
        return result
    options |= _final_options(result, options, final_epochs)
    say("The final model, on all rows")
    with _own_randomness(seed):
        everything = np.arange(rows.count)
        preparation = rows.fit(everything)
        model = builder.new(preparation)
        part = rows.part(everything, preparation)
        history = model.fit(
            part.x, part.y, sample_weight=part.sample_weight, seed=seed, **options
        )
    return dataclasses.replace(
        result, model=model, preparation=preparation, history=history
    )


def _final_options(
    result: CrossValidation, options: Mapping[str, Any], final_epochs: Any
) -> dict[str, Any]:
    """Epochs and callbacks of the final training, which nobody watches."""
    callbacks = options.get("callbacks") or ()
    if isinstance(callbacks, Callback):
        callbacks = (callbacks,)
    kept = [
        each
        for each in callbacks
        if not str(getattr(each, "monitor", "")).startswith("val_")
    ]
    chosen: dict[str, Any] = {"callbacks": kept}
    if final_epochs == "best":
        chosen["epochs"] = result.best_epochs()
    elif final_epochs is not None:
        chosen["epochs"] = final_epochs
    elif len(kept) < len(callbacks):
        lengths = [len(fold.history.epoch) for fold in result.folds]
        chosen["epochs"] = round(statistics.fmean(lengths))
    return chosen


def _say_nothing(line: str) -> None:
    del line


@contextlib.contextmanager
def _own_randomness(seed: int) -> Iterator[None]:
    """Draw from a seed, and leave the world's random numbers alone."""
    before = engine.random_state(), np.random.get_state(), random.getstate()
    engine.set_seed(seed)
    try:
        yield
    finally:
        engine.restore_random_state(before[0])
        np.random.set_state(before[1])
        random.setstate(before[2])
