"""Reading: texts at the entrance of a model become numbers, once, before batches."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, IterableDataset

from mica.data import Source
from mica.errors import ConfigError
from mica.layers.reading import TextReader, holds_text, is_text
from mica.layers.symbolic import SymbolicTensor
from mica.model.graph import Graph

__all__ = [
    "read_data",
    "read_texts",
    "read_validation",
    "reader_of",
    "readers_of_graph",
]


def _first_part(model: nn.Module) -> nn.Module | None:
    return next(iter(model.children()), None)


def reader_of(model: nn.Module) -> TextReader | None:
    """Find the layer that reads the texts of a model with one input.

    Args:
        model: A model or layer.

    Returns:
        The layer at its entrance; in a model with a `forward` of its own the only
        reader inside; None when there is none.

    Raises:
        ConfigError: There are several, and nothing says which one is meant.

    Example:
        >>> from mica.layers import Dense, StringLookup
        >>> from mica.model import Sequential
        >>> reader_of(Sequential(StringLookup(), Dense(2)))
        StringLookup()
    """
    if isinstance(model, TextReader):
        return model
    graph = getattr(model, "graph", None)
    if graph is not None:
        readers = readers_of_graph(graph)
        return readers[0] if len(readers) == 1 else None
    if hasattr(model, "pop") and hasattr(model, "add"):  # a Sequential not built yet
        first = _first_part(model)
        return None if first is None else reader_of(first)
    return _the_one(
        [part for part in model.modules() if isinstance(part, TextReader)],
        type(model).__name__,
    )


def _the_one(readers: list[TextReader], where: str) -> TextReader | None:
    ways = {reader.way_of_reading for reader in readers}
    if len(ways) > 1:
        raise ConfigError(
            f"{where}: expected one layer to read a text, got {len(ways)} that do so "
            "in different ways. Give the text twice, each to an input of its own: "
            "Model([a, b], outputs)."
        )
    return readers[0] if readers else None


def readers_of_graph(graph: Graph) -> list[TextReader | None]:
    """Find for each input of a graph the layer that reads it.

    Args:
        graph: The graph of a functional model.

    Returns:
        One layer for each input; None for an input that takes numbers.

    Raises:
        ConfigError: Two layers read the same input in different ways.
    """
    found = []
    for tensor, name in zip(graph.inputs, graph.input_names, strict=True):
        readers = [
            reader
            for node in graph.nodes
            if isinstance(node.operation, nn.Module)
            # NOTE: == of symbolic tensors records a comparison, and so does `in`.
            and any(each is tensor for each in node.inputs)
            for reader in [reader_of(node.operation)]
            if reader is not None
        ]
        found.append(_the_one(readers, f"Model: input {name!r}"))
    return found


def _read(value: Any, reader: TextReader | None) -> Any:
    return reader.read(value) if reader is not None and is_text(value) else value


def read_texts(model: nn.Module, x: Any) -> Any:
    """Turn the texts among a model's inputs into numbers.

    Args:
        model: The model.
        x: Inputs: an array or list, or a list, tuple or dict of them.

    Returns:
        The inputs, numbers and nothing else where a layer reads texts; as they were
        when they hold none.

    Raises:
        StateError: The layer has not learned its vocabulary.
        ConfigError: Nothing says which layer is to read a text.
        DataError: Something among the texts is no text.

    Example:
        >>> from mica.layers import Dense, StringLookup
        >>> from mica.model import Sequential
        >>> model = Sequential(StringLookup(vocabulary=["a", "b"]), Dense(2))
        >>> read_texts(model, ["b", "a"])
        tensor([2, 1])
    """
    if isinstance(x, (Tensor, SymbolicTensor)) or not holds_text(x):
        return x
    graph = getattr(model, "graph", None)
    if graph is None or len(graph.inputs) == 1:
        return _map_leaves(lambda leaf: _read(leaf, reader_of(model)), x)
    readers = dict(zip(graph.input_names, readers_of_graph(graph), strict=True))
    if isinstance(x, Mapping):
        return {name: _read(value, readers.get(name)) for name, value in x.items()}
    if isinstance(x, (list, tuple)) and len(x) == len(readers):
        pairs = zip(x, readers.values(), strict=True)
        return type(x)(_read(value, reader) for value, reader in pairs)
    return x


def _map_leaves(function: Callable[[Any], Any], x: Any) -> Any:
    """Apply a function to arrays in dicts, tuples and lists of them."""
    if isinstance(x, Mapping):
        return {key: _map_leaves(function, value) for key, value in x.items()}
    if isinstance(x, (list, tuple)) and not is_text(x):
        return type(x)(_map_leaves(function, value) for value in x)
    return function(x)


def _read_item(model: nn.Module, item: Any) -> Any:
    """Read the inputs in what a loader gives: x, (x,), (x, y), (x, y, weight)."""
    if isinstance(item, Mapping) and "x" in item:
        return {**item, "x": read_texts(model, item["x"])}
    if isinstance(item, (tuple, list)) and not is_text(item):
        return (read_texts(model, item[0]), *item[1:])
    return read_texts(model, item)


class _ReadBatches:
    """A loader whose batches are read as they come."""

    def __init__(self, model: nn.Module, loader: Iterable[Any]) -> None:
        self.model, self.loader = model, loader

    def __iter__(self) -> Iterator[Any]:
        return (_read_item(self.model, item) for item in self.loader)

    def __len__(self) -> int:
        return len(self.loader)  # type: ignore[arg-type]

    @property
    def batch_size(self) -> int | None:
        """That of the loader, when it says so."""
        return getattr(self.loader, "batch_size", None)


class _ReadSamples(Dataset[Any]):
    """A dataset whose samples are read, a batch at a time."""

    def __init__(self, model: nn.Module, dataset: Any) -> None:
        self.model, self.dataset = model, dataset

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, row: int) -> Any:
        return self.__getitems__([row])[0]

    def __getitems__(self, rows: list[int]) -> list[Any]:
        samples = [self.dataset[row] for row in rows]
        alone = not isinstance(samples[0], (tuple, list))
        texts = [sample if alone else sample[0] for sample in samples]
        numbers = read_texts(self.model, texts)
        if alone:
            return list(numbers)
        pairs = zip(numbers, samples, strict=True)
        return [(number, *sample[1:]) for number, sample in pairs]


def read_data(model: nn.Module, data: Any) -> Any:
    """Turn the texts in data of any kind into numbers, before batches are made.

    Args:
        model: The model; one without a layer that reads texts leaves data alone.
        data: What `fit` takes as x.

    Returns:
        Arrays are read at once, a loader or iterator batch by batch.

    Raises:
        StateError: The layer has not learned its vocabulary.
        ConfigError: Nothing says which layer is to read a text.
        DataError: Something among the texts is no text.

    Example:
        >>> from mica.layers import Dense, StringLookup
        >>> from mica.model import Sequential
        >>> model = Sequential(StringLookup(vocabulary=["a", "b"]), Dense(2))
        >>> list(read_data(model, iter([(["b"], [0])])))
        [(tensor([2]), [0])]
    """
    if isinstance(data, (Tensor, Source)):
        return data
    if not any(isinstance(part, TextReader) for part in model.modules()):
        return data
    if isinstance(data, Dataset) and not isinstance(data, IterableDataset):
        return _ReadSamples(model, data)
    if isinstance(data, IterableDataset):
        raise ConfigError(
            "fit: expected texts in a list, a dataset with a length or a loader, got "
            f"{type(data).__name__}. Wrap it: DataLoader(dataset, batch_size=32)."
        )
    if isinstance(data, DataLoader):
        return _ReadBatches(model, data)
    if hasattr(data, "__next__"):
        return (_read_item(model, item) for item in data)
    array = isinstance(data, (list, tuple, str, Mapping)) or hasattr(data, "__array__")
    if array or not isinstance(data, Iterable):
        return read_texts(model, data)
    return _ReadBatches(model, data)


def read_validation(model: nn.Module, given: Any) -> Any:
    """Turn the texts in `validation_data` into numbers.

    Args:
        model: The model.
        given: (x, y), (x, y, sample_weight), what x may be, or None.

    Returns:
        The same, its inputs read.

    Example:
        >>> from mica.layers import StringLookup
        >>> read_validation(StringLookup(vocabulary=["a", "b"]), (["b"], [0]))
        (tensor([2]), [0])
    """
    if isinstance(given, (tuple, list)) and given:
        return (read_data(model, given[0]), *given[1:])
    return read_data(model, given)
