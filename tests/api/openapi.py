"""The OpenAPI document: whether a value fits a schema, and what a newer document takes away."""

import re
from typing import Any

Json = dict[str, Any]
KINDS: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}


def faults(value: object, schema: Json, root: Json, path: str = "$") -> list[str]:
    """Where a value does not fit a schema, as far as our own documents go."""
    schema = _plain(schema, root)
    options = schema.get("anyOf") or schema.get("oneOf")
    if options:
        tries = [faults(value, option, root, path) for option in options]
        return [] if any(not found for found in tries) else min(tries, key=len)
    kind = schema.get("type")
    if kind is not None and not _is(value, kind):
        return [f"{path}: {kind} expected, got {value!r}"]
    if "enum" in schema and value not in schema["enum"]:
        return [f"{path}: one of {schema['enum']} expected, got {value!r}"]
    if "const" in schema and value != schema["const"]:
        return [f"{path}: {schema['const']!r} expected, got {value!r}"]
    if isinstance(value, str):
        return _text_faults(value, schema, path)
    if isinstance(value, list):
        inner = schema.get("items", {})
        return [f for i, one in enumerate(value) for f in faults(one, inner, root, f"{path}[{i}]")]
    return _object_faults(value, schema, root, path) if isinstance(value, dict) else []


def _text_faults(value: str, schema: Json, path: str) -> list[str]:
    form = {
        "date-time": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z",
        "date": r"\d{4}-\d\d-\d\d",
    }.get(schema.get("format", ""), ".*")
    return [] if re.fullmatch(form, value, re.DOTALL) else [f"{path}: {form} expected, got {value}"]


def _object_faults(value: Json, schema: Json, root: Json, path: str) -> list[str]:
    known, rest = schema.get("properties", {}), schema.get("additionalProperties", True)
    found = [f"{path}.{key}: missing" for key in schema.get("required", []) if key not in value]
    for key, inner in value.items():
        if key in known:
            found += faults(inner, known[key], root, f"{path}.{key}")
        elif rest is False:
            found.append(f"{path}.{key}: unexpected")
        elif isinstance(rest, dict):
            found += faults(inner, rest, root, f"{path}.{key}")
    return found


def narrowed(old: Json, new: Json) -> list[str]:
    """What the old document promised and the new one does not keep; additions are no fault."""
    found: list[str] = []
    for path, methods in old["paths"].items():
        for method, before in methods.items():
            after = new["paths"].get(path, {}).get(method)
            if after is None:
                found.append(f"{method.upper()} {path} is gone")
                continue
            where = f"{method.upper()} {path}"
            found += _request(before, after, (old, new), where)
            found += _answers(before, after, (old, new), where)
    return found


def _request(before: Json, after: Json, roots: tuple[Json, Json], where: str) -> list[str]:
    was = {p["name"]: p for p in before.get("parameters", [])}
    now = {p["name"]: p for p in after.get("parameters", [])}
    found = [f"{where}: parameter {name} is gone" for name in was if name not in now]
    for name, one in now.items():
        if one.get("required") and not was.get(name, {}).get("required"):
            found.append(f"{where}: parameter {name} is needed now")
        if name in was:
            place = f"{where}?{name}"
            found += _takes_less(was[name]["schema"], one["schema"], roots, place)
    was_body, now_body = _body(before.get("requestBody")), _body(after.get("requestBody"))
    if was_body is None and now_body is not None and after["requestBody"].get("required"):
        found.append(f"{where}: a body is needed now")
    if was_body is not None and now_body is not None:
        found += _takes_less(was_body, now_body, roots, f"{where} body")
    return found


def _answers(before: Json, after: Json, roots: tuple[Json, Json], where: str) -> list[str]:
    found = []
    for status, was in before["responses"].items():
        now = after["responses"].get(status)
        if now is None:
            found.append(f"{where}: answer {status} is gone")
            continue
        was_body, now_body = _body(was), _body(now)
        if was_body is not None and now_body is not None:
            found += _gives_less(was_body, now_body, roots, f"{where} {status}")
    return found


def _takes_less(was: Json, now: Json, roots: tuple[Json, Json], where: str) -> list[str]:
    """What was accepted and is no longer."""
    was, now = _plain(was, roots[0]), _plain(now, roots[1])
    found = [
        f"{where}: {kind} refused now" for kind in _kinds(was, roots[0]) - _kinds(now, roots[1])
    ]
    gone = set(map(str, was.get("enum", []))) - set(map(str, now.get("enum", was.get("enum", []))))
    found += [f"{where}: {value} refused now" for value in gone]
    for limit, sign in (("maxLength", 1), ("maximum", 1), ("minLength", -1), ("minimum", -1)):
        if limit in now and (limit not in was or sign * was[limit] > sign * now[limit]):
            found.append(f"{where}: narrower {limit}")
    props, before = now.get("properties", {}), was.get("properties", {})
    found += [f"{where}.{key}: refused now" for key in before if key not in props]
    needed = set(now.get("required", [])) - set(was.get("required", []))
    found += [f"{where}.{key}: needed now" for key in needed]
    for key in before.keys() & props.keys():
        found += _takes_less(before[key], props[key], roots, f"{where}.{key}")
    return found


def _gives_less(was: Json, now: Json, roots: tuple[Json, Json], where: str) -> list[str]:
    """What readers could rely on in an answer and no longer can."""
    was, now = _plain(was, roots[0]), _plain(now, roots[1])
    new_kinds = _kinds(now, roots[1]) - _kinds(was, roots[0])
    found = [f"{where}: may be {kind} now" for kind in new_kinds]
    props, before = now.get("properties", {}), was.get("properties", {})
    found += [f"{where}.{key}: gone" for key in before if key not in props]
    loose = set(was.get("required", [])) - set(now.get("required", []))
    found += [f"{where}.{key}: may be absent now" for key in loose]
    for key in before.keys() & props.keys():
        found += _gives_less(before[key], props[key], roots, f"{where}.{key}")
    if "items" in was and "items" in now:
        found += _gives_less(was["items"], now["items"], roots, f"{where}[]")
    for i, option in enumerate(was.get("anyOf", [])):
        others = now.get("anyOf", [])
        if i < len(others):
            found += _gives_less(option, others[i], roots, where)
    return found


def _kinds(schema: Json, root: Json) -> set[str]:
    schema = _plain(schema, root)
    if "anyOf" in schema:
        return {kind for option in schema["anyOf"] for kind in _kinds(option, root)}
    return {schema["type"]} if "type" in schema else set()


def _body(part: Json | None) -> Json | None:
    content = (part or {}).get("content", {})
    found: Json | None = content.get("application/json", {}).get("schema")
    return found


def _plain(schema: Json, root: Json) -> Json:
    while "$ref" in schema:
        found = root
        for part in schema["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        schema = found
    return schema


def _is(value: object, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    return isinstance(value, KINDS[kind])
