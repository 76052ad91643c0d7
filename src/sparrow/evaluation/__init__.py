"""Is it any good? Measured over callables, so that no other room need be known.

- `metrics`     definitions with their sources
- `ranking`     a scorer or a served pipeline over all unseen movies, per person
- `reports`     the tables people read
"""
