"""Radial, Hopfield, Boltzmann, autoencoder, sum-product and word models, judged."""

import itertools

import numpy as np
import pytest
from scipy.special import expit, logsumexp
from sklearn.cluster import KMeans
from sklearn.datasets import load_digits, load_iris, make_circles, make_moons
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.linear_model import Ridge
from sklearn.preprocessing import StandardScaler

from mica.classic import (
    BoltzmannMachine,
    BoltzmannStack,
    HopfieldNetwork,
    LinearAutoencoder,
    LogisticRegression,
    RadialClassifier,
    RadialRegressor,
    SumProductNetwork,
    WordVectors,
)
from mica.reference import Tensor, functions, gradients
from tests.tolerances import assert_close

DIGITS, NUMBERS = load_digits(return_X_y=True)
BITS = (DIGITS > 7).astype(float)


# Radial basis functions.


def test_prototypes_are_k_means_and_the_second_layer_a_ridge_regression():
    x = load_iris().data
    y = np.sin(x).sum(1)
    model = RadialRegressor(10, weight_decay=0.1, random_state=0).fit(x, y)
    means = KMeans(10, n_init=1, random_state=0).fit(x).cluster_centers_
    assert_close(model.prototypes_, means)
    ridge = Ridge(alpha=0.1).fit(model.activations(x), y)
    assert_close(model.predict(x), ridge.predict(model.activations(x)))


def test_a_prototype_on_every_point_reproduces_the_targets():
    random = np.random.RandomState(0)
    x, y = random.uniform(-3, 3, (30, 2)), random.randn(30)
    model = RadialRegressor(30, width=0.5, weight_decay=1e-12, random_state=0).fit(x, y)
    assert_close(model.predict(x), y, "trajectory")


BENT = {
    "moons": make_moons(400, noise=0.1, random_state=0),
    "rings": make_circles(400, noise=0.1, factor=0.4, random_state=0),
}


@pytest.mark.parametrize("shape", BENT)
def test_a_radial_network_bends_where_a_line_cannot(shape):
    x, y = BENT[shape]
    radial = RadialClassifier(30, random_state=0).fit(x[::2], y[::2])
    line = LogisticRegression().fit(x[::2], y[::2])
    assert radial.score(x[1::2], y[1::2]) > 0.95
    assert radial.score(x[1::2], y[1::2]) > line.score(x[1::2], y[1::2]) + 0.05


def test_a_radial_network_reads_digits():
    model = RadialClassifier(200, random_state=0).fit(DIGITS[::2], NUMBERS[::2])
    assert model.score(DIGITS[1::2], NUMBERS[1::2]) > 0.95


# Hopfield networks.


def patterns(count, size=200, seed=0):
    return np.random.RandomState(seed).choice([-1.0, 1.0], (count, size))


def damaged(x, share, seed=1):
    flipped = np.random.RandomState(seed).uniform(size=x.shape) < share
    return np.where(flipped, -x, x)


def test_a_few_memories_are_recalled_from_damaged_ones():
    memories = patterns(8)
    network = HopfieldNetwork().fit(memories)
    assert (network.transform(damaged(memories, 0.15)) == memories).all()


def test_the_capacity_of_hebbs_rule_is_some_fourteen_percent():
    kept = {}
    for share in (0.1, 0.2):
        memories = patterns(int(share * 500), 500)
        kept[share] = (HopfieldNetwork().fit_transform(memories) == memories).mean()
    assert kept[0.1] > 0.99
    assert kept[0.2] < 0.9


def test_the_projection_rule_keeps_half_as_many_patterns_as_units():
    memories = patterns(100)
    network = HopfieldNetwork("projection").fit(memories)
    assert (network.transform(memories) == memories).all()
    hebb = HopfieldNetwork().fit(memories)
    assert (hebb.transform(memories) != memories).any()


@pytest.mark.parametrize("rule", ["hebb", "projection"])
@pytest.mark.parametrize("seed", range(5))
def test_recalling_never_raises_the_energy(rule, seed):
    memories, state = patterns(30, seed=seed), patterns(20, seed=100 + seed)
    one_sweep = HopfieldNetwork(rule, max_sweeps=1).fit(memories)
    energies = [one_sweep.energy(state)]
    for _ in range(10):
        state = one_sweep.transform(state)
        energies.append(one_sweep.energy(state))
    assert (np.diff(energies, axis=0) <= 1e-9).all()
    settled = HopfieldNetwork(rule).fit(memories).transform(state)
    assert (one_sweep.transform(settled) == settled).all()


def test_weights_and_energy_by_hand():
    network = HopfieldNetwork().fit([[1, -1, 1], [1, 1, 1]])
    assert_close(network.weights_, np.array([[0, 0, 2], [0, 0, 0], [2, 0, 0]]) / 3)
    assert_close(network.energy([[1, 1, 1], [1, 1, -1]]), [-2 / 3, 2 / 3])


def test_a_mirrored_memory_is_a_memory_too():
    memories = patterns(5)
    network = HopfieldNetwork().fit(memories)
    assert (network.transform(-memories) == -memories).all()


# Boltzmann machines.

ALL_SIX = np.array(list(itertools.product([0.0, 1.0], repeat=6)))
BARS = np.array([[1, 1, 1, 0, 0, 0], [0, 0, 0, 1, 1, 1]] * 100, float)


def exact_log_chances(machine):
    """The logarithm of P(v) for all 64 states of six visible units."""
    energy = machine.free_energy(ALL_SIX)
    return -energy - logsumexp(-energy)


def test_the_free_energy_sums_over_the_hidden_units():
    machine = BoltzmannMachine(3, epochs=3, random_state=0).fit(BARS)
    hidden = np.array(list(itertools.product([0.0, 1.0], repeat=3)))
    energy = (
        -(ALL_SIX @ machine.visible_bias_)[:, None]
        - hidden @ machine.hidden_bias_
        - ALL_SIX @ machine.weights_ @ hidden.T
    )
    assert_close(machine.free_energy(ALL_SIX), -logsumexp(-energy, axis=1))


def test_contrastive_divergence_makes_the_data_likely():
    seen = []
    for epochs in (1, 30, 300):
        machine = BoltzmannMachine(4, epochs=epochs, random_state=0).fit(BARS)
        chances = exact_log_chances(machine)
        places = [(bar == ALL_SIX).all(1).argmax() for bar in BARS[:2]]
        seen.append(np.exp(chances[places]).sum())
    # At first some 2 of 64 states; in the end nearly all of the probability.
    assert seen[0] < 0.1 < seen[1] < seen[2]
    assert seen[2] > 0.9


def test_one_step_of_contrastive_divergence_by_hand():
    settings = {"momentum": 0.0, "weight_decay": 0.1, "learning_rate": 0.5}
    machine = BoltzmannMachine(2, epochs=1, batch_size=4, random_state=7, **settings)
    x = np.array([[1.0, 0, 1], [0, 1, 1], [1, 1, 0], [1, 0, 0]])
    machine.fit(x)
    random = np.random.RandomState(7)
    weights, share = random.normal(0, 0.01, (3, 2)), x.mean(0)
    bias = np.log(share / (1 - share))
    data = x[random.permutation(4)]
    hidden = expit(data @ weights)
    on = random.uniform(size=(4, 2)) < hidden
    model = expit(on @ weights.T + bias)
    again = expit(model @ weights)
    slope = (data.T @ hidden - model.T @ again) / 4 - 0.1 * weights
    assert_close(machine.weights_, weights + 0.5 * slope)
    assert_close(machine.visible_bias_, bias + 0.5 * (data - model).mean(0))
    assert_close(machine.hidden_bias_, 0.5 * (hidden - again).mean(0))


def test_samples_follow_the_machines_own_distribution():
    machine = BoltzmannMachine(4, epochs=10, random_state=0).fit(BARS)
    drawn = machine.sample(20_000, num_steps=100, random_state=1)
    places = (drawn @ 2.0 ** np.arange(5, -1, -1)).astype(int)
    shares = np.bincount(places, minlength=64) / len(drawn)
    # Four standard errors of the least certain share, a half, of 20,000 draws.
    assert np.abs(shares - np.exp(exact_log_chances(machine))).max() < 0.0142


def test_a_machine_rebuilds_digits_and_mends_damaged_ones():
    settings = {"epochs": 40, "num_hidden": 100, "random_state": 0}
    machine = BoltzmannMachine(**settings).fit(BITS[:1500])
    rebuilt = machine.reconstruct(BITS[1500:])
    assert ((rebuilt > 0.5) == BITS[1500:]).mean() > 0.93
    noisy = np.abs(BITS[1500:] - (np.random.RandomState(0).rand(297, 64) < 0.1))
    mended = (machine.reconstruct(noisy) > 0.5) == BITS[1500:]
    assert mended.mean() > (noisy == BITS[1500:]).mean()


def test_the_features_of_a_stack_beat_the_pixels_when_labels_are_few():
    stack = BoltzmannStack((100, 100), epochs=30, random_state=0).fit(BITS[:1500])
    taught = slice(0, 100)
    settings = {"weight_decay": 0.1, "epochs": 500}
    plain = LogisticRegression(**settings).fit(BITS[taught], NUMBERS[taught])
    features = stack.transform(BITS)
    stacked = LogisticRegression(**settings).fit(features[taught], NUMBERS[taught])
    test = slice(1500, None)
    assert stacked.score(features[test], NUMBERS[test]) > 0.75
    assert stacked.score(features[test], NUMBERS[test]) > plain.score(
        BITS[test], NUMBERS[test]
    )


# The linear autoencoder.


@pytest.mark.parametrize("size", [1, 5, 20])
def test_a_linear_autoencoder_is_the_truncated_svd(size):
    model = LinearAutoencoder(size, random_state=0).fit(DIGITS)
    svd = TruncatedSVD(size, algorithm="arpack", random_state=0).fit(DIGITS)
    ours = model.inverse_transform(model.transform(DIGITS))
    theirs = svd.inverse_transform(svd.transform(DIGITS))
    assert np.abs(ours - theirs).max() < 1e-6
    # Component by component as well, up to the sign.
    likeness = np.abs((model.decoder_ * svd.components_).sum(1))
    assert np.abs(likeness - 1).max() < 1e-6


def test_a_centred_one_is_principal_component_analysis():
    model = LinearAutoencoder(5, centre=True, random_state=0).fit(DIGITS)
    analysis = PCA(5, svd_solver="full").fit(DIGITS)
    ours = model.inverse_transform(model.transform(DIGITS))
    theirs = analysis.inverse_transform(analysis.transform(DIGITS))
    assert np.abs(ours - theirs).max() < 1e-6


def test_what_it_learns_is_a_minimum_for_gradient_descent():
    x = StandardScaler().fit_transform(load_iris().data)
    model = LinearAutoencoder(2, random_state=0).fit(x)
    encoder, decoder = Tensor(model.encoder_, True), Tensor(model.decoder_, True)
    loss = ((x @ encoder @ decoder - x) ** 2).sum()
    found = gradients([loss])
    assert np.abs(found[encoder].data).max() < 1e-6
    assert np.abs(found[decoder].data).max() < 1e-6


# The sum-product network.


def two_groups(count=400, seed=0):
    random = np.random.RandomState(seed)
    centres = np.where(random.rand(count, 1) < 0.5, -2.0, 2.0)
    return centres + random.randn(count, 2)


def grid(step=0.1, reach=9.0):
    axis = np.arange(-reach, reach, step)
    return np.stack(np.meshgrid(axis, axis, indexing="ij"), -1).reshape(-1, 2), axis


def test_a_density_integrates_to_one():
    network = SumProductNetwork(random_state=0).fit(two_groups())
    points, _ = grid()
    total = np.exp(network.score_samples(points)).sum() * 0.01
    assert_close(total, 1.0, "integral on a grid")


def test_a_marginal_is_the_integral_over_what_is_not_known():
    network = SumProductNetwork(random_state=0).fit(two_groups())
    points, axis = grid()
    density = np.exp(network.score_samples(points)).reshape(len(axis), -1)
    unknown = np.stack([axis, np.full(len(axis), np.nan)], 1)
    marginal = np.exp(network.score_samples(unknown))
    assert np.abs(marginal - density.sum(1) * 0.1).max() < 1e-4


def test_nothing_known_has_probability_one():
    network = SumProductNetwork(random_state=0).fit(two_groups())
    assert_close(network.score_samples([[np.nan, np.nan]])[0], 0.0, "reordered")


def test_it_knows_that_the_groups_belong_together():
    train, test = two_groups(), two_groups(seed=1)
    network = SumProductNetwork(random_state=0).fit(train)
    one_normal = SumProductNetwork(min_points=401).fit(train)
    assert network.score(test) > one_normal.score(test) + 0.3


def test_samples_look_like_the_points():
    points = two_groups(2000)
    drawn = SumProductNetwork(random_state=0).fit(points).sample(4000, random_state=1)
    assert np.abs(drawn.mean(0) - points.mean(0)).max() < 0.2
    assert np.abs(np.cov(drawn.T) - np.cov(points.T)).max() < 0.5


def test_independent_features_are_one_product():
    x = np.random.RandomState(0).randn(5000, 3) * [1, 2, 3] + [5, 0, -5]
    network = SumProductNetwork(random_state=0).fit(x)
    z = (x - x.mean(0)) / x.std(0)
    logs = -(z**2) / 2 - np.log(x.std(0) * np.sqrt(2 * np.pi))
    assert_close(network.score_samples(x), logs.sum(1))


# Words.


def test_one_step_of_word_vectors_is_a_gradient_step():
    texts = ["a b c d a", "b d c c"]
    settings = {"size": 3, "window": 2, "num_negative": 2, "epochs": 1}
    model = WordVectors(**settings, batch_size=99, random_state=5).fit(texts)

    random = np.random.RandomState(5)
    start = random.uniform(-0.5, 0.5, (4, 3)) / 3
    vectors, outputs = Tensor(start, True), Tensor(np.zeros((4, 3)), True)
    words = [[model.words_.index(w) for w in text.split()] for text in texts]
    blanks = [(text, i) for text in words for i in range(len(text))]
    order = random.permutation(len(blanks))
    counts = np.array([sum(t.count(k) for t in words) for k in range(4)]) ** 0.75
    wrong = random.choice(4, (len(blanks), 2), p=counts / counts.sum())
    loss = Tensor(0.0)
    for place, others in zip(order, wrong, strict=True):
        text, i = blanks[place]
        around = text[max(i - 2, 0) : i] + text[i + 1 : i + 3]
        hidden = functions.gather(vectors, around).mean(0)
        loss = loss + functions.softplus(-(outputs[text[i]] @ hidden))
        for other in others[others != text[i]]:
            loss = loss + functions.softplus(outputs[int(other)] @ hidden)
    found = gradients([loss])
    assert_close(model.vectors_, start - 0.05 * found[vectors].data)
    assert_close(model.losses_[0], loss.item() / len(blanks))


def court(count=3000, seed=0):
    """Sentences in which rank and gender each have words of their own around them."""
    random = np.random.RandomState(seed)
    ranks = {
        "ruler": ["crown", "throne", "palace"],
        "commoner": ["field", "plough", "inn"],
    }
    genders = {"he": ["beard", "his", "sir"], "she": ["gown", "her", "madam"]}
    names = {
        ("ruler", "he"): "king", ("ruler", "she"): "queen",
        ("commoner", "he"): "man", ("commoner", "she"): "woman",
    }  # fmt: skip
    texts = []
    for _ in range(count):
        rank, gender = random.choice(list(ranks)), random.choice(list(genders))
        sides = [random.choice(ranks[rank]), random.choice(genders[gender])]
        random.shuffle(sides)
        texts.append([sides[0], names[rank, gender], sides[1]])
    return texts


def test_king_and_woman_without_man_is_queen():
    model = WordVectors(10, epochs=5, random_state=0).fit(court())
    assert model.analogy(["king", "woman"], ["man"], count=1)[0][0] == "queen"


def test_words_of_one_kind_are_near():
    model = WordVectors(10, epochs=5, random_state=0).fit(court())
    near = {word for word, _ in model.nearest("crown", count=2)}
    assert near == {"throne", "palace"}
    assert model.losses_[-1] < model.losses_[0]
