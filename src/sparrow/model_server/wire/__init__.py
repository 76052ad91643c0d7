"""The protocol as protobuf: an own minimal `.proto` with TensorFlow Serving's field numbers and method paths.

- `tensorflow.proto`, `serving.proto`  the messages, services and configuration files
- `reader`    those files → protobuf descriptors, read when the package is imported; nothing is generated
- `messages`  the message classes and the methods of the services
- `tensors`   TensorProto <-> arrays
- `examples`  tf.Example inputs, from requests and from JSON
- `client`    a small gRPC client that loads no TensorFlow
- `transports`  how the recommendation server asks: REST or gRPC, by the address

The official stubs would load all of TensorFlow; they are the foreign client in the tests.
"""
