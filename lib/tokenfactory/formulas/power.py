"""What tokens need in power, energy and space: formulas.

Arithmetic only; arguments may be floats, arrays, Series or Polars expressions. A power figure is only
comparable with another of the same **basis** (board, chassis, critical IT, all-in utility); names here
say `kw_per_gpu`. A bare number leaves the basis to the caller; a `power_basis.OnBasis` carries it along, and what
would mix two raises.

Test vectors: H200 at 93.25 tok/s per GPU and 1.73 kW; GB300 at 5,930 and 2.10, all-in utility power.
"""

import math

from tokenfactory.formulas.power_figure import ALLIN_UTILITY, CRITICAL_IT, plain


def tok_per_s_per_mw(*, tok_per_s_per_gpu, kw_per_gpu):
    """Throughput that a megawatt carries.

    Parameters
    ----------
    tok_per_s_per_gpu : throughput over all deployed GPUs [tok/(s GPU)]
    kw_per_gpu : power per GPU on a stated basis [kW/GPU]

    Returns
    -------
    throughput per megawatt of that basis [tok/(s MW)]

    Notes
    -----
    1000 t / w

    References
    ----------
    InferenceX, "tokens per all-in utility MW", https://inferencex.semianalysis.com

    Examples
    --------
    >>> round(tok_per_s_per_mw(tok_per_s_per_gpu=93.25, kw_per_gpu=1.73), 1)
    53901.7
    """
    return 1000 * tok_per_s_per_gpu / kw_per_gpu


def tok_per_s_per_gpu_from_mw(*, tok_per_s_per_mw, kw_per_gpu):
    """Throughput per GPU that a throughput per megawatt implies.

    Parameters
    ----------
    tok_per_s_per_mw : throughput per megawatt [tok/(s MW)]
    kw_per_gpu : power per GPU on the same basis [kW/GPU]

    Returns
    -------
    throughput [tok/(s GPU)]

    Notes
    -----
    t = x w / 1000

    Examples
    --------
    >>> round(tok_per_s_per_gpu_from_mw(tok_per_s_per_mw=53500, kw_per_gpu=1.73), 3)
    92.555
    """
    return tok_per_s_per_mw * kw_per_gpu / 1000


def gco2_per_mtok(*, wh_per_mtok, gco2_per_kwh):
    """Greenhouse gas of the electricity for a million tokens.

    Parameters
    ----------
    wh_per_mtok : energy per million tokens, at the meter [Wh/Mtok]
    gco2_per_kwh : carbon intensity of the electricity [gCO2e/kWh]

    Returns
    -------
    emissions per million tokens, operation only, without making the hardware [gCO2e/Mtok]

    Notes
    -----
    Energy that carries a basis must be that at the meter.

    Examples
    --------
    >>> round(gco2_per_mtok(wh_per_mtok=5153.41, gco2_per_kwh=369), 2)
    1901.61
    """
    return plain(wh_per_mtok, ALLIN_UTILITY) / 1000 * gco2_per_kwh


def l_water_per_mtok(*, it_wh_per_mtok, l_per_kwh):
    """Water evaporated on site for a million tokens.

    Parameters
    ----------
    it_wh_per_mtok : energy of the IT equipment per million tokens [Wh/Mtok]
    l_per_kwh : water usage effectiveness of the site [L per IT kWh]

    Returns
    -------
    water per million tokens [L/Mtok]

    Notes
    -----
    Energy that carries a basis must be IT energy: with the facility's the result would be too high.

    Examples
    --------
    >>> round(l_water_per_mtok(it_wh_per_mtok=1e9 * 1.37 / (3600 * 93.25), l_per_kwh=0.27), 5)
    1.10188
    """
    return plain(it_wh_per_mtok, CRITICAL_IT) / 1000 * l_per_kwh


def num_gpu_in_power(*, mw, kw_per_gpu, gpu_per_unit=1):
    """GPUs that fit a power budget, in whole GPUs, nodes or racks.

    Parameters
    ----------
    mw : power budget, on the basis of `kw_per_gpu` [MW]
    kw_per_gpu : power per GPU [kW/GPU]
    gpu_per_unit : GPUs in the smallest unit that is bought: 1, a node's 8, a rack's 72 [GPU]

    Returns
    -------
    number of GPUs, a multiple of `gpu_per_unit` [GPU]

    Notes
    -----
    Scalars only: whole numbers are the point. A billionth of a unit is granted, so that a budget of exactly ten units
    does not lose one to binary fractions.

    Examples
    --------
    Ten megawatts of all-in power: 722 nodes of H200, 66 racks of GB300.

    >>> num_gpu_in_power(mw=10, kw_per_gpu=1.73, gpu_per_unit=8)
    5776
    >>> num_gpu_in_power(mw=10, kw_per_gpu=2.10, gpu_per_unit=72)
    4752
    """
    return math.floor(1000 * mw / (kw_per_gpu * gpu_per_unit) + 1e-9) * gpu_per_unit
