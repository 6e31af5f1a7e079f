"""How good is it? Metrics, baselines, and the tables in which a score never stands alone."""
