"""What input and output tokens cost apart: from measured systems whose prefill and decode run on GPUs of their own.

Where one GPU does both, how its hour is shared between input and output is a choice, and no measurement tells it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tokenfactory.formulas import cost, reuse

SPEED = "interactivity_tok_per_s_per_user"


@dataclass(frozen=True)
class Pools:
    """A measured system with its two pools, and what a million tokens of each kind cost on it.

    From its row: input tokens of a prefill GPU and output tokens of a decode GPU [tok/(s GPU)], and what a GPU-second
    costs that is used [USD/(GPU s)].
    """

    row: Mapping
    prefill_tok_per_s: float
    decode_tok_per_s: float
    usd_per_gpu_s: float

    @property
    def usd_per_mtok_fresh(self) -> float:
        """A million input tokens that are computed [USD/Mtok]."""
        return 1e6 * self.usd_per_gpu_s / self.prefill_tok_per_s

    @property
    def usd_per_mtok_output(self) -> float:
        """A million output tokens [USD/Mtok]."""
        return 1e6 * self.usd_per_gpu_s / self.decode_tok_per_s

    def usd_per_mtok_loaded(self, *, gb_per_mtok: float, gb_per_s: float) -> float:
        """A million input tokens that are loaded while the GPU does nothing else: the most it costs [USD/Mtok]."""
        return reuse.loaded_usd_per_mtok(
            usd_per_gpu_hour=3600 * self.usd_per_gpu_s, gb_per_mtok=gb_per_mtok, gb_per_s=gb_per_s
        )

    def gpu_s(self, *, isl_tok: float, osl_tok: float, cached_frac: float = 0.0) -> float:
        """GPU time of a request, prefill of what is not cached and decode [GPU s]."""
        return (1 - cached_frac) * isl_tok / self.prefill_tok_per_s + osl_tok / self.decode_tok_per_s


def best(
    rows: Iterable[Mapping], *, min_speed: float, usd_per_gpu_hour: float, utilisation_frac: float = 1.0
) -> Pools | None:
    """The measured system with the most throughput at a speed per user or faster; None where none was measured.

    Parameters
    ----------
    rows : points with pools: isl, osl, num_prefill_gpu, num_decode_gpu, total_tok_per_s_per_gpu and
        interactivity_tok_per_s_per_user
    min_speed : slowest speed that counts [tok/(s user)]
    usd_per_gpu_hour, utilisation_frac : as in `cost.usd_per_mtok`

    >>> row = dict(isl=8192, osl=1024, num_prefill_gpu=26, num_decode_gpu=16, total_tok_per_s_per_gpu=14_550.9,
    ...            interactivity_tok_per_s_per_user=68.7)
    >>> pools = best([row], min_speed=50, usd_per_gpu_hour=2.652)
    >>> [round(usd, 4) for usd in (pools.usd_per_mtok_fresh, pools.usd_per_mtok_output)]
    [0.0353, 0.1736]
    """
    fast = [row for row in rows if row[SPEED] >= min_speed]
    if not fast:
        return None
    row = max(fast, key=lambda row: row["total_tok_per_s_per_gpu"])
    lengths = {"total": row["total_tok_per_s_per_gpu"], "isl_tok": row["isl"], "osl_tok": row["osl"]}
    num_gpu = row["num_prefill_gpu"] + row["num_decode_gpu"]
    prefill, decode = (
        cost.tok_per_s_per_role_gpu(
            tok_per_s_per_deployed_gpu=scope(**lengths), num_gpu=num_gpu, num_role_gpu=row[f"num_{role}_gpu"]
        )
        for scope, role in ((cost.input_scope, "prefill"), (cost.output_scope, "decode"))
    )
    return Pools(row, prefill, decode, usd_per_gpu_hour / 3600 / utilisation_frac)
