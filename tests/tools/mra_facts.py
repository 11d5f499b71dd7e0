"""Takes the facts that the tests check our property lines against from the ECHONET MRA.

    python tests/tools/mra_facts.py FOLDER > tests/data/mra_facts.json

FOLDER is the unpacked Machine Readable Appendix (data version 1.3.0 or 1.3.1, Appendix release R),
with `devices`, `superClass`, `nodeProfile`, `definitions`. Only facts are taken: class, EPC, sizes,
factor and unit of a number, codes of a choice, access, and the releases each variant is valid for.
No names and no descriptions.
"""

import json
import sys
from pathlib import Path

CLASSES = ["0011", "0012", "0130", "026B", "0279", "027D", "027E", "0287", "0288", "02A1", "05FF"]
NOTICE = Path(__file__).parents[1] / "data" / "mra_notice.txt"
BYTES = {"int8": 1, "uint8": 1, "int16": 2, "uint16": 2, "int32": 4, "uint32": 4}
ACCESS = {
    "required": "R",
    "optional": "o",
    "notApplicable": "-",
    "required_c": "c",
    "required_o": "q",
}


def resolved(data: dict, definitions: dict) -> dict:
    if "$ref" not in data:
        return data
    own = {key: value for key, value in data.items() if key != "$ref"}
    return {**definitions[data["$ref"].rsplit("/", 1)[-1]], **own}


def sizes(data: dict, definitions: dict) -> set[int]:
    data = resolved(data, definitions)
    if "oneOf" in data:
        return set().union(*(sizes(one, definitions) for one in data["oneOf"]))
    kind = data["type"]
    if kind == "number":
        return {BYTES[data["format"]]}
    if kind in ("state", "numericValue", "bitmap"):
        return {data.get("size", 1)}
    if kind == "level":
        return {(len(data["base"]) - 2) // 2}
    if kind == "raw":
        return set(range(data.get("minSize", 1), data.get("maxSize", 255) + 1))
    if kind == "object":
        total = {0}
        for part in data["properties"]:
            more = sizes(part["element"], definitions)
            total = {one + two for one in total for two in more}
        return total
    if kind == "array":
        least, most = data.get("minItems", 0), data["maxItems"]
        return {data["itemSize"] * count for count in range(least, most + 1)}
    return {data.get("size", {"time": 3, "date": 4, "date-time": 7}[kind])}


def numbers(data: dict, definitions: dict) -> dict:
    """The one number that a simple property is, and the codes beside it."""
    data = resolved(data, definitions)
    parts = [resolved(one, definitions) for one in data.get("oneOf", [data])]
    facts: dict = {}
    for part in parts:
        if part["type"] == "number":
            facts["format"] = part["format"]
            facts["factor"] = part.get("multiple", part.get("multipleOf", 1))
            facts["unit"] = part.get("unit", "")
            facts["scaled_by"] = [code[2:] for code in part.get("coefficient", [])]
        if part["type"] == "state":
            facts["codes"] = [one["edt"][2:] for one in part["enum"]]
    return facts


def variants(prop: dict, definitions: dict) -> list[dict]:
    found = []
    for one in prop.get("oneOf", [prop]):
        release = one.get("validRelease", prop.get("validRelease"))
        access = one.get("accessRule", prop.get("accessRule"))
        lengths = sorted(sizes(one["data"], definitions))
        found.append(
            {
                "from": release["from"],
                "to": release["to"],
                "access": "".join(ACCESS[access[key]] for key in ("get", "set", "inf")),
                "sizes": lengths if len(lengths) < 4 else _span(lengths),
                **({"after": prop["atomic"][2:]} if "atomic" in prop else {}),
                **numbers(one["data"], definitions),
            }
        )
    return found


def _span(lengths: list[int]) -> list[int]:
    return [lengths[0], lengths[-1], lengths[1] - lengths[0]]


def facts(folder: Path) -> dict:
    definitions = json.loads((folder / "definitions/definitions.json").read_text())["definitions"]
    files = {code: folder / f"devices/0x{code}.json" for code in CLASSES}
    files["0000"] = folder / "superClass/0x0000.json"
    files["0EF0"] = folder / "nodeProfile/0x0EF0.json"
    classes: dict[str, dict[str, list[dict]]] = {}
    for code, file in sorted(files.items()):
        table = classes.setdefault(code, {})
        for prop in json.loads(file.read_text())["elProperties"]:
            table.setdefault(prop["epc"][2:], []).extend(variants(prop, definitions))
    return {
        "_notice": " ".join(NOTICE.read_text(encoding="utf-8").split()),
        "_how": "sizes in bytes (four or more: least, most, step); access: get, set, inform as"
        " R required, o optional, - not, c or q under a condition; after: EPC to be written first",
        "classes": classes,
    }


def written(found: dict) -> str:
    """JSON with one line for each property."""
    classes = (
        f'  "{code}": {{\n'
        + ",\n".join(f'   "{epc}": {json.dumps(one)}' for epc, one in table.items())
        + "\n  }"
        for code, table in found["classes"].items()
    )
    head = "".join(f' "{key}": {json.dumps(found[key])},\n' for key in ("_notice", "_how"))
    return "{\n" + head + ' "classes": {\n' + ",\n".join(classes) + "\n }\n}\n"


if __name__ == "__main__":
    sys.stdout.write(written(facts(Path(sys.argv[1]))))
