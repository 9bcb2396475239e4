"""Counting: FLOP and bytes of operations beside closed forms."""

import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

import mica
from mica.plan.counting import Counting, aten, bytes_of

FLOAT = 4  # bytes


def seen(function):
    found = []
    with Counting(found.append):
        function()
    return found


def flops(function):
    return sum(each.flops for each in seen(function))


def test_a_dense_layer_forward_and_back_has_three_products():
    x = torch.ones(5, 7, requires_grad=True)
    layer = nn.Linear(7, 3)
    assert flops(lambda: layer(x).sum().backward()) == 3 * 2 * 5 * 7 * 3


def test_a_first_layer_needs_no_gradient_of_its_input():
    layer = nn.Linear(7, 3)
    assert flops(lambda: layer(torch.ones(5, 7)).sum().backward()) == 2 * 2 * 5 * 7 * 3


def test_a_convolution_counts_each_place_of_its_window():
    layer = nn.Conv2d(3, 8, 3)
    count = 2 * 2 * 8 * 3 * 3 * 3 * 6 * 6  # two pictures of 8 x 8
    assert flops(lambda: layer(torch.ones(2, 3, 8, 8))) == count


@pytest.mark.parametrize("name", ["gelu", "softmax", "layer_norm", "dropout", "relu"])
def test_what_is_no_product_has_bytes_alone(name):
    arguments = {"softmax": (-1,), "layer_norm": ((4,),)}.get(name, ())
    found = seen(lambda: getattr(functional, name)(torch.ones(3, 4), *arguments))
    assert sum(each.flops for each in found) == 0
    assert sum(each.num_bytes for each in found) >= 2 * 12 * FLOAT


def test_counts_agree_with_torch_s_own_counter():
    model = mica.Sequential(
        mica.Input((12, 12, 1)),
        mica.layers.Conv2D(4, 3, activation="relu"),
        mica.layers.Flatten(),
        mica.layers.Dense(5),
    )
    x = torch.rand(2, 12, 12, 1)
    counter = FlopCounterMode(display=False)
    with counter:
        model(x).sum().backward()
    assert flops(lambda: model(x).sum().backward()) == counter.get_total_flops()


def test_attention_counts_its_two_products_and_the_way_back():
    q, k, v = (torch.rand(2, 3, 6, 4, requires_grad=True) for _ in range(3))
    there = 2 * (2 * 2 * 3 * 6 * 6 * 4)
    assert flops(lambda: functional.scaled_dot_product_attention(q, k, v)) == there

    def both():
        functional.scaled_dot_product_attention(q, k, v).sum().backward()

    assert flops(both) == there + 2.5 * there


@pytest.mark.parametrize(("gates", "kind"), [(4, nn.LSTM), (3, nn.GRU), (1, nn.RNN)])
def test_a_recurrence_multiplies_its_weights_at_each_step(gates, kind):
    layer = kind(5, 6, batch_first=True)
    count = 2 * 4 * 7 * gates * 6 * (5 + 6)  # four sequences of seven steps
    with torch.no_grad():
        assert flops(lambda: layer(torch.ones(4, 7, 5))) == count


def test_the_gradient_of_a_recurrence_costs_twice_as_much():
    layer = nn.LSTM(5, 6, batch_first=True)
    x = torch.ones(4, 7, 5, requires_grad=True)
    with torch.no_grad():
        there = flops(lambda: layer(x))
    assert flops(lambda: layer(x)[0].sum().backward()) == 3 * there


@pytest.mark.parametrize(
    ("function", "count"),
    [
        (lambda x: x + 1, 2 * 60),  # read, written
        (lambda x: x.add_(1), 2 * 60),
        (lambda x: x.zero_(), 60),  # what was there is not read
        (lambda x: x.copy_(torch.ones(60)), 3 * 60),  # the ones, too, are made
        (lambda x: x + x, 2 * 60),  # the same memory once
        (lambda x: x + torch.ones(1).expand(60), 2 * 60 + 2),
        (lambda x: torch.cat([x, x[:5]]), 2 * 65),
        (lambda x: x.sum(), 61),
        (lambda x: x.reshape(6, 10).t(), 0),
        (lambda x: x[:3].detach().view(3, 1), 0),
        (lambda x: torch.empty(9), 0),
    ],
    ids=range(11),
)
def test_each_byte_is_counted_once(function, count):
    x = torch.ones(60)
    found = seen(lambda: function(x))
    assert sum(each.num_bytes for each in found) == count * FLOAT


def test_looking_up_rows_reads_those_rows_alone():
    table, rows = torch.zeros(1000, 8), torch.tensor([1, 2, 3])
    (found,) = seen(lambda: functional.embedding(rows, table))
    assert found.num_bytes == 2 * 3 * 8 * FLOAT + 3 * 8


def test_putting_rows_back_touches_those_rows_alone():
    table, rows = torch.zeros(1000, 8), torch.tensor([1, 2, 3])
    found = seen(lambda: table.index_add_(0, rows, torch.ones(3, 8)))[-1]
    assert found.num_bytes == 3 * 3 * 8 * FLOAT + 3 * 8


def test_a_fused_update_reads_and_writes_its_lists():
    weight = nn.Parameter(torch.ones(50))
    weight.grad = torch.ones(50)
    adam = torch.optim.Adam([weight], fused=True)
    adam.step()
    found = [each for each in seen(adam.step) if each.name == "_fused_adam_"]
    # Weight and two moments are read and written, the gradient and a count are read.
    assert sum(each.num_bytes for each in found) >= 7 * 50 * FLOAT
    assert sum(each.num_bytes for each in found) <= 8 * 50 * FLOAT + 8


def test_a_sparse_tensor_counts_no_bytes_of_its_own():
    sparse = torch.eye(3).to_sparse()
    assert bytes_of(aten.neg.default, (sparse,), {}, sparse) in (0, None)


def test_precision_and_waiting_are_noted():
    found = seen(lambda: torch.ones(2, 2, dtype=torch.bfloat16).sum().item())
    assert {each.precision for each in found} == {"bfloat16"}
    assert [each.name for each in found if each.waits] == ["_local_scalar_dense"]
