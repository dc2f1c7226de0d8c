"""What a mixture-of-experts model is made of, counted from the sizes in its configuration file.

Only what a decode step needs is counted: parameters by what reads them, cached values per token of context, and
operations of attention. Norms, biases and the layers of multi-token prediction are left out; together they are below
half a percent of the parameters.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tokenfactory.errors import NotMeasuredError


@dataclass(frozen=True)
class Architecture:
    """Counts of a model: parameters by what reads them, and what a cached token costs."""

    model: str
    num_moe_layers: int
    num_dense_layers: int
    hidden_size: int
    num_experts: int
    experts_per_tok: int
    num_heads: int
    routed: int  # parameters of all routed experts
    router: int
    other: int  # parameters that every step reads whole: attention, shared and dense layers, router, output head
    kv_per_tok: int  # cached values per token of context, in layers that see all of it
    kv_window: int  # and in layers that see a window of it, once the window is full
    sparse_tok: float  # context that sparse attention picks from; infinity where there is no such thing
    index_per_tok: int  # values read per token of context to pick them
    flop_per_context_tok: int  # attention, per token of a step and token of context

    @property
    def active(self) -> int:
        """Parameters that multiply each token: no input embedding, no router."""
        return self.other - self.router + self.routed // self.num_experts * self.experts_per_tok

    @classmethod
    def from_row(cls, row: Mapping) -> Architecture:
        """Count a row of `model_architectures`.

        Raises
        ------
        NotMeasuredError : the model's attention has parts that these numbers do not count
        """
        if row["attention"] == "other":
            raise NotMeasuredError(f"the attention of {row['model']} is not described fully enough to count its bytes")
        size = {key: value or 0 for key, value in row.items() if not isinstance(value, str)}
        hidden, layers = size["hidden_size"], size["num_layers"]
        num_moe = layers - size["num_dense_layers"]
        expert = 3 * hidden * size["expert_ffn_size"]
        count = _mla if row["attention"].endswith("mla") else _gqa
        attention, kv, window, flop, sparse = count(size)
        router = hidden * size["num_experts"] * num_moe
        other = attention + router + expert * size["num_shared_experts"] * num_moe + size["vocab_size"] * hidden
        other += 3 * hidden * size["dense_ffn_size"] * size["num_dense_layers"]
        return cls(
            model=row["model"], num_moe_layers=num_moe, num_dense_layers=size["num_dense_layers"], hidden_size=hidden,
            num_experts=size["num_experts"], experts_per_tok=size["experts_per_tok"], num_heads=size["num_heads"],
            routed=expert * size["num_experts"] * num_moe, router=router, other=other, kv_per_tok=kv, kv_window=window,
            sparse_tok=sparse, index_per_tok=size["index_head_dim"] * layers, flop_per_context_tok=flop,
        )  # fmt: skip


def _mla(m: Mapping[str, int]) -> tuple[int, int, int, int, float]:
    """Multi-head latent attention: parameters, cached values, the same of windows, operations, sparse context."""
    hidden, rank, rope, heads = m["hidden_size"], m["kv_lora_rank"], m["rope_dim"], m["num_heads"]
    per_layer = hidden * m["q_lora_rank"] + m["q_lora_rank"] * heads * (m["nope_dim"] + rope)
    per_layer += hidden * (rank + rope) + rank * heads * (m["nope_dim"] + m["v_head_dim"])
    per_layer += heads * m["v_head_dim"] * hidden
    per_layer += m["q_lora_rank"] * m["index_size"] + hidden * m["index_head_dim"]
    flop = heads * (2 * (rank + rope) + 2 * rank)  # keys and values stay compressed
    layers = m["num_layers"]
    return per_layer * layers, (rank + rope) * layers, 0, flop * layers, m["index_topk"] or np.inf


def _gqa(m: Mapping[str, int]) -> tuple[int, int, int, int, float]:
    """Grouped-query attention, in some models beside layers with a window or of linear attention."""
    hidden, dim, full = m["hidden_size"], m["head_dim"], m["num_layers"] - m["num_linear_layers"]
    gates = 1 if m["num_linear_layers"] else 0  # such models gate the output with queries of a second kind
    query, kv = m["num_heads"] * dim, m["num_kv_heads"] * dim
    linear = hidden * (2 * m["linear_key_size"] + 3 * m["linear_value_size"])
    attention = hidden * (query * (2 + gates) + 2 * kv) * full + linear * m["num_linear_layers"]
    seeing_all = full - m["num_window_layers"]
    return attention, 2 * kv * seeing_all, 2 * kv * m["num_window_layers"] * m["window_tok"], 4 * query * full, np.inf
