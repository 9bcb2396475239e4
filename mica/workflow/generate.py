"""Generate: a trained model continues a text, piece by piece."""

from collections.abc import Iterator
from pathlib import Path

from mica.data import Tokenizer
from mica.errors import ConfigError
from mica.generate import Sampling, stream
from mica.model import Model
from mica.workflow.predict import load_trained

__all__ = ["generate"]

LENGTH = 500  # characters


def generate(
    model: Model | str | Path,
    prompt: str,
    length: int = LENGTH,
    *,
    temperature: float = 0.8,
    top_k: int | None = None,
    top_p: float | None = None,
    seed: int | None = 0,
) -> Iterator[str]:
    """Continue a text with a model that `train(..., generate=True)` made.

    Args:
        model: The model, its `.mica` file, or the folder of its run.
        prompt: The beginning.
        length: Characters to write.
        temperature: The warmer, the bolder; 1 draws by the model's own chances.
        top_k: Draw among so many of the likeliest; None among all.
        top_p: Draw among the likeliest that together have this chance.
        seed: The same seed gives the same text; None draws one.

    Returns:
        Pieces of the continuation, as they come.

    Raises:
        CheckpointError: The model cannot be read.
        ConfigError: A model that does not write, or a setting that cannot be.
        DataError: No prompt.

    Example:
        >>> import tempfile
        >>> from mica.workflow import train
        >>> path = Path(tempfile.mkdtemp()) / "hamlet.txt"
        >>> _ = path.write_text("To be, or not to be: that is the question. " * 60)
        >>> runs = path.parent / "runs"
        >>> outcome = train(path, generate=True, epochs=1, runs=runs, verbose=0)
        >>> len("".join(generate(outcome.folder, "To be", 20)))
        20
    """
    trained = load_trained(model, "generate")
    tokenizer = trained.preprocessing
    if not isinstance(tokenizer, Tokenizer):
        raise ConfigError(
            "generate: expected a model that writes, as `mica train FILE.txt "
            "--generate` makes it, got one that answers. Use `mica predict` "
            "(workflow.predict)."
        )
    how = Sampling(temperature=temperature, top_k=top_k, top_p=top_p)
    return stream(trained, prompt, tokenizer, length, how=how, seed=seed)
