"""Formulas: arithmetic only. No I/O, no frames, no defaults that are assumptions; every name ends in its unit."""
