"""The OpenAPI document: paths as they are given, schemas made of marshmallow's.

The only importer of apispec.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from marshmallow import Schema, fields

from feedsvc.core.item import ItemType
from feedsvc.schema import answers
from feedsvc.schema.fields import MAX_ID, Closed, Instant, ItemId, Link, Text
from feedsvc.schema.item import NEEDED, ItemSchema

VERSION = "3.1.0"
SCHEMAS: Mapping[str, type[Schema]] = {
    "Item": ItemSchema,
    "StoredItem": answers.StoredItemSchema,
    "RemovedItem": answers.RemovedItemSchema,
    "Published": answers.PublishedSchema,
    "Results": answers.ResultsSchema,
    "Channels": answers.ChannelsSchema,
    "Error": answers.ErrorSchema,
    "Health": answers.HealthSchema,
    "Ready": answers.ReadySchema,
}

JSON = dict[str, Any]

PRINTABLE: JSON = {"minLength": 1, "maxLength": MAX_ID, "format": "printable"}


def document(
    info: Mapping[str, Any],
    paths: Mapping[str, Mapping[str, Any]],
    responses: Mapping[str, Mapping[str, Any]],
    security: Mapping[str, Mapping[str, Any]],
) -> JSON:
    """Return the document of these paths, which refer to schemas by their names."""
    plugin = MarshmallowPlugin(schema_name_resolver=_name)
    spec = APISpec(
        info=dict(info),
        title=info["title"],
        version=info["version"],
        openapi_version=VERSION,
        plugins=[plugin],
    )
    _teach(plugin.converter)
    for name, schema in SCHEMAS.items():
        spec.components.schema(name, schema=schema)
    for name, response in responses.items():
        spec.components.response(name, dict(response))
    for name, scheme in security.items():
        spec.components.security_scheme(name, dict(scheme))
    for path, operations in paths.items():
        spec.path(path, operations={k: dict(v) for k, v in operations.items()})
    found: JSON = spec.to_dict()
    schemas = found["components"]["schemas"]
    item = schemas["Item"]
    item["allOf"] = [_needs(kind, names) for kind, names in NEEDED.items()]
    rest = {name: one for name, one in item["properties"].items() if name != "id"}
    schemas["AddressedItem"] = {**item, "properties": rest}
    return found


def _name(schema: Any) -> str:
    kind = schema if isinstance(schema, type) else type(schema)
    return str(kind.__name__).removesuffix("Schema")


def _teach(converter: Any) -> None:
    """Tell apispec's converter, whose methods have no types, of our own fields."""
    converter.map_to_openapi_type(Instant, "string", "date-time")
    converter.map_to_openapi_type(Link, "string", None)
    converter.map_to_openapi_type(Text, "string", None)
    converter.map_to_openapi_type(ItemId, "string", None)
    converter.add_attribute_function(_rules)
    # The last one: it widens what the others have found.
    converter.add_attribute_function(_nullable)


def _rules(self: Any, field: fields.Field[Any], ret: JSON, **_: Any) -> JSON:
    """Return what our fields check beside marshmallow's validators.

    The formats are our own: what is printable, and what is a URL with a host, is more
    than a pattern can say.
    """
    if isinstance(field, ItemId):
        return PRINTABLE
    if isinstance(field, Link):
        return {"format": "web-url", "pattern": "^[Hh][Tt][Tt][Pp][Ss]?://"}
    if isinstance(field, Text) and ret.get("minLength"):
        # Control characters are dropped, and something has to be left.
        return {"pattern": r"[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]"}
    return {}


def _nullable(self: Any, field: fields.Field[Any], ret: JSON, **_: Any) -> JSON:
    """Say that null is taken as absent, where it is."""
    schema = field.parent
    optional = isinstance(schema, Closed) and not field.required
    if not optional or isinstance(schema, answers.StoredItemSchema):
        return {}
    if "enum" in ret:
        return {"type": ["string", "null"], "enum": [*ret["enum"], None]}
    if "type" in ret:
        return {"type": [ret["type"], "null"]}
    if "$ref" in ret:
        return {"anyOf": [{"$ref": ret.pop("$ref")}, {"type": "null"}]}
    return {}


def _needs(kind: ItemType, names: tuple[str, ...]) -> JSON:
    """Say which fields a type of item needs; null is not enough."""
    there: JSON = {name: {"not": {"type": "null"}} for name in names}
    is_kind = {"required": ["type"], "properties": {"type": {"const": kind.value}}}
    return {"if": is_kind, "then": {"required": list(names), "properties": there}}
