"""The page on megawatts and the page on sites give one number of racks for the same hall."""

import re

import pytest
from executed import execute, shown

SAME = {"model": "deepseek-r1-0528", "isl": 8192, "osl": 1024, "interactivity": 75.0, "utilisation_frac": 0.6}


def units_in(text):
    """The system and its number of units, from "53 racks of 72" or "53 racks of GB300"."""
    rows = re.findall(r"^\| (\w+) +\| +([\d,]+) (?:racks|nodes) of \d+ \|", text, re.MULTILINE)
    rows += [
        (gpu, n) for n, gpu in re.findall(r"^\| ([\d,]+) (?:racks|nodes) of (\w+) +\| +[\d,]+ \|", text, re.MULTILINE)
    ]
    return {gpu: int(n.replace(",", "")) for gpu, n in rows}


@pytest.mark.parametrize("site_mw", [10.0, 1.0])
def test_both_pages_count_the_same_units(project, tmp_path, site_mw):
    megawatt = execute(
        project, "02", tmp_path, site_mw=site_mw, power_date="2026-09-11", price_date="2026-09-11", **SAME
    )
    site = execute(project, "06", tmp_path, site_mw=site_mw, price_date="2026-09-11", **SAME)
    per_megawatt = units_in(shown(megawatt, "table").split("What fits into")[1].split("\n\n")[0])
    of_site = units_in(shown(site, "table").split("in whole racks and nodes")[1].split("Spares")[0])
    assert {"GB300", "H200"} <= of_site.keys() and of_site.items() <= per_megawatt.items()
    if site_mw == 10:
        assert of_site["GB300"] == 53
