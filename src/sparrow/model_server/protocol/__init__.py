"""The protocol's words, pure: no web framework, no TensorFlow; the recommendation server's client may import it.

- `status`   canonical codes, their HTTP statuses, the one error
- `routes`   what a method and a path ask for
- `text`     bytes <-> JSON values, NaN and Infinity included
- `tensors`  JSON values <-> arrays of a declared type
- `predict`  the row ("instances") and column ("inputs") forms of a prediction
- `results`  the answers of classify and regress
"""
