"""Speeds, as ratios against a peer or a bare floor in the same run: `python -m benchmarks [NAME …]`, or `make bench`.

Each module is one benchmark with `run() -> Table`; it prints one table and its JSON lands in `benchmarks/results/`.
"""
