"""Methods: arrays in, arrays out. They know formulas and nothing of files, DuckDB or pages."""
