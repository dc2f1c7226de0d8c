"""What a tariff brings for a mix of tokens, and what is left of it on a system that makes them.

>>> tariff = dict(usd_per_mtok_input=0.55, usd_per_mtok_output=2.19, usd_per_mtok_cached_input=0.14)
>>> sale = Sale(tariff, "gb300", isl=8192, osl=1024, usd_per_gpu_hour=2.31, utilisation_frac=0.6, tput_per_gpu=9000.0)
>>> [round(usd, 3) for usd in (sale.income(), sale.income(cached_frac=0.9), sale.usd_per_mtok)]
[0.732, 0.404, 0.119]
>>> [round(sale.margin_frac(h), 3) for h in (0, 0.9)], round(sale.needed_frac, 4)
([0.838, 0.941], 0.0974)
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tokenfactory.formulas import cost, reuse

PRICES = ("usd_per_mtok_input", "usd_per_mtok_output", "usd_per_mtok_cached_input")


def prices(tariff: Mapping) -> dict[str, float]:
    """The three prices of a tariff [USD/Mtok]; one that says nothing of cached input bills it as any other."""
    found = {name: tariff[name] for name in PRICES}
    return found | ({PRICES[2]: found[PRICES[0]]} if found[PRICES[2]] is None else {})


def income_usd_per_mtok(tariff: Mapping, *, input_per_output: float, cached_frac: float = 0.0) -> float:
    """What a million tokens of a mix are sold for [USD/Mtok]: `cost.blended_usd_per_mtok` of a tariff."""
    return cost.blended_usd_per_mtok(**prices(tariff), input_per_output=input_per_output, cached_frac=cached_frac)


@dataclass(frozen=True)
class Sale:
    """A tariff against the cost of one system at the speed that it is sold at.

    Parameters
    ----------
    tariff : as for `income_usd_per_mtok`
    gpu : the system
    isl, osl : lengths of a request [tok]
    usd_per_gpu_hour : price or cost of one GPU for one hour [USD/(GPU h)]
    utilisation_frac : share of the hours in which the throughput is sold [0..1]
    tput_per_gpu : input and output tokens at the speed sold; None where it was not measured [tok/(s GPU)]
    """

    tariff: Mapping
    gpu: str
    isl: int
    osl: int
    usd_per_gpu_hour: float
    utilisation_frac: float
    tput_per_gpu: float | None

    def income(self, cached_frac: float = 0.0) -> float:
        """What a million tokens are sold for [USD/Mtok]."""
        return income_usd_per_mtok(self.tariff, input_per_output=self.isl / self.osl, cached_frac=cached_frac)

    @property
    def usd_per_mtok(self) -> float | None:
        """What a million tokens cost where nothing is cached [USD/Mtok]."""
        return self.cost_at(self.utilisation_frac)

    def cost_at(self, utilisation_frac: float) -> float | None:
        """`usd_per_mtok` at another utilisation."""
        return self.tput_per_gpu and cost.usd_per_mtok(
            usd_per_gpu_hour=self.usd_per_gpu_hour, tok_per_s_per_gpu=self.tput_per_gpu,
            utilisation_frac=utilisation_frac,
        )  # fmt: skip

    def margin_frac(self, cached_frac: float = 0.0) -> float | None:
        """What is left of the income, cached input sold as such and not computed: `reuse.tariff_margin_frac`."""
        return self.tput_per_gpu and reuse.tariff_margin_frac(
            cost_usd_per_mtok=self.usd_per_mtok, isl_tok=self.isl, osl_tok=self.osl, cached_frac=cached_frac,
            **prices(self.tariff),
        )  # fmt: skip

    @property
    def needed_frac(self) -> float | None:
        """The utilisation that pays for the hours; above 1 none does."""
        return self.tput_per_gpu and cost.break_even_utilisation_frac(
            usd_per_gpu_hour=self.usd_per_gpu_hour, tok_per_s_per_gpu=self.tput_per_gpu, usd_per_mtok=self.income()
        )


def nearest_mix(mixes: Sequence[tuple[int, int]], input_per_output: float) -> tuple[int, int] | None:
    """Of pairs of lengths the one whose input per output is nearest in proportion; of no input, that with most output.

    >>> nearest_mix([(1024, 1024), (8192, 1024)], 4.0), nearest_mix([(1024, 1024), (8192, 1024)], 0), nearest_mix([], 1)
    ((8192, 1024), (1024, 1024), None)
    """
    if not input_per_output:
        return min(mixes, key=lambda mix: mix[0] / mix[1], default=None)
    return min(mixes, key=lambda mix: abs(math.log(mix[0] / mix[1] / input_per_output)), default=None)
