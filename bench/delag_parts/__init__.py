"""What bench/delag.py is made of: the data, the score, and the peer beside us."""
