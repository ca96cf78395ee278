"""What bench/error_ratio.py is made of: the data, and the Prometheus beside us."""
