"""Generation: caches change nothing, ways of choosing agree where they must."""

import itertools
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as some
from scipy import stats
from torch.nn import functional

import mica
from mica import generate, layers
from mica.data.text import BytePairTokenizer, CharacterTokenizer, WordTokenizer
from mica.generate import Beam, Greedy, Sampling, Steps
from tests.tolerances import assert_close

VOCABULARY = 7
LENGTH = 6
few = settings(max_examples=8)
seeds = some.integers(0, 10**6)
rows_of_logs = some.lists(
    some.floats(-8, 8).filter(lambda x: abs(x) > 1e-3), min_size=2, max_size=9
).map(lambda row: torch.tensor([row], dtype=torch.float64).log_softmax(-1))


def text() -> layers.SymbolicTensor:
    return mica.Input((None,), dtype="int64", name="text")


def embedded(tokens: layers.SymbolicTensor, **options) -> layers.SymbolicTensor:
    return layers.Embedding(
        VOCABULARY, 8, embeddings_initializer="random_normal", **options
    )(tokens)


def recurrent(kind: type[layers.RNN], **options) -> mica.Model:
    tokens = text()
    steps = kind(6, return_sequences=True)(embedded(tokens, **options))
    steps = kind(6)(steps)
    return mica.Model(tokens, layers.Dense(VOCABULARY, activation="softmax")(steps))


def attentive(kind: str) -> mica.Model:
    tokens = text()
    x = layers.SinusoidalPositionEncoding()(embedded(tokens))
    turning = layers.RotaryEmbedding()
    if kind == "grouped":
        attention = layers.GroupedQueryAttention(4, 4, 2, rotary=turning)
    else:
        attention = layers.MultiHeadAttention(2, 4, sliding_window=3, use_gate=True)
    x = x + attention(x, use_causal_mask=True)
    return mica.Model(tokens, layers.Dense(VOCABULARY)(layers.LayerNormalization()(x)))


def gru_stack() -> mica.Model:
    """One layer is called twice: each call has a state of its own."""
    tokens = text()
    shared = layers.GRU(8, return_sequences=True)
    x = shared(embedded(tokens))
    x = shared(functional.relu(x) + 0.5 * x)
    return mica.Model(tokens, layers.Dense(VOCABULARY)(x))


def nested() -> mica.Model:
    tokens = text()
    inner = mica.Sequential(
        mica.Input((None, 8)), layers.Dense(8), layers.LSTM(8, return_sequences=True)
    )
    return mica.Model(tokens, layers.Dense(VOCABULARY)(inner(embedded(tokens))))


MODELS = {
    "gpt": lambda: generate.gpt(VOCABULARY, depth=2, num_heads=2, width=8, window=20),
    "gpt of rotary positions": lambda: generate.gpt(
        VOCABULARY, depth=2, num_heads=2, width=8, positions="rotary", tied=False
    ),
    "gpt of a short window": lambda: generate.gpt(
        VOCABULARY, depth=1, num_heads=2, width=8, window=4
    ),
    "LSTM": lambda: recurrent(layers.LSTM),
    "GRU": lambda: recurrent(layers.GRU),
    "SimpleRNN": lambda: recurrent(layers.SimpleRNN),
    "LSTM of masked tokens": lambda: recurrent(layers.LSTM, mask_zero=True),
    "grouped attention": lambda: attentive("grouped"),
    "gated attention in a window": lambda: attentive("multi-head"),
    "a layer called twice": gru_stack,
    "a model inside": nested,
}
TRANSLATORS = {
    "LSTM": lambda: generate.lstm_translator(
        VOCABULARY, VOCABULARY, width=6, embedding_dim=8
    ),
    "Transformer": lambda: generate.transformer_translator(
        VOCABULARY, VOCABULARY, num_heads=2, width=8
    ),
}


def moved(model: mica.Model, seed: int) -> mica.Model:
    """In float64, with weights that say something."""
    model.double()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in model.parameters():
            weight += 0.4 * torch.randn(
                weight.shape, generator=generator, dtype=torch.float64
            )
    return model


def chances_along(model: mica.Model, source, *, cache: bool | None) -> torch.Tensor:
    """What is said at each step of one and the same text."""
    whole = torch.tensor([[3, 1, 4, 1, 5, 2, 6], [2, 6, 5, 3, 5, 1, 4]])
    steps = Steps(model, source, cache=cache)
    said = [steps.begin(whole[:, :2])]
    for place in range(2, whole.shape[1]):
        if place == 4:  # a beam search exchanges rows on the way
            steps.reorder(torch.tensor([1, 0]))
            whole = whole.flip(0)
        said.append(steps.advance(whole[:, place]))
    assert steps.keeps == (cache is not False and steps.window != 4)
    return torch.stack(said)


@pytest.mark.parametrize("name", MODELS)
def test_what_is_kept_changes_no_chance(name):
    with mica.engine.precision_scope("float64"):
        model = moved(MODELS[name](), 1)
        assert_close(
            chances_along(model, None, cache=None).exp(),
            chances_along(model, None, cache=False).exp(),
        )


@pytest.mark.parametrize("name", TRANSLATORS)
def test_what_is_kept_changes_no_chance_of_a_translation(name):
    with mica.engine.precision_scope("float64"):
        model = moved(TRANSLATORS[name](), 2)
        source = torch.tensor([[2, 3, 4, 0], [5, 6, 1, 2]])
        kept = chances_along_of_source(model, source, cache=True)
        assert_close(kept, chances_along_of_source(model, source, cache=False))
        begun = torch.tensor([[3, 1], [2, 6]])
        whole = functional.log_softmax(model.eval()(source, begun)[:, -1], -1)
        assert_close(kept[:2], whole)


def chances_along_of_source(model, source, *, cache: bool) -> torch.Tensor:
    steps = Steps(model, source, cache=cache)
    said = [steps.begin(torch.tensor([[3, 1], [2, 6]]))]
    steps.reorder(torch.tensor([1, 1, 0]))
    for token in ([4, 1, 2], [5, 5, 6], [1, 2, 3]):
        said.append(steps.advance(torch.tensor(token)))
    return torch.cat(said)


def test_padding_of_a_source_changes_nothing():
    with mica.engine.precision_scope("float64"):
        for make in TRANSLATORS.values():
            model = moved(make(), 3)
            row = torch.tensor([[5, 2, 3]])
            longer = functional.pad(row, (0, 4))
            begun = torch.tensor([[1, 4]])
            assert_close(
                Steps(model, longer).begin(begun), Steps(model, row).begin(begun)
            )


def test_layers_are_afterwards_what_they_were():
    model = moved(recurrent(layers.LSTM), 4)
    with mica.engine.precision_scope("float64"):
        model.train()
        words = torch.tensor([[1, 2, 3]])
        before = model(words)
        generate.write_tokens(model, [[1]], 3, how=Greedy())
        assert model.training
        assert torch.equal(model(words), before)
        parts = [part for part in model.modules() if isinstance(part, layers.Layer)]
        assert not any(part._forward_pre_hooks for part in parts)
        assert not any(getattr(part, "return_state", False) for part in parts)


@few
@given(seeds)
def test_a_beam_of_width_one_is_greedy(seed):
    with mica.engine.precision_scope("float64"):
        model = moved(recurrent(layers.GRU), seed)
        for end in (None, 2):
            greedy, beam = (
                generate.write_tokens(model, [[1], [3, 2], [4]], 5, how=how, end=end)
                for how in (Greedy(), Beam(1))
            )
            assert greedy == beam


@settings(max_examples=4)
@given(seeds, some.sampled_from([0.0, 0.7, 1.0]))
def test_a_beam_as_wide_as_there_are_texts_finds_the_best_of_all(seed, penalty):
    with mica.engine.precision_scope("float64"):
        model = moved(generate.gpt(4, depth=1, num_heads=2, width=8, window=9), seed)
        end, length = 2, 4
        beam = Beam(4**length, length_penalty=penalty)
        (found,), (score,) = generate.search_beams(
            Steps(model), torch.tensor([[1]]), length, beam, end=end
        )
        best = max(
            (scored(model, list(text), penalty), text)
            for text in every_text(4, length, end)
        )
        assert tuple(found) == best[1]
        assert_close(score, best[0])


def every_text(vocabulary: int, length: int, end: int) -> set[tuple[int, ...]]:
    """All texts that end at their end, or at the last step."""
    texts = set()
    for text_ in itertools.product(range(vocabulary), repeat=length):
        size = text_.index(end) + 1 if end in text_ else length
        texts.add(text_[:size])
    return texts


def scored(model: mica.Model, tokens: list[int], penalty: float) -> float:
    logs = model.eval()(torch.tensor([[1, *tokens]]))[0].log_softmax(-1)
    total = sum(logs[place, token].item() for place, token in enumerate(tokens))
    return total / len(tokens) ** penalty


@given(rows_of_logs)
def test_the_top_one_and_no_temperature_are_greedy(logs):
    first = logs.argmax(-1)
    generators = [torch.Generator().manual_seed(5)]
    for how in (Sampling(top_k=1), Sampling(temperature=0), Sampling(top_p=1e-9)):
        assert how.choose(logs, generators).equal(first)
        assert_close(how.chances(logs).exp(), functional.one_hot(first, logs.shape[1]))


@given(rows_of_logs)
def test_a_temperature_near_zero_comes_to_greedy_and_a_high_one_to_equal_chances(logs):
    ordered = logs.sort(descending=True).values
    if ordered[0, 0] - ordered[0, 1] > 1e-3:
        cold = generate.warm(logs, 1e-6).exp()
        assert_close(cold, functional.one_hot(logs.argmax(-1), logs.shape[1]))
    hot = generate.warm(logs, 1e12).exp()
    assert_close(hot, torch.full_like(hot, 1 / hot.shape[1]))


@given(rows_of_logs, some.floats(0.01, 1.0))
def test_a_nucleus_is_the_smallest_set_that_reaches_its_share(logs, share):
    chances = logs.exp().squeeze(0)
    kept = generate.keep_nucleus(logs, share).exp().squeeze(0) > 0
    inside = chances[kept].sum().item()
    smaller = sorted(chances[kept].tolist(), reverse=True)[:-1]
    slack = 1e-9  # of sums in another order
    assert inside >= share - slack
    assert math.fsum(smaller) < share + slack
    if (~kept).any():
        assert chances[kept].min() >= chances[~kept].max()


@given(rows_of_logs, some.integers(1, 12))
def test_so_many_are_kept_and_their_chances_keep_their_proportions(logs, count):
    kept = generate.keep_top(logs, count).exp().squeeze(0)
    assert int((kept > 0).sum()) == min(count, logs.shape[1])
    assert_close(kept.sum(), torch.tensor(1.0, dtype=torch.float64))
    chances = logs.exp().squeeze(0)[kept > 0]
    assert_close(kept[kept > 0], chances / chances.sum())


@pytest.mark.parametrize(
    "how",
    [Sampling(), Sampling(0.6), Sampling(1.5, top_k=3), Sampling(top_p=0.8)],
    ids=str,
)
def test_tokens_come_as_often_as_their_chances_say(how):
    count = 4000
    tokens = text()
    model = mica.Model(tokens, layers.Embedding(6, 6)(tokens))
    with torch.no_grad():
        model.layers[0].weight.copy_(torch.linspace(-1, 2, 36).reshape(6, 6).sin() * 2)
    written = generate.write_tokens(model, [[1]] * count, 1, how=how, seed=8)
    seen = torch.tensor(written).flatten().bincount(minlength=6)
    expected = how.chances(Steps(model).begin(torch.tensor([[1]]))).exp().squeeze(0)
    possible = expected > 0
    assert not seen[~possible].any()
    test = stats.chisquare(seen[possible], expected[possible] * count)
    assert test.pvalue > 0.01


def test_a_seed_gives_the_same_text_and_another_seed_another():
    model = moved(recurrent(layers.GRU), 6)
    with mica.engine.precision_scope("float64"):
        one, again, other = (
            generate.write_tokens(model, [[1], [2, 3]], 20, seed=seed)
            for seed in (1, 1, 2)
        )
    assert one == again != other


def test_a_row_is_continued_alike_alone_and_among_others():
    model = moved(recurrent(layers.GRU), 7)
    with mica.engine.precision_scope("float64"):
        alone = generate.write_tokens(model, [[1]], 20, seed=1)
        among = generate.write_tokens(model, [[1], [2, 3], [1, 2]], 20, seed=1)
    assert alone[0] == among[0]
    assert among[1] != among[2]


TOKENIZERS = {
    "characters": CharacterTokenizer(end="[END]"),
    "words": WordTokenizer(start="[START]", end="[END]"),
    "pieces": BytePairTokenizer(300),
}
BOOK = ["the cat sat on the mat", "кошка 😺 сидела на окне", "שלום עולם"]


@pytest.mark.parametrize("name", TOKENIZERS)
def test_the_pieces_of_a_stream_are_the_text_that_is_written(name):
    tokenizer = TOKENIZERS[name].fit(BOOK)
    tokens = text()
    model = mica.Model(tokens, layers.Embedding(len(tokenizer), len(tokenizer))(tokens))
    for prompt, seed in itertools.product(("the cat", "кошка"), range(5)):
        pieces = list(generate.stream(model, prompt, tokenizer, 40, seed=seed))
        written = generate.write(model, prompt, tokenizer, 40, seed=seed)
        assert "".join(pieces) == written
        assert all(pieces)


@few
@given(some.lists(some.floats(0.01, 1.0), min_size=2, max_size=8))
def test_probabilities_and_logits_are_told_apart(row):
    chances = torch.tensor([row], dtype=torch.float64)
    chances /= chances.sum()
    assert_close(generate.log_chances(chances).exp(), chances)
    logits = chances.log() + 3.0
    assert_close(generate.log_chances(logits).exp(), chances)
    assert_close(
        generate.log_chances(chances, from_logits=True), chances.log_softmax(-1)
    )
