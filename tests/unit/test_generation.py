"""Generation: what it says to bad input, and what it does at the edges."""

import io
import re

import pytest
import torch

import mica
from mica import generate, layers
from mica.data.text import BytePairTokenizer, CharacterTokenizer, WordTokenizer
from mica.errors import ConfigError, DataError
from mica.generate import Beam, Greedy, Sampling, Steps
from mica.generate.splitting import split_model
from mica.generate.stepwise import find_obstacle
from mica.nested import flatten
from tests.tolerances import assert_close

LETTERS = CharacterTokenizer().fit("hello")
MARKED = WordTokenizer(start="[START]", end="[END]").fit(["to be or not to be"])
BEGUN = torch.tensor([[1, 2]])


def table(size: int = 6) -> mica.Model:
    """A model that knows only the last token."""
    tokens = mica.Input((None,), dtype="int64")
    return mica.Model(tokens, layers.Embedding(size, size)(tokens))


def counting(size: int = 6) -> mica.Model:
    """After each token the next number is nearly certain."""
    model = table(size)
    with torch.no_grad():
        model.layers[0].weight.copy_(20 * torch.eye(size).roll(1, dims=1))
    return model


def translator() -> mica.Model:
    return generate.lstm_translator(len(MARKED), len(MARKED), width=4, embedding_dim=4)


class Whole(mica.Model):
    """A forward of one's own, that the cache knows nothing about."""

    def __init__(self):
        super().__init__()
        self.embedding = layers.Embedding(6, 4)
        self.dense = layers.Dense(6)

    def forward(self, x):
        return self.dense(self.embedding(x).mean(1))


REFUSALS = {
    "a temperature below zero": (
        lambda: Sampling(-1.0),
        ConfigError,
        "Sampling: expected a temperature from 0 up, got -1.0. 1 leaves the chances as "
        "they are.",
    ),
    "a temperature in quotes": (
        lambda: Sampling("1"),
        ConfigError,
        "Sampling: expected temperature to be a number, got '1'. Write it without "
        "quotes.",
    ),
    "no top token": (
        lambda: Sampling(top_k=0),
        ConfigError,
        "Sampling: expected top_k of at least 1, got 0. None draws among all tokens.",
    ),
    "half a top token": (
        lambda: Sampling(top_k=1.5),
        ConfigError,
        "Sampling: expected top_k to be a whole number, got 1.5. Write it without "
        "quotes.",
    ),
    "an empty nucleus": (
        lambda: Sampling(top_p=0.0),
        ConfigError,
        "Sampling: expected top_p above 0 and at most 1, got 0.0. 0.9 is a common "
        "choice.",
    ),
    "a beam of nothing": (
        lambda: Beam(0),
        ConfigError,
        "Beam: expected a width of at least 1, got 0. 1 is Greedy, 4 is a common "
        "choice.",
    ),
    "a reward for length": (
        lambda: Beam(2, length_penalty=-1),
        ConfigError,
        "Beam: expected a length_penalty from 0 up, got -1. 1 compares the means of "
        "log p.",
    ),
    "an end that is no token": (
        lambda: generate.write_tokens(table(), [[1]], 3, how=Beam(2), end=6),
        ConfigError,
        "Beam: expected an end from 0 to 5, got 6. It is the number of the token that "
        "ends a text.",
    ),
    "a word for a way": (
        lambda: generate.write(table(), "he", LETTERS, how="greedy"),
        ConfigError,
        "generate: expected how to be Greedy(), Sampling() or Beam(), got 'greedy'. "
        "Write for example how=Sampling(temperature=0.8).",
    ),
    "a stream of a beam": (
        lambda: generate.stream(table(), "he", LETTERS, how=Beam(2)),
        ConfigError,
        "stream: expected Greedy() or Sampling(), got a beam, whose text is known at "
        "its end only. Use write.",
    ),
    "nothing to write": (
        lambda: generate.write(table(), "he", LETTERS, 0),
        ConfigError,
        "generate: expected a length of at least 1 token, got 0. It is the number of "
        "tokens to write at most.",
    ),
    "an empty prompt": (
        lambda: generate.write(table(), "", LETTERS),
        DataError,
        "generate: expected a text to begin with, got an empty one. Give some words, "
        "or make the tokenizer with a mark for the start.",
    ),
    "an empty row": (
        lambda: generate.write_tokens(table(), [[1], []]),
        DataError,
        "generate: expected rows of token numbers to begin with, at least one in each, "
        "got [[1], []]. Write for example [[1, 5], [1]].",
    ),
    "a row alone": (
        lambda: generate.write_tokens(table(), [1, 2]),
        DataError,
        "generate: expected rows of token numbers to begin with, at least one in each, "
        "got [1, 2]. Write for example [[1, 5], [1]].",
    ),
    "a window of nothing": (
        lambda: Steps(table(), window=0),
        ConfigError,
        "generate: expected a window of at least 1 token, got 0. None asks the model.",
    ),
    "a source for a model without": (
        lambda: Steps(table(), BEGUN),
        ConfigError,
        "generate: expected a source for each of 0 inputs before the text, got 1. Give "
        "source=[...].",
    ),
    "a translator without a source": (
        lambda: Steps(translator()),
        ConfigError,
        "generate: expected a source for each of 1 inputs before the text, got 0. Give "
        "source=[...].",
    ),
    "numbers that are not whole": (
        lambda: Steps(table()).begin(torch.ones(1, 2)),
        DataError,
        "generate: expected a text to begin with, (rows, time) of whole numbers, got "
        "torch.float32 of shape (1, 2). Give at least one token.",
    ),
    "a cache of a model of its own": (
        lambda: Steps(Whole(), cache=True).begin(BEGUN),
        ConfigError,
        "generate: expected a model that can go on from where it was, got Whole, whose "
        "forward is its own. Leave cache out.",
    ),
    "outputs of one axis": (
        lambda: generate.log_chances(torch.ones(3)),
        DataError,
        "generate: expected a model with one output, (batch, time, vocabulary) or "
        "(batch, vocabulary), got (3,). Let it give the chances of the next token.",
    ),
    "several outputs": (
        lambda: generate.log_chances([torch.ones(3)]),
        DataError,
        "generate: expected a model with one output, (batch, time, vocabulary) or "
        "(batch, vocabulary), got list. Let it give the chances of the next token.",
    ),
    "no numbers": (
        lambda: generate.log_chances(torch.full((1, 3), torch.nan)),
        DataError,
        "generate: expected numbers from the model, got NaN. Look at its weights, or "
        "at the training that made them.",
    ),
    "all is forbidden": (
        lambda: generate.write_tokens(table(3), [[1]], forbidden=range(3)),
        ConfigError,
        "generate: expected a token that is not forbidden and has a chance, got none "
        "among 3. Forbid fewer tokens.",
    ),
    "a target without marks": (
        lambda: generate.translate(translator(), ["to be"], MARKED, LETTERS),
        ConfigError,
        "translate: expected a target tokenizer with marks for start and end, got None "
        "and None. Make it with start='[START]', end='[END]'.",
    ),
    "a text of nothing": (
        lambda: generate.translate(translator(), ["hell", ""], LETTERS, MARKED),
        DataError,
        "translate: expected texts with tokens in them, got '' at place 1. Leave it "
        "out.",
    ),
    "a batch of nothing": (
        lambda: generate.translate(
            translator(), ["to be"], MARKED, MARKED, batch_size=0
        ),
        ConfigError,
        "translate: expected a batch_size of at least 1, got 0. 64 is a common choice.",
    ),
    "a width that heads cannot share": (
        lambda: generate.gpt(9, num_heads=4, width=10),
        ConfigError,
        "gpt: expected a width that 4 heads share evenly, got 10. Choose 12.",
    ),
    "a vocabulary of nothing": (
        lambda: generate.gpt(0),
        ConfigError,
        "gpt: expected vocabulary to be a positive integer, got 0. Write for "
        "example vocabulary=32.",
    ),
    "other positions": (
        lambda: generate.gpt(9, positions="sine"),
        ConfigError,
        "gpt: expected positions to be a known name, got 'sine'. Choose from: learned, "
        "rotary.",
    ),
    "a translator of odd heads": (
        lambda: generate.transformer_translator(9, 9, num_heads=3, width=8),
        ConfigError,
        "transformer_translator: expected a width that 3 heads share evenly, got 8. "
        "Choose 9.",
    ),
    "a translator of no words": (
        lambda: generate.lstm_translator(9, 0),
        ConfigError,
        "lstm_translator: expected target_vocabulary to be a positive integer, got 0. "
        "Write for example target_vocabulary=32.",
    ),
    "a model without a graph": (
        lambda: split_model(Whole()),
        ConfigError,
        "generate: expected a model made from inputs and outputs, got Whole. Write "
        "mica.Model([source, text], outputs).",
    ),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_what_cannot_be_is_refused_with_its_sentence(name):
    call, kind, sentence = REFUSALS[name]
    with pytest.raises(kind, match=f"^{re.escape(sentence)}$"):
        call()


def test_a_model_whose_text_does_not_matter_is_refused():
    source, text = mica.Input((3,)), mica.Input((3,), name="text")
    model = mica.Model([source, text], [2 * source, text])
    sentence = (
        "generate: expected outputs that depend on the last input, the text, got "
        "others. Write mica.Model([source, text], outputs)."
    )
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence)}$"):
        split_model(model)


def over(layer, **options) -> mica.Model:
    """A layer on the steps of a text."""
    tokens = mica.Input((None,), dtype="int64")
    return mica.Model(tokens, layer(layers.Embedding(6, 4)(tokens), **options))


def with_state(layer) -> mica.Model:
    tokens = mica.Input((None,), dtype="int64")
    steps, state = layer(layers.Embedding(6, 4)(tokens))
    return mica.Model(tokens, steps + state.unsqueeze(1))


LSTM, GRU = layers.LSTM, layers.GRU
OBSTACLES = {
    "a convolution": lambda: over(layers.Conv1D(6, 2, name="look")),
    "both ways": lambda: over(layers.Bidirectional(LSTM(3), name="look")),
    "backwards": lambda: over(GRU(3, go_backwards=True, name="look")),
    "a state of its own": lambda: over(GRU(3, stateful=True, name="look")),
    "a pooling": lambda: over(layers.GlobalAveragePooling1D(name="look")),
    "an encoder": lambda: over(layers.TransformerEncoder(4, 2, name="look")),
    "attention to all": lambda: over(layers.MultiHeadAttention(2, 2, name="look")),
    "a norm over groups": lambda: over(layers.GroupNormalization(2, name="look")),
    "a start": lambda: over(layers.PositionEmbedding(9, name="look"), start_index=2),
    "the last state": lambda: with_state(
        GRU(4, return_sequences=True, return_state=True, name="look")
    ),
    "a model inside": lambda: over(
        mica.Sequential(mica.Input((None, 4)), layers.Conv1D(6, 2, name="look"))
    ),
}


@pytest.mark.parametrize("name", OBSTACLES)
def test_what_looks_at_several_steps_is_named(name):
    obstacle = find_obstacle(OBSTACLES[name]())
    assert obstacle is not None
    assert obstacle.startswith("look (")
    assert obstacle.endswith("), which looks at several steps")


def test_functions_that_move_steps_are_named():
    tokens = mica.Input((None,), dtype="int64")
    steps = layers.Embedding(6, 4)(tokens)
    for outputs, name in (
        (steps.flip(1), "flip"),
        (steps[:, -1], "getitem"),
        (steps + torch.ones(1, 4), "add"),
        (steps.cumsum(1), "cumsum"),
    ):
        found = find_obstacle(mica.Model(tokens, outputs))
        assert found == f"{name}, which may look at several steps"


def test_a_model_that_must_see_the_whole_text_writes_too():
    for model in (Whole(), over(layers.Conv1D(6, 2, padding="same"))):
        written = generate.write_tokens(model, [[1, 2]], 5, how=Greedy())
        tokens = [1, 2]
        for _ in range(5):
            outputs = model(torch.tensor([tokens]))
            last = outputs[:, -1] if outputs.ndim == 3 else outputs
            tokens.append(int(last.argmax()))
        assert written == [tokens[2:]]


def test_a_window_moves_when_it_is_full():
    model = over(layers.GlobalAveragePooling1D())
    moving = Steps(model, window=2, from_logits=True)
    moving.begin(torch.tensor([[5, 1]]))
    whole = Steps(model, from_logits=True)
    assert_close(moving.advance(torch.tensor([3])), whole.begin(torch.tensor([[1, 3]])))


def test_the_fixed_length_of_an_input_is_a_window():
    tokens = mica.Input((4,), dtype="int64")
    x = layers.Flatten()(layers.Embedding(6, 2)(tokens))
    model = mica.Model(tokens, layers.Dense(6)(x))
    assert Steps(model).window == 4
    assert len(generate.write_tokens(model, [[1, 2, 3, 4]], 3)[0]) == 3


def test_a_text_ends_at_its_end():
    for how in (Greedy(), Sampling(), Beam(3)):
        found = generate.write_tokens(counting(), [[1], [3]], 9, how=how, end=4, seed=0)
        assert found == [[2, 3, 4], [4]]


def test_forbidden_tokens_are_never_written():
    for how in (Greedy(), Sampling(), Beam(3)):
        found = generate.write_tokens(
            counting(), [[1]], 5, how=how, forbidden=[2, 99], seed=0
        )
        assert len(found[0]) == 5
        assert 2 not in found[0]


def test_marks_are_never_written_and_the_end_ends():
    model = table(len(MARKED))
    texts = generate.write(model, ["to be", "or"], MARKED, 60, seed=3)
    assert len(texts) == 2
    assert all("[" not in text for text in texts)
    assert min(len(text.split()) for text in texts) < 60


def test_a_word_that_is_written_brings_its_blank():
    written = generate.write(counting(len(MARKED)), "to", MARKED, 2, how=Greedy())
    assert written == " be or"


def test_a_text_is_shown_as_it_comes():
    screen = io.StringIO()
    letters = CharacterTokenizer().fit("aaaa")
    written = generate.show(table(3), "a", letters, 4, file=screen)
    assert written == "aaaa"
    assert screen.getvalue() == "aaaaa\n"


def test_half_a_character_waits_for_its_other_half():
    tokenizer = BytePairTokenizer(261).fit(["abab"])
    tokens = tokenizer.encode("ю")
    size = len(tokenizer)
    model = table(size)
    first = tokenizer.encode("a")[0]
    with torch.no_grad():
        for one, two in zip([first, *tokens], [*tokens, first], strict=False):
            model.layers[0].weight[one] = -9.0
            model.layers[0].weight[one, two] = 9.0
    pieces = list(generate.stream(model, "a", tokenizer, 3, how=Greedy()))
    assert pieces == ["ю", "a"]


def test_translations_keep_the_order_of_the_texts():
    model = translator()
    texts = ["to be or not to be", "be", "not to be", "or be"]
    together = generate.translate(model, texts, MARKED, MARKED, 6, batch_size=2)
    alone = [generate.translate(model, [each], MARKED, MARKED, 6)[0] for each in texts]
    assert together == alone


def test_a_tied_matrix_is_one_matrix_after_loading(tmp_path):
    for make in (
        lambda: generate.gpt(9, depth=1, num_heads=2, width=8, window=5),
        lambda: generate.transformer_translator(9, 9, depth=1, num_heads=2, width=8),
    ):
        model = make()
        model.compile("sgd", "mse")
        again = mica.load(model.save(tmp_path / "model.mica"))
        given = [torch.tensor([[1, 2]])] * len(model.graph.inputs)
        assert torch.equal(model.eval()(*given), again.eval()(*given))
        count = sum(weight.numel() for weight in again.parameters())
        assert count == sum(weight.numel() for weight in model.parameters())


def test_more_beams_than_texts_do_no_harm():
    steps = Steps(table(3))
    tokens, scores = generate.search_beams(steps, torch.tensor([[1]]), 1, Beam(9))
    assert tokens == [[int(steps_argmax(steps))]]
    assert scores[0] < 0


def steps_argmax(steps: Steps) -> torch.Tensor:
    return Steps(steps.model).begin(torch.tensor([[1]])).argmax()


def test_a_beam_prefers_long_texts_when_length_is_not_punished():
    model = table(4)
    with torch.no_grad():
        model.layers[0].weight.fill_(-30.0)
        model.layers[0].weight[1] = torch.tensor([-30.0, -30.0, 0.4, 0.0])
        model.layers[0].weight[3] = torch.tensor([-30.0, -30.0, 0.0, 2.0])
    short, long = (
        generate.write_tokens(
            model, [[1]], 8, how=Beam(4, length_penalty=penalty), end=2
        )[0]
        for penalty in (0.0, 1.0)
    )
    assert short == [2]
    assert len(long) > len(short)


def test_outputs_of_a_translation_are_those_of_its_parts():
    model = translator()
    source, text = torch.tensor([[4, 5, 0]]), torch.tensor([[2, 4]])
    reader, writer = split_model(model)
    assert reader is not None
    parts = writer(*reader([source]), text)
    assert_close(flatten(parts)[0], model(source, text))


def test_logits_that_look_like_probabilities_are_logits():
    tokens = mica.Input((None,), dtype="int64")
    dense = layers.Dense(2, kernel_initializer="zeros")
    model = mica.Model(tokens, dense(layers.Embedding(3, 2)(tokens)))
    with torch.no_grad():
        dense.bias.copy_(torch.tensor([0.4, 0.6]))
    said = Steps(model).begin(BEGUN)
    wanted = torch.tensor([[0.4, 0.6]]).double().log_softmax(-1)
    assert_close(said.float(), wanted.float())


def test_what_a_model_gives_is_asked_once():
    """Its logits look like probabilities after 2, not after 1."""
    model = table(3)
    with torch.no_grad():
        model.layers[0].weight[1] = torch.tensor([3.0, 1.0, 0.0])
        model.layers[0].weight[2] = torch.tensor([0.5, 0.25, 0.25])
    steps = Steps(model)
    steps.begin(torch.tensor([[1]]))
    wanted = torch.tensor([[0.5, 0.25, 0.25]]).double().log_softmax(-1)
    assert_close(steps.advance(torch.tensor([2])), wanted)
