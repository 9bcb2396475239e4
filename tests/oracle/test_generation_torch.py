"""Models that write, beside the same networks made of torch's own parts."""

import torch
from torch import nn
from torch.nn import functional

import mica
from mica import generate
from tests.tolerances import assert_close


def copy_dense(target: nn.Linear, source) -> None:
    target.weight.data.copy_(source.weight.data)
    target.bias.data.copy_(source.bias.data)


def copy_block(target: nn.TransformerEncoderLayer, source) -> None:
    attention = source.self_attention
    parts = (attention.query_dense, attention.key_dense, attention.value_dense)
    target.self_attn.in_proj_weight.data.copy_(torch.cat([p.weight for p in parts]))
    target.self_attn.in_proj_bias.data.copy_(torch.cat([p.bias for p in parts]))
    copy_dense(target.self_attn.out_proj, attention.output_dense)
    copy_dense(target.linear1, source.feedforward_intermediate)
    copy_dense(target.linear2, source.feedforward_output)
    for mine, its in (
        (source.self_attention_norm, target.norm1),
        (source.feedforward_norm, target.norm2),
    ):
        its.weight.data.copy_(mine.weight.data)
        its.bias.data.copy_(mine.bias.data)


def test_a_gpt_is_torchs_blocks_with_a_causal_mask_and_a_tied_head():
    with mica.engine.precision_scope("float64"):
        model = generate.gpt(11, depth=2, num_heads=2, width=8, window=9)
        with torch.no_grad():
            for weight in model.parameters():
                weight += 0.3 * torch.randn_like(weight)
        tokens = torch.randint(0, 11, (3, 7))
        model.eval()
        embedding, positions, *blocks, norm = model.layers
        x = functional.embedding(tokens, embedding.weight) + positions.weight[:7]
        hidden = torch.triu(torch.full((7, 7), -torch.inf), 1)
        for block in blocks:
            torchs = nn.TransformerEncoderLayer(
                8, 2, 32, 0.0, "gelu", norm_first=True, batch_first=True
            )
            copy_block(torchs, block)
            x = torchs.eval()(x, src_mask=hidden)
        x = functional.layer_norm(x, (8,), norm.weight, norm.bias, norm.epsilon)
        assert_close(model(tokens), x @ embedding.weight.T)


def test_a_translator_of_lstms_hands_its_state_over_as_torchs_do():
    with mica.engine.precision_scope("float64"):
        model = generate.lstm_translator(9, 7, width=4, embedding_dim=3)
        source = torch.tensor([[3, 4, 5], [8, 1, 2]])
        text = torch.tensor([[1, 2, 3, 4], [5, 6, 1, 1]])
        names = dict(model.named_parameters())
        vectors = sorted(
            (weight for name, weight in names.items() if "embedding" in name),
            key=lambda weight: -len(weight),
        )
        reader, writer = (
            layer for layer in model.layers if isinstance(layer, mica.layers.LSTM)
        )
        states = None
        for layer, tokens, table in zip(
            (reader, writer), (source, text), vectors, strict=True
        ):
            torchs = nn.LSTM(3, 4, batch_first=True)
            torchs.weight_ih_l0.data.copy_(layer.cell.weight)
            torchs.weight_hh_l0.data.copy_(layer.cell.recurrent_weight)
            torchs.bias_ih_l0.data.copy_(layer.cell.bias)
            torchs.bias_hh_l0.data.zero_()
            outputs, states = torchs(functional.embedding(tokens, table), states)
        dense = model.layers[-1]
        expected = outputs @ dense.weight.T + dense.bias
        assert_close(model.eval()(source, text), expected)


def test_greedy_writing_is_a_loop_of_argmax_over_the_whole_text():
    model = generate.gpt(11, depth=1, num_heads=2, width=8, window=6).eval()
    with torch.no_grad():
        for weight in model.parameters():
            weight += 0.3 * torch.randn_like(weight)
    tokens = [3, 1]
    for _ in range(12):  # longer than the window
        logits = model(torch.tensor([tokens[-6:]]))
        tokens.append(int(logits[0, -1].argmax()))
    written = generate.write_tokens(model, [[3, 1]], 12, how=generate.Greedy())
    assert written == [tokens[2:]]
