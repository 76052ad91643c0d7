"""Who could be liked, without a network: one paper, one file; fitted on interactions, asked with histories.

- `interactions`  people x movies in CSR form, with stars and order; where raw ids become rows
- `model`         what every model is, and how it is saved
- `popular`       how many people met a movie
- `item_knn`      neighbours by co-counts
- `ease`          linear item-item model in closed form, with dropout (EDLAE)
- `ials`          implicit matrix factorisation, solved exactly
- `next_item`     linear next-movie model
- `vectors`       any embedding as a recommender
- `fusion`        several models as one
- `recommenders`  the one table of names
"""
