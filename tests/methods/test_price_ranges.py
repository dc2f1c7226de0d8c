"""Low, middle and high of a cost: ends of an hour over ends of a band, and what moved since."""

from types import SimpleNamespace

import pytest

from tokenfactory.methods import price_ranges

HOUR = {"gpu": "x", "basis": "owned", "low": 1.8, "value": 3.6, "high": 7.2}


class Curves:
    """One reading of 1,000 tokens a second for `x`, with or without a band."""

    def __init__(self, low=500.0, high=2000.0, ranks=True):
        self.best = SimpleNamespace(low=low, tput_per_gpu=1000.0, high=high)
        self.ranks = ranks

    def at_speed(self, speed, gpus):
        assert speed == 75.0
        return {gpu: SimpleNamespace(best=self.best, ranks=self.ranks and gpu == "x") for gpu in gpus}


def of(curves, hours=(HOUR,)):
    return price_ranges.of(hours, curves, speed=75.0, utilisation_frac=0.5)


def test_a_low_hour_goes_with_the_high_end_of_the_band():
    (one,) = of(Curves())
    # 3.6 an hour over 1,000 tok/s is a dollar a million, at half use two; a quarter and four times that at the ends
    assert (one.low, one.value, one.high) == pytest.approx((0.5, 2.0, 8.0))
    assert (one.gpu, one.basis, one.usd_per_gpu_hour, one.tput_per_gpu) == ("x", "owned", 3.6, 1000.0)


def test_without_a_band_the_hour_alone_has_ends():
    (one,) = of(Curves(low=float("nan"), high=float("nan")))
    assert (one.low, one.value, one.high) == pytest.approx((1.0, 2.0, 4.0))


def test_what_was_not_measured_has_no_range():
    assert of(Curves(ranks=False)) == [] and of(Curves(), hours=()) == []
    assert of(Curves(), hours=(HOUR | {"gpu": "y"}, HOUR)) == of(Curves())


def test_of_the_inputs_of_a_life_the_hour_asks_for_its_own():
    rows = {name: {"value": 1.0, "low": 0.5} for name in ("wacc_frac", "salvage_frac", "tax_frac", "utilisation_frac")}
    assert price_ranges.of_hour(rows) == {"wacc_frac": 1.0, "salvage_frac": 1.0}


@pytest.mark.parametrize(
    ("hour", "tput", "said"),
    [(2.0, 600.0, "hour -20%"), (2.5, 900.0, "throughput +50%"), (2.0, 900.0, "hour -20%, throughput +50%"),
     (2.5, 600.0, "nothing"), (2.512, 600.0, "nothing"), (2.513, 600.0, "hour +1%"), (2.5, 1800.0, "throughput +200%")],
)  # fmt: skip
def test_what_moved_a_range_in_words(hour, tput, said):
    before = price_ranges.Range("x", "owned", 1, 2, 3, 2.5, 600.0)
    assert price_ranges.why(price_ranges.Range("x", "owned", 1, 2, 3, hour, tput), before) == said


def test_what_moved_is_an_end_or_the_middle_and_what_is_new_or_gone_did_not_move():
    def one(gpu, *ends):
        return price_ranges.Range(gpu, "owned", *ends, 1.0, 100.0)

    kept = [
        one("same", 1.0, 2.0, 3.0),
        one("a little", 1.0, 2.0, 3.0),
        one("an end", 1.0, 2.0, 3.0),
        one("gone", 1, 2, 3),
    ]
    now = [
        one("same", 1.0, 2.0, 3.0),
        one("a little", 1.0, 2.1, 3.0),
        one("an end", 1.0, 2.0, 6.0),
        one("new", 1, 2, 3),
    ]
    assert [(new.gpu, was.high) for new, was in price_ranges.moved(now, kept)] == [("an end", 3.0), ("a little", 3.0)]
    assert price_ranges.moved([one("x", 1.0, 2.0, 3.01)], [one("x", 1.0, 2.0, 3.0)]) == []  # less than half a percent
