"""What `bench/canary.py` is made of: generators, rivals, measurement."""
