"""What a notebook shows: answer, table, headline, chart style, and a model that computes in a workbook."""
