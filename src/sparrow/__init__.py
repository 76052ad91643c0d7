"""Sparrow: a complete deep-learning movie recommender, small, with every organ in place.

Rooms, in the order the data walks them: `datasets` → `features` → `embeddings`, `retrieval`, `models`, `training` →
`stores` → `online` → `web`; events come back through `feedback`. `build` walks the offline side in order, `evaluation`
judges it, `model_server` speaks the TensorFlow Serving protocol, `cli` is the command line.
"""

__version__ = "0.1.0"
