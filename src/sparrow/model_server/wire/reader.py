"""`.proto` files → protobuf descriptors, at import: no generated code that could differ from its source or its runtime.

Reads the part of proto3 that this package's files use: messages, enums, oneofs, maps, repeated fields and unary services.
The descriptors live in a pool of their own, so they never meet TensorFlow's registration of the same names.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from google.protobuf import any_pb2, descriptor_pb2, descriptor_pool, wrappers_pb2

_TOKEN = re.compile(r'//[^\n]*|(?P<token>"[^"]*"|[\w.]+|[{}()<>=;,])')
_FIELD = descriptor_pb2.FieldDescriptorProto
_SCALARS: Final = {
    name: getattr(_FIELD, f"TYPE_{name.upper()}")
    for name in ("double", "float", "int64", "uint64", "int32", "uint32", "bool", "string", "bytes")
}
_WELL_KNOWN: Final = (any_pb2, wrappers_pb2)


def load_pool(files: list[Path]) -> Any:
    """A descriptor pool with the well-known types and some files.

    Args:
        files: in the order of their imports.
    """
    pool = descriptor_pool.DescriptorPool()
    for module in _WELL_KNOWN:
        pool.AddSerializedFile(module.DESCRIPTOR.serialized_pb)
    for file in files:
        pool.AddSerializedFile(_read_file(file.name, file.read_text(encoding="utf-8")).SerializeToString())
    return pool


def _read_file(name: str, text: str) -> Any:
    tokens = (found["token"] for found in _TOKEN.finditer(text) if found["token"])
    file = descriptor_pb2.FileDescriptorProto(name=name)
    for word in tokens:
        match word:
            case "syntax":
                file.syntax = _statement(tokens)[1].strip('"')
            case "package":
                file.package = _statement(tokens)[0]
            case "import":
                file.dependency.append(_statement(tokens)[0].strip('"'))
            case "message":
                _read_message(tokens, file.message_type.add())
            case "enum":
                _read_enum(tokens, file.enum_type.add())
            case "service":
                _read_service(tokens, file.service.add())
            case _:
                raise ValueError(f"{name}: {word!r} begins no statement that this reader knows.")
    return file


def _statement(tokens: Iterator[str]) -> list[str]:
    """The words up to the semicolon."""
    return list(iter(lambda: next(tokens), ";"))


def _block(tokens: Iterator[str]) -> Iterator[str]:
    """The first word of each statement between the braces."""
    assert next(tokens) == "{"
    return iter(lambda: next(tokens), "}")


def _read_message(tokens: Iterator[str], message: Any) -> None:
    message.name = next(tokens)
    for word in _block(tokens):
        match word:
            case "message":
                _read_message(tokens, message.nested_type.add())
            case "enum":
                _read_enum(tokens, message.enum_type.add())
            case "oneof":
                message.oneof_decl.add(name=next(tokens))
                for first in _block(tokens):
                    _read_field([first, *_statement(tokens)], message).oneof_index = len(message.oneof_decl) - 1
            case _:
                _read_field([word, *_statement(tokens)], message)


def _read_field(words: list[str], message: Any) -> Any:
    """`[repeated] type name = number` or `map < key , value > name = number`."""
    kind, name, _, number = words[-4:]
    field = message.field.add(name=name, number=int(number))
    field.label = _FIELD.LABEL_REPEATED if words[0] in ("repeated", "map") else _FIELD.LABEL_OPTIONAL
    _set_type(field, kind if words[0] != "map" else _add_map_entry(words[2], words[4], name, message))
    return field


def _add_map_entry(key: str, value: str, name: str, message: Any) -> str:
    """On the wire a map is a repeated message of keys and values."""
    entry = message.nested_type.add(name="".join(part.capitalize() for part in name.split("_")) + "Entry")
    entry.options.map_entry = True
    _read_field([key, "key", "=", "1"], entry)
    _read_field([value, "value", "=", "2"], entry)
    return str(entry.name)


def _set_type(field: Any, kind: str) -> None:
    """Scalars have a type; the pool finds out itself whether another name is a message or an enum."""
    if kind in _SCALARS:
        field.type = _SCALARS[kind]
    else:
        field.type_name = kind


def _read_enum(tokens: Iterator[str], enum: Any) -> None:
    enum.name = next(tokens)
    for value in _block(tokens):
        enum.value.add(name=value, number=int(_statement(tokens)[1]))


def _read_service(tokens: Iterator[str], service: Any) -> None:
    """`rpc Name ( Request ) returns ( Response ) ;`"""
    service.name = next(tokens)
    for _ in _block(tokens):
        name, _, request, _, _, _, response, _ = _statement(tokens)
        service.method.add(name=name, input_type=request, output_type=response)
