"""How good is it? Metrics, intervals, gates, and the table in which a score never stands alone."""
