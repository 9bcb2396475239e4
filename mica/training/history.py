"""History: what every epoch ended with."""

from typing import Any

from mica.report import Chart, Report, Series, Table

__all__ = ["History"]


class History:
    """The logs of each finished epoch, under Keras's names.

    Args:
        params: What the run was asked for (epochs, batch size, steps), for reports.

    Example:
        >>> history = History()
        >>> history.add(0, {"loss": 0.5, "val_loss": 0.6})
        >>> history.add(1, {"loss": 0.4, "val_loss": 0.5})
        >>> history.history
        {'loss': [0.5, 0.4], 'val_loss': [0.6, 0.5]}
        >>> history.best("val_loss")
        (1, 0.5)
    """

    def __init__(self, params: dict[str, Any] | None = None) -> None:
        self.params = dict(params or {})
        self.epoch: list[int] = []
        self.history: dict[str, list[float]] = {}
        self.stop_reason: str | None = None
        self.plan: Table | None = None  # how steps were executed, and what was tried

    def add(self, epoch: int, logs: dict[str, float]) -> None:
        """Append one epoch.

        Args:
            epoch: Its index, from 0.
            logs: Name and value; a name that is new gets NaN for earlier epochs.
        """
        for name in logs:
            self.history.setdefault(name, [float("nan")] * len(self.epoch))
        self.epoch.append(epoch)
        for name, values in self.history.items():
            values.append(float(logs.get(name, float("nan"))))

    def amend(self, name: str, value: float) -> None:
        """Add a value to the last epoch, or replace it.

        Args:
            name: The log's name; when new, earlier epochs get NaN.
            value: A number.
        """
        self.history.setdefault(name, [float("nan")] * len(self.epoch))
        self.history[name][-1] = float(value)

    def best(self, monitor: str, *, largest: bool = False) -> tuple[int, float]:
        """Find the best epoch by one of the logs.

        Args:
            monitor: The log's name.
            largest: Whether more is better.

        Returns:
            (epoch, value).
        """
        choose = max if largest else min
        values = self.history[monitor]
        # NaN compares false with everything, so it must not be the first candidate.
        ranked = [
            (value, index) for index, value in enumerate(values) if value == value
        ]
        value, index = choose(ranked, key=lambda pair: pair[0])
        return self.epoch[index], value

    def report(self) -> Report:
        """The table of epochs and one chart for each quantity."""
        names = [name for name in self.history if not name.startswith("val_")]
        numbers = tuple(epoch + 1 for epoch in self.epoch)
        rows = tuple(
            (number, *(self.history[name][index] for name in self.history))
            for index, number in enumerate(numbers)
        )
        note = self.stop_reason or ""
        table = Table("History", ("epoch", *self.history), rows, note)
        charts = []
        for name in names:
            pair = [name, f"val_{name}"]
            series = tuple(
                Series(label, numbers, tuple(self.history[label]))
                for label in pair
                if label in self.history
            )
            charts.append(Chart(name, series, "epoch", name))
        plans = [] if self.plan is None else [self.plan]
        return Report("Training", (*charts, table, *plans))

    def plot(self, path: str | None = None) -> Any:
        """Draw the curves.

        Args:
            path: Where to save the picture; `None` saves nothing.

        Returns:
            A matplotlib figure.
        """
        return Report("Training", self.report().parts[:-1]).plot(path)

    def __str__(self) -> str:
        return str(self.report().parts[-1])

    def __repr__(self) -> str:
        return f"History(epochs={len(self.epoch)}, logs={list(self.history)})"

    def _repr_html_(self) -> str | None:
        return self.report()._repr_html_()
