"""A hall and the systems that may stand in it, from rows of the data: one definition of how many racks fit.

Every page that says how many racks a megawatt holds asks `Assumptions` for the hall and the systems, and
`fleets.most_tokens` for the fleet: power with its headroom, cooling of each kind, rack positions, spares.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from tokenfactory.formulas.power_figure import CRITICAL_IT, Conversion, MixedBasisError, OnBasis, of_row
from tokenfactory.methods import fleets


@dataclass(frozen=True)
class Assumptions:
    """What is assumed about sites: the rows of `site_inputs` by parameter and what they apply to."""

    rows: Mapping[tuple[str, str], Mapping]

    @classmethod
    def of_rows(cls, rows: Iterable[Mapping]) -> Assumptions:
        """Each row with its low and high end; where none is stated, the value."""
        found = {}
        for row in rows:
            ends = {end: row["value"] if row[end] is None else row[end] for end in ("low", "high")}
            found[row["parameter"], row["applies_to"]] = dict(row) | ends
        return cls(found)

    def value(self, parameter: str, applies_to: str = "all") -> float:
        return self.rows[parameter, applies_to]["value"]

    def cooling(self, gpu: str) -> str:
        """air or liquid"""
        return "liquid" if self.value("liquid_heat_frac", gpu) else "air"

    def powers(
        self, gpu: str, figure: Mapping, *, pue: str = "value", gpu_per_rack: int | None = None
    ) -> tuple[OnBasis, OnBasis]:
        """Power of a GPU as IT power and at the meter [kW/GPU].

        Parameters
        ----------
        figure : its row of the power book, all-in power
        pue : which end of the range of the facility: low, value or high
        gpu_per_rack : take the power that is published for the whole rack of so many GPUs, where there is one
        """
        known = of_row(figure, [Conversion.of_row(self.rows["allin_meaning", "all"])])
        if gpu_per_rack and (rack := self.rows.get(("kw_per_rack", gpu))):
            known = OnBasis(rack["value"] / gpu_per_rack, CRITICAL_IT, sources=frozenset({rack["source_url"]}))
        if known.basis == CRITICAL_IT:
            return known, known.convert(Conversion.of_row(self.rows["pue", self.cooling(gpu)], pue))
        factor = Conversion.of_row(self.rows["facility_factor", self.cooling(gpu)])
        return known.convert(factor.inverse), known

    def system(
        self, gpu: str, powers: tuple[OnBasis, OnBasis], *, unit: str, gpu_per_unit: int, tok_per_s_per_gpu: float,
        usd_per_gpu_year: float = 0.0,
    ) -> fleets.System:  # fmt: skip
        """One system with the powers of `powers`; nodes share a rack as far as cooling and the builder allow."""
        it, utility = powers
        room = math.floor(self.value("max_kw_per_rack", self.cooling(gpu)) / (it.value * gpu_per_unit))
        in_rack = 1 if unit == "rack" else max(1, min(room, round(self.value("nodes_per_rack", "8-gpu-node"))))
        return fleets.System(
            gpu.upper(), unit, gpu_per_unit, it, utility, tok_per_s_per_gpu, self.value("liquid_heat_frac", gpu),
            units_per_rack=in_rack, usd_per_gpu_year=usd_per_gpu_year,
        )  # fmt: skip

    def hall(self, *, site_mw: float, basis: str, liquid_frac: float = 1.0, num_spares: int = 1) -> fleets.Site:
        """A site with so many megawatts, its planning headroom and the limits of its rack positions.

        Parameters
        ----------
        basis : of the megawatts, at the meter or of the servers
        liquid_frac : heat that liquid carries away, over the power of the site [0..1]
        num_spares : units that stand by, for each kind of system in use
        """
        return fleets.Site(
            OnBasis(1000 * site_mw, basis),
            headroom_frac=self.value("planning_headroom_frac"),
            liquid_kw=1000 * site_mw * liquid_frac,
            air_kw_per_rack=self.value("max_kw_per_rack", "air"),
            liquid_kw_per_rack=self.value("max_kw_per_rack", "liquid"),
            num_spare_units=num_spares,
        )


@dataclass(frozen=True)
class Ground:
    """All that says how many racks fit: what is assumed of sites, and what is known of each GPU.

    By GPU these are unit ("rack" or "node") and gpu_per_unit of what is bought whole, the row of the power book (all-in
    power), and the cost of an hour for every hour of the year [USD/(GPU h)].
    """

    assumed: Assumptions
    units: Mapping[str, Mapping]
    figures: Mapping[str, Mapping]
    usd_per_gpu_hour: Mapping[str, float]

    def lacks(self, gpu: str) -> str:
        """What is not known of a GPU, in words; empty where it may stand in a hall."""
        cooled = {of for parameter, of in self.assumed.rows if parameter == "liquid_heat_frac"}
        known = {"size of a unit": self.units, "power figure": self.figures, "way of cooling": cooled}
        return " and no ".join(what for what, of in known.items() if gpu not in of)

    def systems(
        self,
        tput: Mapping[str, float],
        *,
        pue: str = "value",
        is_whole_rack: bool = False,
        usd_per_gpu: Mapping[str, float] | None = None,
    ) -> list[fleets.System]:
        """The systems that may stand in a hall, of those that make tokens at the asked speed.

        Parameters
        ----------
        tput : throughput at the asked speed by GPU [tok/(s GPU)]
        pue, is_whole_rack : as in `Assumptions.powers`
        usd_per_gpu : capital by GPU, where that is a limit [USD/GPU]
        """
        found = []
        for gpu, rate in tput.items():
            if self.lacks(gpu):
                continue
            unit = self.units[gpu]
            size = unit["gpu_per_unit"] if is_whole_rack else None
            both = self.assumed.powers(gpu, self.figures[gpu], pue=pue, gpu_per_rack=size)
            year = 8760 * self.usd_per_gpu_hour.get(gpu, 0.0)
            one = self.assumed.system(gpu, both, **unit, tok_per_s_per_gpu=rate, usd_per_gpu_year=year)
            found.append(replace(one, usd_per_gpu=(usd_per_gpu or {}).get(gpu)))
        return found


def fitting(hall: fleets.Site, systems: Sequence[fleets.System]) -> tuple[list[fleets.System], dict[str, str]]:
    """The systems of which the smallest fleet fits into a hall, and by name why the others do not."""
    obstacles = {}
    for system in systems:
        try:
            if found := fleets.obstacle(hall, system):
                obstacles[system.name] = found.sentence
        except MixedBasisError as error:  # no figure of its power is on the basis of the hall
            obstacles[system.name] = str(error)
    return [system for system in systems if system.name not in obstacles], obstacles


def alone(
    hall: fleets.Site, systems: Sequence[fleets.System], *, utilisation_frac: float
) -> tuple[list[fleets.Fleet], dict[str, str]]:
    """A hall filled with each system alone: the fleets of those that fit, and why the others do not."""
    fits, obstacles = fitting(hall, systems)
    return [fleets.most_tokens(hall, [one], utilisation_frac=utilisation_frac) for one in fits], obstacles
