"""The TensorFlow Serving protocol over a folder of SavedModels: `<base path>/<integer version>/saved_model.pb`.

- `protocol/`    the words of the protocol: paths, JSON <-> arrays, error codes and texts; no web, no TensorFlow
- `servable`     one loaded SavedModel: NumPy in, NumPy out; the only file that imports TensorFlow
- `repository/`  which versions lie on disk, which are served, how one replaces another
- `rest`         the REST routes as a Starlette application
- `server`       the assembly: bind, load, poll, serve, stop

It is a stand-in for `tensorflow_model_server` where there is no Docker; docs/serving.md compares them line by line.
"""
