"""Vectors from behaviour.

- `sequences`  each person's liked movies in time order
- `word2vec`   Item2vec: skip-gram with negative sampling over those sequences
- `people`     a stored vector for every person
"""
