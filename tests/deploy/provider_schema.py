"""Writes the schemas of those parts of the AWS provider that deploy/terraform uses, as JSON, from the bindings in the npm package
@cdktn/provider-aws, which are generated from the provider's own schema. Run it by hand when the module uses something new:

    npm pack @cdktn/provider-aws@25.7.0 && tar -xzf cdktn-provider-aws-*.tgz
    python3 tests/deploy/provider_schema.py package > tests/deploy/aws-provider.json

The bindings do not distinguish an optional attribute from one that is also computed, nor a list from a set in what is only computed:
the wider one is written for both.
"""

import json
import re
import sys
from pathlib import Path

RESOURCES = [
    "aws_dynamodb_resource_policy", "aws_dynamodb_table", "aws_ebs_volume", "aws_iam_instance_profile", "aws_iam_role",
    "aws_iam_role_policy", "aws_iam_user", "aws_iam_user_policy", "aws_instance", "aws_kms_alias", "aws_kms_key", "aws_lb", "aws_lb_listener",
    "aws_lb_target_group", "aws_lb_target_group_attachment", "aws_security_group", "aws_volume_attachment",
    "aws_vpc_security_group_egress_rule", "aws_vpc_security_group_ingress_rule",
]
DATA_SOURCES = ["aws_ssm_parameter", "aws_subnet", "aws_subnets", "aws_vpc"]
# What a configuration of the provider itself may have; the bindings spell some of it differently.
PROVIDER = {
    "attributes": {
        "allowed_account_ids": {"type": ["set", "string"], "optional": True},
        "profile": {"type": "string", "optional": True},
        "region": {"type": "string", "optional": True},
    },
    "blocks": {},
}

SIMPLE = {
    "string": "string", "number": "number", "boolean": "bool",
    "stringList": ["list", "string"], "numberList": ["list", "number"],
    "stringMap": ["map", "string"],
}
COMPUTED = {
    "string": "string", "number": "number", "cdktn.IResolvable": "bool",
    "string[]": ["list", "string"], "cdktn.StringMap": ["map", "string"],
}


def main():
    package = Path(sys.argv[1])
    described = json.loads((package / "package.json").read_text())
    schemas = {
        "version": described["cdktn"]["provider"]["version"],
        "provider": PROVIDER,
        "resources": {name: of_kind(package, name, "") for name in RESOURCES},
        "data_sources": {name: of_kind(package, name, "data-") for name in DATA_SOURCES},
    }
    print(written(schemas))


def written(schemas):
    """JSON with one line for each kind of resource."""
    lines = [f'  "version": {json.dumps(schemas["version"])},', f'  "provider": {json.dumps(schemas["provider"])},']
    for kind in ("resources", "data_sources"):
        members = [f"    {json.dumps(name)}: {json.dumps(schema)}" for name, schema in sorted(schemas[kind].items())]
        lines += [f'  "{kind}": {{', ",\n".join(members), "  }," if kind == "resources" else "  }"]
    return "\n".join(["{", *lines, "}"])


def of_kind(package, name, prefix):
    folder = prefix + (name if prefix else name.removeprefix("aws_")).replace("_", "-")
    return of_class(package, folder, camel(folder.replace("-", "_"), True))


def of_class(package, folder, name):
    code = (package / "lib" / folder / "index.js").read_text()
    types = (package / "lib" / folder / "index.d.ts").read_text()
    attributes = between(code, "    synthesizeHclAttributes() {\n        const attrs = {\n", "\n        };", " " * 12)
    schema = block(attributes, f"{name}Config", code, types)
    declared = re.search(rf"^export declare class {name} extends .*?^}}", types, re.M | re.S)[0]
    for getter, kind in re.findall(r"^    get (\w+)\(\): (.+);$", declared, re.M):
        attribute = snake(getter)
        is_input = getter.endswith("Input") and snake(getter.removesuffix("Input")) in {
            *schema["attributes"], *schema["blocks"]
        }
        if kind in COMPUTED and not is_input and attribute not in schema["attributes"]:
            schema["attributes"][attribute] = {"type": COMPUTED[kind], "computed": True}
    return schema


def block(attributes, interface, code, types):
    """One block: `attributes` is the code that maps names to values, `interface` says what is required."""
    schema = {"attributes": {}, "blocks": {}}
    declared = re.search(rf"^export interface {interface} (extends \S+ )?\{{(.*?)^\}}", types, re.M | re.S)[2]
    for name, is_block, shape, storage in attributes:
        given = re.search(rf"^    readonly {camel(name)}(\??): (.+?);$", declared, re.M | re.S)
        if not given:
            # A name that the bindings could not keep, such as get_password_data.
            print(f"left out: {name} of {interface}", file=sys.stderr)
            continue
        required, one = not given[1], "[]" not in given[2]
        if storage in SIMPLE:
            kind = SIMPLE[storage]
            if shape == "set":
                kind = ["set", kind[1]]
            presence = {"required": True} if required else {"optional": True, "computed": True}
            schema["attributes"][name] = {"type": kind, **presence}
        elif is_block:
            inner = storage.removesuffix("List") if shape != "struct" else storage
            function = f"function {inner[0].lower()}{inner[1:]}ToHclTerraform(struct) {{"
            nested = between(code[code.index(function):], "    const attrs = {\n", "\n    };", " " * 8)
            schema["blocks"][name] = {
                "nesting": {"struct": "single"}.get(shape, shape),
                "max": 1 if one and shape != "struct" else 0,
                "min": int(required),
                **block(nested, inner, code, types),
            }
        # The rest are attributes of objects, which nothing here uses.
    return schema


def between(code, start, end, indent):
    """The entries of the first mapping between the two: name, whether it is a block, type, storage class."""
    start = code.index(start) + len(start)
    text = "\n" + code[start:code.index(end, start)]
    entry = (
        rf"\n{indent}(\w+): \{{\n\s+value: .+,\n\s+isBlock: (true|false),\n\s+type: \"(\w+)\",\n"
        rf"\s+storageClassType: \"(\w+)\",\n{indent}\}}"
    )
    return [(name, is_block == "true", shape, storage) for name, is_block, shape, storage in re.findall(entry, text)]


def camel(name, first=False):
    words = name.split("_")
    return "".join(word.capitalize() if place or first else word for place, word in enumerate(words))


def snake(name):
    return re.sub("([A-Z])", lambda match: "_" + match[1].lower(), name)


main()
