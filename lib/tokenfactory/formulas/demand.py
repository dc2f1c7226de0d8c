"""What more tokens sell for. Arguments may be floats or arrays."""


def usd_per_mtok_at_volume(*, usd_per_mtok, tok_per_s, tok_per_s_at_price, elasticity):
    """Price at which more tokens than today's demand find a buyer.

    Parameters
    ----------
    usd_per_mtok : today's price [USD/Mtok]
    tok_per_s : tokens to sell [tok/s]; at least `tok_per_s_at_price`
    tok_per_s_at_price : tokens that today's price sells [tok/s]
    elasticity : by how many percent the tokens sold rise when the price falls by one percent [1]; above 0

    Returns
    -------
    price of a million tokens [USD/Mtok]

    Notes
    -----
    Constant elasticity, q = q_0 (P/P_0)^-e, solved for the price: P = P_0 (q/q_0)^(-1/e)

    References
    ----------
    H. R. Varian, Intermediate Microeconomics, 9th edition, chapter 15, "A Constant Elasticity Demand Curve".

    Examples
    --------
    Four times today's tokens, where one percent off the price sells two percent more: half the price.

    >>> usd_per_mtok_at_volume(usd_per_mtok=0.3, tok_per_s=4.0, tok_per_s_at_price=1.0, elasticity=2)
    0.15
    """
    return usd_per_mtok * (tok_per_s / tok_per_s_at_price) ** (-1 / elasticity)
