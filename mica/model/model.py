"""Model: a layer that can be compiled, trained, judged, asked and saved."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Self

from torch import Tensor, nn

from mica.data import Batch, as_source
from mica.engine import draw_seed
from mica.errors import (
    ConfigError,
    MicaError,
    ShapeError,
    StateError,
    near_misses,
)
from mica.layers import Layer, masks_of
from mica.layers.symbolic import TEXT
from mica.model.graph import Graph
from mica.model.graph_file import (
    make_constants,
    read_graph,
    share_weights,
    write_constants,
    write_graph,
)
from mica.model.naming import name_parts
from mica.model.reading import (
    read_data,
    read_texts,
    read_validation,
    readers_of_graph,
)
from mica.model.saving import save_model
from mica.model.signature import describe_call
from mica.model.summary import summarize
from mica.nested import flatten
from mica.registry import decode, encode
from mica.shapes import Shape, describe
from mica.training import (
    Callback,
    History,
    Objective,
    PlanChoice,
    RunOptions,
    Session,
    TrainStep,
    ValidationRows,
    Verbosity,
    open_inputs,
)
from mica.training.calling import number_scope

__all__ = ["Model"]


def _as_listeners(given: Any) -> tuple[Any, ...]:
    """Several callbacks, one, or none."""
    if given is None:
        return ()
    return tuple(given) if isinstance(given, Iterable) else (given,)


class Model(Layer):
    """A network with Keras's verbs.

    Three ways to make one: `Sequential(layers)`, `Model(inputs, outputs)` from a graph
    of symbolic tensors, or a subclass with its own `forward`. A model is a layer and a
    `torch.nn.Module`, so it can be a part of another one.

    Args:
        inputs: Symbolic tensors (`mica.Input`), nested; None in a subclass.
        outputs: Symbolic tensors made from them, nested.
        name: What the model is called.

    Shape:
        inputs, outputs: as given; `forward` takes one tensor for each input, or one
            list, tuple or dict of them.

    Raises:
        ConfigError: An output needs an input that is missing; two layers share a name.

    Example:
        >>> import torch
        >>> import mica
        >>> x = mica.Input((4,))
        >>> hidden = mica.layers.Dense(8, activation="relu")(x)
        >>> model = Model(x, mica.layers.Dense(1)(hidden) + x.mean(-1, keepdim=True))
        >>> model(torch.ones(2, 4)).shape
        torch.Size([2, 1])
    """

    def __init__(
        self, inputs: Any = None, outputs: Any = None, *, name: str | None = None
    ) -> None:
        super().__init__(name=name)
        self._graph: Graph | None = None
        self._masked_graphs: dict[tuple[bool, ...], Graph] = {}
        self._masks_travel = False
        self._session: Session | None = None
        self._signature: Any = None
        self._left_out: str | None = None
        self.label_names: list[str] | None = None
        self.preprocessing: Any = None
        if inputs is not None:
            self._adopt(Graph(inputs, outputs))
        if type(self).__init__ is Model.__init__:
            # The graph has the rest: a symbolic tensor holds every call before it.
            self.__dict__["_arguments"] = {} if name is None else {"name": name}

    def _adopt(self, graph: Graph) -> None:
        """Register the parts of a graph as parts of this module."""
        self._take_graph(graph)
        names = name_parts(graph.layers, set())
        for name, part in zip(names, graph.layers, strict=True):
            self._add_part(name, part)
        for name, tensor in graph.constants.items():
            if isinstance(tensor, nn.Parameter):
                self.register_parameter(name, tensor)
            else:
                self.register_buffer(name, tensor)
        self.built = True

    def _take_graph(self, graph: Graph) -> None:
        self._graph, self._masked_graphs = graph, {}
        self._masks_travel = graph.uses_masks

    def _add_part(self, name: str, part: nn.Module) -> None:
        if hasattr(self, name):
            raise ConfigError(
                f"{type(self).__name__}: expected a layer name that is free, got "
                f"{name!r}, which every model has already. Rename the layer."
            )
        if isinstance(part, Layer) and part.name is None:
            part.name = name
        self.add_module(name, part)

    @property
    def graph(self) -> Graph | None:
        """The recorded computation of a functional model; None for other kinds."""
        return self._graph

    @property
    def signature(self) -> Any:
        """Shapes and types of the arguments of the first call, batch as None."""
        return self._signature

    @property
    def output_names(self) -> list[str] | None:
        """Names of the outputs, when they are known before the model runs."""
        if self._graph is None:
            return None
        names = {id(part): name for name, part in self.named_children()}
        return self._graph.output_names(names)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Compute; texts are read first where a layer at the entrance reads them."""
        if args and not isinstance(args[0], Tensor):
            whole = args[0] if len(args) == 1 else args
            found = read_texts(self, whole)
            if found is not whole:
                args = (found,) if len(args) == 1 else found
        return super().__call__(*args, **kwargs)

    def ensure_built(self, *args: Any, **kwargs: Any) -> None:
        """Build, and remember for files what the first call looked like.

        Args:
            *args: What `forward` would be given.
            **kwargs: Named ones.
        """
        if self._signature is None and self._graph is None:
            self._signature = describe_call(args, kwargs)
        for name, part in self.named_children():
            if isinstance(part, Layer) and part.name is None:
                part.name = name  # so that errors in a subclass name their layer
        super().ensure_built(*args, **kwargs)

    def forward(self, *inputs: Any, **named: Any) -> Any:
        """Compute the outputs; a subclass defines its own.

        Args:
            *inputs: One tensor for each input, or one list, tuple or dict of them.
            **named: Tensors by input name.

        Returns:
            The outputs, nested as they were given.

        Raises:
            StateError: A subclass has no `forward`.
            ShapeError: Another number of inputs.
        """
        if self._graph is None:
            raise StateError(
                f"{type(self).__name__}: expected a method forward(self, x), got none. "
                "Define it, or make the model from inputs and outputs."
            )
        mask = None if "mask" in self._graph.input_names else named.pop("mask", None)
        values = self._graph.arrange_inputs(inputs, named)
        masks = flatten(mask) if isinstance(mask, (list, tuple, dict)) else [mask]
        return self._run_graph(values, masks)

    def _run_graph(self, values: list[Any], masks: list[Any]) -> Any:
        """Compute the outputs from inputs, and from masks of them where there are."""
        graph = self._graph
        if graph is None:  # a Sequential without layers
            return values[0]
        given = [mask for mask in masks if mask is not None]
        if not given:
            return graph.run(self, values)
        if len(masks) != len(values):
            raise ShapeError(
                f"{self.where}: expected one mask for each of {len(values)} inputs, "
                f"got {len(masks)}. Give None for an input without a mask."
            )
        present = tuple(mask is not None for mask in masks)
        if present not in self._masked_graphs:
            self._masked_graphs[present] = graph.with_masks(present)
        return self._masked_graphs[present].run(self, [*values, *given])

    def _masks_for(self, args: Any, kwargs: dict[str, Any]) -> dict[str, Any]:
        if self._graph is None or type(self).forward is not Model.forward:
            return super()._masks_for(args, kwargs)
        given = self._graph.arrange_inputs(args, kwargs)
        masks = masks_of(given)
        return {} if masks is None or "mask" in kwargs else {"mask": masks}

    def compute_mask(self, x: Any, mask: Any = None) -> Any:
        """Say which steps of the outputs are real, by the layers' own rules.

        Args:
            x: The inputs, symbolic.
            mask: Which steps of them are real; None when all are.

        Returns:
            One mask or None for each output; None when there is none.
        """
        graph = self._graph
        if graph is None or not (mask is not None or graph.masks):
            return None
        values = flatten(x) if isinstance(x, (list, tuple, dict)) else [x]
        masks = flatten(mask) if isinstance(mask, (list, tuple, dict)) else [mask]
        present = tuple(each is not None for each in masks)
        if len(masks) != len(values):
            return None
        if any(present):
            if present not in self._masked_graphs:
                self._masked_graphs[present] = graph.with_masks(present)
            graph = self._masked_graphs[present]
        given = [*values, *(each for each in masks if each is not None)]
        return graph.replay_masks(given)

    def config(self) -> dict[str, Any]:
        """Describe the architecture as JSON values.

        Returns:
            For a functional model its layers and calls, else the constructor's
            arguments.
        """
        if self._graph is None or type(self).__init__ is not Model.__init__:
            return super().config()
        parts = {
            name: part
            for name, part in self.named_children()
            if any(part is layer for layer in self._graph.layers)
        }
        return {
            "name": self.name,
            "layers": {name: encode(part) for name, part in parts.items()},
            "graph": write_graph(
                self._graph, {id(part): n for n, part in parts.items()}
            ),
            "constants": write_constants(self, self._graph, parts),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Make the model that `config` describes; its weights are new.

        Args:
            config: What `config()` gave.

        Returns:
            A new model.
        """
        if cls.__init__ is not Model.__init__ or "graph" not in config:
            return super().from_config(config)
        layers = {name: decode(part) for name, part in config["layers"].items()}
        for name, layer in layers.items():
            layer.name = name
        entries = config.get("constants", {})
        constants = make_constants(entries)
        inputs, outputs = read_graph(config["graph"], layers, constants)
        model = cls(inputs, outputs, name=config.get("name"))
        share_weights(model, entries)
        return model

    def compile(  # Keras's verb; for torch's write torch.compile(model)
        self,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        loss_weights: Any = None,
        metrics: Any = None,
        *,
        weighted_metrics: Any = None,
    ) -> None:
        """Say what to make small, how, and what to measure.

        What is `trainable` now is what this model trains, whatever is frozen later.

        Args:
            optimizer: A name, an optimizer of Mica or torch, or a function from
                parameters to one.
            loss: A name, Loss, torch loss or function; a list or dict for several
                outputs.
            loss_weights: One number for each output.
            metrics: Names, Metrics or functions; lists or a dict for several outputs.
            weighted_metrics: The same, measured with sample weights.

        Raises:
            ConfigError: An unknown name; a last layer that does not fit the loss.

        Example:
            >>> import mica
            >>> model = mica.Sequential(
            ...     mica.Input((4,)), mica.layers.Dense(3, activation="softmax")
            ... )
            >>> loss = "sparse_categorical_crossentropy"
            >>> model.compile("adam", loss, metrics=["accuracy"])
        """
        objective = Objective(loss, metrics, weighted_metrics, loss_weights)
        own = type(self).train_step is not Model.train_step
        session = Session(
            self, objective, optimizer, train_step=self.train_step if own else None
        )
        samples = self._samples()
        if samples is not None:
            objective.check(self, *samples)
        self._session, self._left_out = session, None

    def check_rows(self, x: Any) -> None:
        """Compare data with the shapes that `mica.Input` was given.

        Args:
            x: Inputs of some rows, nested as for `fit`.

        Raises:
            ShapeError: Rows of another shape; one row without its batch axis.
        """
        if self._graph is None:
            return
        args = (
            x if isinstance(x, (tuple, list)) else () if isinstance(x, dict) else (x,)
        )
        named = x if isinstance(x, dict) else {}
        given = self._graph.arrange_inputs(tuple(args), named)
        readers = readers_of_graph(self._graph)
        for name, tensor, expected, reader in zip(
            self._graph.input_names, given, self._graph.inputs, readers, strict=True
        ):
            # Texts have been read by now: their numbers have a shape of their own.
            was_text = reader is not None and expected.dtype is TEXT
            if isinstance(tensor, Tensor) and not was_text:
                _check_row(name, tuple(tensor.shape), expected.shape)

    def _samples(self) -> list[Tensor] | None:
        """Meta tensors to call the model with; None when its inputs are not known."""
        if self._graph is not None:
            return [tensor.samples[0] for tensor in self._graph.inputs]
        return None

    @property
    def session(self) -> Session:
        """What `compile` made.

        Raises:
            StateError: The model is not compiled.
        """
        if self._session is None:
            reason = f" ({self._left_out})" if self._left_out else ""
            raise StateError(
                f"{type(self).__name__}: expected a compiled model, got one that is "
                f"not{reason}. Call model.compile(optimizer, loss) first."
            )
        return self._session

    @property
    def is_compiled(self) -> bool:
        """Whether `compile` was called."""
        return self._session is not None

    @property
    def history(self) -> History | None:
        """The logs of the last `fit`, also when it was stopped."""
        return None if self._session is None else self._session.history

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        *,
        epochs: int = 1,
        verbose: Verbosity = "auto",
        callbacks: Sequence[Callback] | Callback | None = (),
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool = True,
        class_weight: Mapping[int, float] | Literal["balanced"] | None = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_freq: int = 1,
        validation_rows: ValidationRows = "stratified",
        augment: Any = None,
        plan: PlanChoice = "auto",
        seed: int | None = None,
    ) -> History:
        """Train on data.

        Args:
            x: Inputs: arrays, tensors, frames, nested ones, or a dataset, loader or
                generator of batches.
            y: Targets, when x does not give them.
            batch_size: Rows in a batch; None for the loader's own, else 32.
            epochs: The number of the last epoch.
            verbose: "auto", 0 (silent), 1 (live bar) or 2 (one line per epoch).
            callbacks: Listeners, or one of them.
            validation_split: Share of the rows to judge by after each epoch.
            validation_data: (x, y), (x, y, sample_weight), or what x may be.
            shuffle: Whether the order changes from epoch to epoch.
            class_weight: A weight for each class, or "balanced".
            sample_weight: One weight per row.
            initial_epoch: Epochs that count as done.
            steps_per_epoch: Batches in an epoch; a generator needs it.
            validation_steps: Batches in a validation.
            validation_freq: Epochs from one validation to the next.
            validation_rows: Rows of validation_split: "stratified", "random" or "last"
                (Keras's way).
            augment: What changes the batches that are learned from, not those that are
                judged by: a layer such as `MixUp`, a function from (x, y) to (x, y), or
                a list of them.
            plan: How a step is executed.
            seed: Decides split and order; None draws one from the global generator.

        Returns:
            The logs of each epoch; `history.plot()` draws them.

        Raises:
            StateError: The model is not compiled.
            ConfigError: Options that do not go together.
            DataError: Data that cannot be learned from.
            ShapeError: Data that do not fit the model.
            DivergenceError: The loss became NaN or infinite; weights are as before.

        Example:
            >>> import torch
            >>> import mica
            >>> model = mica.Sequential(mica.layers.Dense(1))
            >>> model.compile("sgd", "mse")
            >>> x = torch.linspace(-1, 1, 64).reshape(-1, 1)
            >>> history = model.fit(x, 2 * x, epochs=3, verbose=0)
            >>> list(history.history)
            ['loss']
        """
        session = self.session
        seed = draw_seed() if seed is None else seed
        options = RunOptions(
            epochs,
            batch_size,
            shuffle,
            _as_listeners(callbacks),
            verbose,
            seed,
            initial_epoch,
            validation_freq,
            augment,
        )
        with number_scope(self):
            inputs = open_inputs(
                read_data(self, x),
                y,
                sample_weight,
                class_weight=class_weight,
                validation_data=read_validation(self, validation_data),
                validation_split=validation_split,
                validation_rows=validation_rows,
                batch_size=batch_size,
                steps_per_epoch=steps_per_epoch,
                validation_steps=validation_steps,
                keep_integers=self._takes_integers(),
                seed=seed,
            )
            return session.fit(inputs, options, plan)

    def read_inputs(self, x: Any) -> Any:
        """Turn raw texts among the inputs into numbers, as `fit` does.

        Args:
            x: What `fit` takes as x.

        Returns:
            The same for a model without a layer that reads texts; arrays are read at
            once, a loader or iterator batch by batch.

        Raises:
            StateError: The layer has not learned its vocabulary.
            ConfigError: Nothing says which layer is to read a text.
            DataError: Something among the texts is no text.

        Example:
            >>> from mica.layers import Dense, StringLookup
            >>> from mica.model import Sequential
            >>> model = Sequential(StringLookup(vocabulary=["a", "b"]), Dense(2))
            >>> model.read_inputs(["b", "a"])
            tensor([2, 1])
        """
        return read_data(self, x)

    def _takes_integers(self) -> bool:
        """Whether integers given as inputs are numbers of things, not measurements."""
        for part in self.modules():
            if isinstance(part, nn.Embedding) or getattr(part, "takes_integers", False):
                return True
        inputs = [] if self._graph is None else self._graph.inputs
        return any(not tensor.dtype.is_floating_point for tensor in inputs)

    def train_step(self, batch: Batch) -> dict[str, Any]:
        """Learn from one batch; override it for a step of your own.

        Args:
            batch: x, y, sample_weight and size.

        Returns:
            The batch's logs: numbers or 0-d tensors, averaged over the epoch.

        Example:
            >>> import mica
            >>> class Doubled(mica.Model):
            ...     def train_step(self, batch):
            ...         outputs, loss = self.compute_loss(batch)
            ...         self.learn(2 * loss)
            ...         return {"loss": loss.detach()}
        """
        return self._step()(batch)

    def _step(self) -> TrainStep:
        return self.session.default_step()

    def compute_loss(self, batch: Batch) -> tuple[Any, Tensor]:
        """Predict and compare, inside a `train_step` of your own.

        Args:
            batch: x, y, sample_weight and size.

        Returns:
            (outputs, loss); the outputs are logits where the loss folds the last
            activation.
        """
        outputs, losses = self._step().losses(batch)
        return outputs, losses["loss"]

    def learn(self, loss: Tensor) -> None:
        """Differentiate a loss and update the weights, inside a `train_step`.

        Args:
            loss: A number that depends on the weights.
        """
        self.session.ready_updater().learn(loss)

    def measure(self, outputs: Any, batch: Batch) -> None:
        """Show a batch to the compiled metrics, inside a `train_step`.

        Args:
            outputs: What `compute_loss` gave.
            batch: The batch.
        """
        self.session.objective.measure(outputs, batch.y, batch.sample_weight)

    def train_on_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None
    ) -> dict[str, float]:
        """Learn from one batch of data.

        Args:
            x: Inputs.
            y: Targets.
            sample_weight: One weight per row.

        Returns:
            Loss and metrics of this batch, before the update.
        """
        keep = self._takes_integers()
        with number_scope(self):
            x = read_data(self, x)
            source = as_source(x, y, sample_weight, keep_integers=keep)
            return self.session.train_batch(source)

    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        *,
        sample_weight: Any = None,
        steps: int | None = None,
        return_dict: bool = False,
        verbose: Verbosity = 0,
        plan: PlanChoice = "auto",
    ) -> Any:
        """Measure loss and metrics on data.

        Args:
            x: Inputs, or an object that gives batches.
            y: Targets.
            batch_size: Rows in a batch; the result does not depend on it.
            sample_weight: One weight per row.
            steps: Batches to look at; None for all.
            return_dict: Whether to name the values.
            verbose: As in `fit`, for programs written for Keras; judging is silent.
            plan: Where and in which precision.

        Returns:
            The loss, [loss, *metrics], or a dict by name.

        Raises:
            StateError: The model is not compiled.
            DataError: Data that cannot be read.
        """
        del verbose
        session = self.session
        with number_scope(self):
            source = as_source(
                read_data(self, x),
                y,
                sample_weight,
                batch_size=batch_size,
                steps=steps,
                keep_integers=self._takes_integers(),
            )
            logs = session.evaluate(source, batch_size=batch_size, plan=plan)
        if return_dict:
            return logs
        values = list(logs.values())
        return values[0] if len(values) == 1 else values

    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        *,
        steps: int | None = None,
        verbose: Verbosity = 0,
        plan: PlanChoice = "auto",
    ) -> Any:
        """Compute the outputs for data.

        With plan "auto", 1,024 rows or more are computed the fast way: batch
        normalizations are folded into the layers before them, as many rows at once as
        suit the machine, and what takes more than 10 seconds in bfloat16 where that is
        faster and gives the same classes on the first rows (`mica.set_precision`
        forbids it). The last digits may so differ from those of few rows, or of
        plan="eager". `model.session.predicting` of a compiled model says what was
        done.

        Args:
            x: Inputs, or an object that gives batches; targets in it are not used.
            batch_size: Rows in a batch; the result depends on it in rounding alone.
                None for what the plan finds, 32 for few rows.
            steps: Batches to compute; None for all.
            verbose: As in `fit`, for programs written for Keras; predicting is silent.
            plan: "auto", "eager" (layer by layer as they stand), or where and in which
                precision.

        Returns:
            NumPy arrays, nested as the outputs are.

        Raises:
            DataError: Data that cannot be read.
            ShapeError: Data that do not fit the model.

        Example:
            >>> import mica
            >>> mica.Sequential(mica.layers.Dense(2)).predict([[1.0, 2.0]]).shape
            (1, 2)
        """
        del verbose
        keep = self._takes_integers()
        session = self._session or Session(self, Objective(), "sgd")
        with number_scope(self):
            source = as_source(
                read_data(self, x),
                batch_size=batch_size,
                steps=steps,
                keep_integers=keep,
            )
            return session.predict(source, batch_size=batch_size, plan=plan)

    def summary(self, print_function: Callable[[str], Any] = print) -> None:
        """Print layers, output shapes and numbers of parameters.

        Args:
            print_function: Takes the text; `mica.model.summarize(model)` gives the
                table itself.

        Raises:
            StateError: The model is not built yet.

        Example:
            >>> import mica
            >>> model = mica.Sequential(mica.Input((4,)), mica.layers.Dense(3))
            >>> model.summary(lambda text: print(text.splitlines()[0]))
            Sequential
        """
        print_function(str(summarize(self)))

    @property
    def layers(self) -> list[nn.Module]:
        """The layers, in the order they are called."""
        return list(self.children())

    def get_layer(self, name: str | None = None, *, index: int | None = None) -> Any:
        """Find a layer.

        Args:
            name: Its name.
            index: Its number, instead of the name.

        Returns:
            The layer.

        Raises:
            ConfigError: There is no such layer.
        """
        parts = dict(self.named_children())
        if name is not None and name in parts:
            return parts[name]
        if name is None and index is not None and -len(parts) <= index < len(parts):
            return list(parts.values())[index]
        asked = repr(name) if name is not None else f"number {index}"
        raise ConfigError(
            f"get_layer: expected a layer of this model, got {asked}. "
            f"{near_misses(str(name), parts)}"
        )

    def save(self, path: str | Path) -> Path:
        """Write a `.mica` file: architecture, weights, optimizer, preprocessing.

        The file is written beside its place and moved there whole, so an old file
        survives a failure.

        Args:
            path: Where; `.mica` is added when it has no suffix.

        Returns:
            The path written.

        Raises:
            StateError: The model is not built yet.
            ConfigError: A part that a file cannot name; register it.
            CheckpointError: The file cannot be written.
        """
        return save_model(self, path)

    def compiled_config(self) -> dict[str, Any]:
        """Describe what `compile` was given as JSON values, as far as they can be.

        Returns:
            optimizer, loss, loss_weights, metrics, weighted_metrics and frozen; or
            `left_out` with the reason: it has none, a file cannot hold it, or the
            class has a `compile` of its own.
        """
        if self._session is None:
            return {"left_out": self._left_out or "it was not compiled when saved"}
        objective = self._session.objective
        try:
            return {
                "optimizer": encode(self._session.optimizer),
                "loss": encode(objective.loss),
                "loss_weights": encode(objective.loss_weights),
                "metrics": encode(objective.metrics),
                "weighted_metrics": encode(objective.weighted_metrics),
            }
        except MicaError as error:
            return {"left_out": f"it was saved without its loss or optimizer: {error}"}

    def restore_compiled(self, config: dict[str, Any]) -> None:
        """Compile as `compiled_config` describes.

        Args:
            config: What it gave.
        """
        if "left_out" in config:
            self._left_out = str(config["left_out"])
            return
        if type(self).compile is not Model.compile:
            self._left_out = (
                "its class has a compile of its own, which files cannot call"
            )
            return
        self.compile(**{name: decode(value) for name, value in config.items()})


def _check_row(name: str, found: Shape, expected: Shape) -> None:
    wanted, row = expected[1:], found[1:]
    fits = len(row) == len(wanted) and all(
        size is None or size == other for size, other in zip(wanted, row, strict=True)
    )
    if fits:
        return
    advice = f"Reshape the data, or make the model with mica.Input({describe(row)})."
    if len(found) == len(wanted):
        advice = "For one row write x[None]: the first axis counts the rows."
    raise ShapeError(
        f"Model: expected rows of shape {describe(wanted)} for {name!r}, as mica.Input "
        f"says, got {describe(row)}. {advice}"
    )
