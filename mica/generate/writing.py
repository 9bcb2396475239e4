"""Writing: a model, a beginning, and a way to choose make a text."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TextIO, overload

import torch
from torch import Tensor, nn

from mica.data.text import Tokenizer
from mica.engine import draw_seed, fork_generator
from mica.errors import ConfigError, DataError
from mica.generate.beam import Beam, search_beams
from mica.generate.chances import hide
from mica.generate.choosing import Greedy, Sampling
from mica.generate.steps import Steps

__all__ = ["Choice", "show", "stream", "write", "write_tokens"]

Choice = Greedy | Sampling | Beam
UNFINISHED = "\ufffd"  # what a tokenizer shows for half a character
STREAM = "generate"  # names the random numbers of a row


def _check_choice(how: Any) -> Choice:
    if not isinstance(how, Choice):
        raise ConfigError(
            f"generate: expected how to be Greedy(), Sampling() or Beam(), got {how!r}."
            " Write for example how=Sampling(temperature=0.8)."
        )
    return how


def _check_length(length: Any) -> int:
    if isinstance(length, bool) or not isinstance(length, int) or length < 1:
        raise ConfigError(
            f"generate: expected a length of at least 1 token, got {length!r}. It is "
            "the number of tokens to write at most."
        )
    return length


def _draw_rows(
    steps: Steps,
    prompts: Tensor,
    length: int,
    how: Greedy | Sampling,
    generators: list[torch.Generator],
    *,
    end: int | None,
    forbidden: Iterable[int],
) -> Iterator[Tensor]:
    """Give the next token of each row, one step after the other."""
    forbidden = tuple(forbidden)
    ended = torch.zeros(len(prompts), dtype=torch.bool)
    token = prompts
    for number in range(length):
        logs = steps.advance(token) if number else steps.begin(prompts)
        token = how.choose(hide(logs, forbidden).log_softmax(-1), generators)
        yield token
        if end is not None:
            ended |= token == end
            if bool(ended.all()):
                return


def _up_to(tokens: list[int], end: int | None) -> list[int]:
    if end is None or end not in tokens:
        return tokens
    return tokens[: tokens.index(end) + 1]


def _as_rows(prompts: Any) -> list[list[int]]:
    rows = prompts.tolist() if hasattr(prompts, "tolist") else list(prompts)
    if not rows or not all(isinstance(row, (list, tuple)) and row for row in rows):
        raise DataError(
            "generate: expected rows of token numbers to begin with, at least one in "
            f"each, got {prompts!r:.80}. Write for example [[1, 5], [1]]."
        )
    return [[int(token) for token in row] for row in rows]


def _rows_of(source: Any, rows: list[int]) -> Any:
    if source is None:
        return None
    if isinstance(source, (list, tuple)):
        return [_rows_of(each, rows) for each in source]
    return torch.as_tensor(source)[torch.tensor(rows)]


def write_tokens(
    model: nn.Module,
    prompts: Any,
    length: int = 100,
    *,
    how: Choice | None = None,
    source: Any = None,
    end: int | None = None,
    forbidden: Iterable[int] = (),
    seed: int | None = None,
    window: int | None = None,
    cache: bool | None = None,
    from_logits: bool | None = None,
) -> list[list[int]]:
    """Continue rows of token numbers.

    A seed gives the same tokens, and each row has random numbers of its own: it is
    continued in the same way alone or among others.

    Args:
        model: From token numbers (batch, time) to logits or probabilities, (batch,
            time, vocabulary) or (batch, vocabulary). Of several inputs the last one is
            the text.
        prompts: The tokens each row begins with; rows may differ in length.
        length: How many tokens to write at most.
        how: `Greedy`, `Sampling` or `Beam`; None draws by the model's chances.
        source: The model's other inputs, with a row for each prompt: a tensor or a list
            of them.
        end: The token that ends a row; it is the last one written.
        forbidden: Tokens that are never written.
        seed: Decides what is drawn; None draws a seed.
        window: How many tokens the model sees at most; None asks the model.
        cache: As in `Steps`.
        from_logits: As in `Steps`.

    Returns:
        The written tokens of each row, without the prompt.

    Raises:
        ConfigError: A ``length`` below 1, another ``how``, or what `Steps` refuses.
        DataError: A row without tokens, or outputs that are no chances.

    Example:
        >>> import mica
        >>> text = mica.Input((None,), dtype="int64")
        >>> model = mica.Model(text, mica.layers.Embedding(5, 5)(text))
        >>> one = write_tokens(model, [[1], [1, 2]], 4, seed=3)
        >>> one == write_tokens(model, [[1], [1, 2]], 4, seed=3), len(one[1])
        (True, 4)
    """
    how = _check_choice(Sampling() if how is None else how)
    length, rows = _check_length(length), _as_rows(prompts)
    seed = draw_seed() if seed is None else seed
    forbidden = tuple(forbidden)
    written: list[list[int]] = [[] for _ in rows]
    for size in sorted({len(row) for row in rows}):
        places = [place for place, row in enumerate(rows) if len(row) == size]
        begun = torch.tensor([rows[place] for place in places])
        steps = Steps(
            model,
            _rows_of(source, places),
            window=window,
            cache=cache,
            from_logits=from_logits,
        )
        if isinstance(how, Beam):
            found, _ = search_beams(
                steps, begun, length, how, end=end, forbidden=forbidden
            )
        else:
            generators = [fork_generator(seed, STREAM, place) for place in places]
            drawn = _draw_rows(
                steps, begun, length, how, generators, end=end, forbidden=forbidden
            )
            found = [_up_to(row, end) for row in torch.stack(list(drawn), 1).tolist()]
        for place, tokens in zip(places, found, strict=True):
            written[place] = tokens
    return written


def _read_prompt(tokenizer: Tokenizer, prompt: str) -> list[int]:
    """A text's tokens, with the mark before it and without the one behind it."""
    tokens = tokenizer.encode(prompt)
    if tokenizer.end is not None and tokens:
        tokens = tokens[:-1]
    if not tokens:
        raise DataError(
            "generate: expected a text to begin with, got an empty one. Give some "
            "words, or make the tokenizer with a mark for the start."
        )
    return tokens


def _marks(tokenizer: Tokenizer) -> dict[str, Any]:
    """The end of a text, and the marks that are no part of any."""
    marks = (tokenizer.padding, tokenizer.unknown, tokenizer.start)
    forbidden = [tokenizer.number(mark) for mark in marks if mark is not None]
    end = None if tokenizer.end is None else tokenizer.number(tokenizer.end)
    return {"end": end, "forbidden": forbidden}


# A text is a sequence of texts too; it is looked at first.
@overload
def write(  # type: ignore[overload-overlap]
    model: nn.Module,
    prompt: str,
    tokenizer: Tokenizer,
    length: int = 100,
    *,
    how: Choice | None = None,
    **options: Any,
) -> str: ...
@overload
def write(
    model: nn.Module,
    prompt: Sequence[str],
    tokenizer: Tokenizer,
    length: int = 100,
    *,
    how: Choice | None = None,
    **options: Any,
) -> list[str]: ...
def write(
    model: nn.Module,
    prompt: str | Sequence[str],
    tokenizer: Tokenizer,
    length: int = 100,
    *,
    how: Choice | None = None,
    **options: Any,
) -> str | list[str]:
    """Continue a text, or several.

    It ends at the tokenizer's mark for the end, if there is one. The marks for padding,
    the unknown and the start are never written.

    Args:
        model: As in `write_tokens`; its token numbers are the tokenizer's.
        prompt: The beginning; several are continued together.
        tokenizer: The tokenizer the model was trained with.
        length: How many tokens to write at most.
        how: `Greedy`, `Sampling` or `Beam`; None draws by the model's chances.
        **options: ``source``, ``seed``, ``window``, ``cache`` and ``from_logits`` of
            `write_tokens`.

    Returns:
        What was written, without the prompt; a list for several prompts.

    Raises:
        ConfigError: A ``length`` below 1, another ``how``, or what `Steps` refuses.
        DataError: A prompt without tokens, or outputs that are no chances.

    Example:
        >>> import mica
        >>> from mica.data.text import CharacterTokenizer
        >>> letters = CharacterTokenizer().fit("hello")
        >>> text = mica.Input((None,), dtype="int64")
        >>> model = mica.Model(text, mica.layers.Embedding(len(letters), 6)(text))
        >>> len(write(model, "he", letters, 5, seed=0))
        5
    """
    several = [prompt] if isinstance(prompt, str) else list(prompt)
    rows = [_read_prompt(tokenizer, each) for each in several]
    found = write_tokens(model, rows, length, how=how, **_marks(tokenizer), **options)
    texts = [
        _continuation(tokenizer, row, new) for row, new in zip(rows, found, strict=True)
    ]
    return texts[0] if isinstance(prompt, str) else texts


def _continuation(tokenizer: Tokenizer, begun: list[int], new: list[int]) -> str:
    """What the new tokens add to the text: a blank before a word belongs to it."""
    return tokenizer.decode([*begun, *new])[len(tokenizer.decode(begun)) :]


def stream(
    model: nn.Module,
    prompt: str,
    tokenizer: Tokenizer,
    length: int = 100,
    *,
    how: Greedy | Sampling | None = None,
    source: Any = None,
    seed: int | None = None,
    **options: Any,
) -> Iterator[str]:
    """Continue a text piece by piece, as soon as each is there.

    The pieces together are what `write` gives for the same seed.

    Args:
        model: As in `write`.
        prompt: The beginning.
        tokenizer: The tokenizer the model was trained with.
        length: How many tokens to write at most.
        how: `Greedy` or `Sampling`; None draws by the model's chances.
        source: The model's other inputs, of one row.
        seed: Decides what is drawn; None draws a seed.
        **options: ``window``, ``cache`` and ``from_logits`` of `Steps`.

    Returns:
        An iterator of pieces of text; half a character waits for the rest of it.

    Raises:
        ConfigError: A ``length`` below 1, a beam, or what `Steps` refuses.
        DataError: A prompt without tokens, or outputs that are no chances.

    Example:
        >>> import mica
        >>> from mica.data.text import CharacterTokenizer
        >>> letters = CharacterTokenizer().fit("hello")
        >>> text = mica.Input((None,), dtype="int64")
        >>> model = mica.Model(text, mica.layers.Embedding(len(letters), 6)(text))
        >>> pieces = list(stream(model, "he", letters, 5, seed=0))
        >>> "".join(pieces) == write(model, "he", letters, 5, seed=0)
        True
    """
    chosen = _check_choice(Sampling() if how is None else how)
    if isinstance(chosen, Beam):
        raise ConfigError(
            "stream: expected Greedy() or Sampling(), got a beam, whose text is known "
            "at its end only. Use write."
        )
    begun, length = _read_prompt(tokenizer, prompt), _check_length(length)
    seed = draw_seed() if seed is None else seed
    steps = Steps(model, source, **options)
    drawn = _draw_rows(
        steps,
        torch.tensor([begun]),
        length,
        chosen,
        [fork_generator(seed, STREAM, 0)],
        **_marks(tokenizer),
    )
    return _pieces(drawn, tokenizer, begun)


def _pieces(
    drawn: Iterable[Tensor], tokenizer: Tokenizer, begun: list[int]
) -> Iterator[str]:
    tokens, shown = list(begun), len(tokenizer.decode(begun))
    text = ""
    for token in drawn:
        tokens.append(int(token))
        text = tokenizer.decode(tokens)
        if len(text) > shown and not text.endswith(UNFINISHED):
            yield text[shown:]
            shown = len(text)
    if len(text) > shown:
        yield text[shown:]


def show(
    model: nn.Module,
    prompt: str,
    tokenizer: Tokenizer,
    length: int = 100,
    *,
    how: Greedy | Sampling | None = None,
    file: TextIO | None = None,
    **options: Any,
) -> str:
    """Continue a text and print it as it comes.

    Args:
        model: As in `write`.
        prompt: The beginning; it is printed first.
        tokenizer: The tokenizer the model was trained with.
        length: How many tokens to write at most.
        how: `Greedy` or `Sampling`; None draws by the model's chances.
        file: Where to print; None is the terminal.
        **options: As in `stream`.

    Returns:
        What was written, without the prompt.

    Raises:
        ConfigError: A ``length`` below 1, a beam, or what `Steps` refuses.
        DataError: A prompt without tokens, or outputs that are no chances.

    Example:
        >>> import mica
        >>> from mica.data.text import CharacterTokenizer
        >>> letters = CharacterTokenizer().fit("aaaa")
        >>> text = mica.Input((None,), dtype="int64")
        >>> model = mica.Model(text, mica.layers.Embedding(len(letters), 3)(text))
        >>> written = show(model, "a", letters, 3)
        aaaa
    """
    pieces = stream(model, prompt, tokenizer, length, how=how, **options)
    screen = sys.stdout if file is None else file
    screen.write(prompt)
    written = []
    for piece in pieces:
        screen.write(piece)
        screen.flush()
        written.append(piece)
    screen.write("\n")
    return "".join(written)
