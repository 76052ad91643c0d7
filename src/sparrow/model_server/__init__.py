"""The TensorFlow Serving protocol over a folder of SavedModels: `<base path>/<integer version>/saved_model.pb`.

- `protocol/`    the words of the protocol: paths, JSON <-> arrays, error codes and texts; no web, no TensorFlow
- `wire/`        the same as protobuf, by an own minimal `.proto`; and the recommendation server's client
- `inference`    what predict, classify, regress and multi-inference mean, on arrays
- `batching`     requests of several clients in one run
- `warmup`       the requests a model brings along, replayed before it is served
- `servable`     one loaded SavedModel: NumPy in, NumPy out; the only file that imports TensorFlow
- `repository/`  which versions lie on disk, which are served, how one replaces another, labels
- `configs`      the original's configuration files, in protobuf's text format
- `metrics`      Prometheus metrics under the original's names
- `service`      the calls on leased versions, counted: what the next two share
- `rest`         the REST routes as a Starlette application
- `grpc`         PredictionService and ModelService; `calls` has their methods, message in, message out
- `options`      the command line's flags, checked
- `server`       the assembly: bind, load, poll, serve, stop

It is a stand-in for `tensorflow_model_server` where there is no Docker; docs/serving.md compares them line by line.
"""
