"""Checks the Terraform module without Terraform: every attribute and block against the AWS provider's schemas, and rules that no
schema has. Where Terraform is installed, terraform.py does the former better; the rules are only here."""

import json
import subprocess
from pathlib import Path

import hcl2

SCHEMAS = json.loads((Path(__file__).parent / "aws-provider.json").read_text())

# What Terraform itself accepts in every resource and data source.
META = {"count", "depends_on", "for_each", "lifecycle", "provider"}

# What must be written literally: kind, path of blocks and attributes, value.
RULES = [
    ("aws_instance", "metadata_options.http_tokens", "required"),  # IMDSv2 only
    ("aws_instance", "metadata_options.http_put_response_hop_limit", 1),
    ("aws_instance", "metadata_options.http_endpoint", "enabled"),
    ("aws_instance", "enclave_options.enabled", True),
    ("aws_instance", "root_block_device.encrypted", True),
    ("aws_instance", "disable_api_termination", True),
    ("aws_ebs_volume", "encrypted", True),
    ("aws_ebs_volume", "final_snapshot", True),
    ("aws_ebs_volume", "lifecycle.prevent_destroy", True),
    ("aws_kms_key", "bypass_policy_lockout_safety_check", False),
    ("aws_kms_key", "deletion_window_in_days", 30),
    ("aws_kms_key", "lifecycle.prevent_destroy", True),
    ("aws_kms_key", "multi_region", False),
    ("aws_kms_key", "policy", "${local.key_policy}"),
    ("aws_iam_role", "lifecycle.prevent_destroy", True),
    ("aws_dynamodb_table", "billing_mode", "PAY_PER_REQUEST"),
    ("aws_dynamodb_table", "hash_key", "kind"),
    ("aws_dynamodb_table", "range_key", "id"),
    ("aws_dynamodb_table", "deletion_protection_enabled", True),
    ("aws_dynamodb_table", "point_in_time_recovery.enabled", True),
    ("aws_dynamodb_table", "lifecycle.prevent_destroy", True),
    # A copy, or what changes records beside the enclave.
    ("aws_dynamodb_table", "stream_enabled", None),
    ("aws_dynamodb_table", "replica", None),
    ("aws_dynamodb_table", "ttl", None),
    ("aws_dynamodb_table", "global_secondary_index", None),
    ("aws_dynamodb_table", "local_secondary_index", None),
    ("aws_dynamodb_resource_policy", "policy", "${local.table_policy}"),
    ("aws_dynamodb_resource_policy", "confirm_remove_self_resource_access", False),
    ("aws_dynamodb_resource_policy", "lifecycle.prevent_destroy", True),
    ("aws_iam_user_policy", "policy", "${local.enclave_policy}"),
    ("aws_lb_target_group", "health_check.path", "/readyz"),
    ("aws_lb_listener", "protocol", "TLS"),
]

# How many of these there are.
COUNTS = {
    "aws_instance": 1, "aws_ebs_volume": 1, "aws_kms_key": 1, "aws_iam_role": 1, "aws_dynamodb_table": 1, "aws_dynamodb_resource_policy": 1,
    "aws_iam_user": 1, "aws_iam_user_policy": 1,
}


def problems(folder):
    files, found = {}, []
    for path in [*sorted(folder.glob("*.tf")), *sorted(folder.glob("example/*.tf"))]:
        try:
            files[path] = plain(hcl2.loads(path.read_text()))
        except Exception as error:  # the parser raises errors of its own and of its parts
            found.append(f"{path.name}: {str(error).splitlines()[0]}; expected HCL")
    if found:
        return found
    resources = [item for content in files.values() for item in of_kind(content, "resource")]
    data_sources = [item for content in files.values() for item in of_kind(content, "data")]
    return [
        *schema_problems("resource", resources, SCHEMAS["resources"]),
        *schema_problems("data source", data_sources, SCHEMAS["data_sources"]),
        *rule_problems(resources),
        *policy_problems(resources),
        *version_problems(files),
        *described_problems(files),
        *user_data_problems(folder),
    ]


def schema_problems(kind, items, schemas):
    for name, label, body in items:
        if name not in schemas:
            yield f"{kind}: {name} is not in aws-provider.json; expected {', '.join(schemas)}, or the schema of more"
        else:
            yield from block_problems(f"{name}.{label}", body, schemas[name], META)


def block_problems(place, body, schema, beside=frozenset()):
    for name, value in body.items():
        if name in beside:
            continue
        if name in schema["blocks"]:
            nested = schema["blocks"][name]
            blocks = value if isinstance(value, list) else [value]
            if nested["max"] and len(blocks) > nested["max"]:
                yield f"{place}: {len(blocks)} blocks {name}; expected {nested['max']} at most"
            for inner in blocks:
                yield from block_problems(f"{place}.{name}", inner, nested)
        elif name not in schema["attributes"]:
            yield f"{place}: {name} is unknown; expected an attribute or a block of the AWS provider {SCHEMAS['version']}"
        elif not {"required", "optional"} & schema["attributes"][name].keys():
            yield f"{place}: {name} is only for reading"
    for name, attribute in schema["attributes"].items():
        if attribute.get("required") and name not in body:
            yield f"{place}: {name} is missing"
    for name, nested in schema["blocks"].items():
        if nested["min"] and name not in body:
            yield f"{place}: the block {name} is missing"


def rule_problems(resources):
    for kind, expected in COUNTS.items():
        came = sum(name == kind for name, _, _ in resources)
        if came != expected:
            yield f"{kind}: {came} of them; expected {expected}"
    for kind, path, expected in RULES:
        for name, label, body in resources:
            if name == kind and (came := at(body, path)) != expected:
                yield f"{name}.{label}: {path} is {came}; expected {expected}"


def policy_problems(resources):
    """The key's policy alone says what the role may do with the key, and it may do nothing with the table, so no policy of the role may
    name KMS or DynamoDB, or every action."""
    for name, label, body in resources:
        if name != "aws_iam_role_policy":
            continue
        if "kms:" in body["policy"] or '"*:*"' in body["policy"] or 'Action = "*"' in body["policy"]:
            yield f"{name}.{label}: it names KMS, or every action; expected that of the key's policy alone"
        if "dynamodb:" in body["policy"]:
            yield f"{name}.{label}: it names DynamoDB; expected nothing of it, which only the enclave's user may use"


def version_problems(files):
    for folder in {path.parent for path in files}:
        settings = [block for path, content in files.items() if path.parent == folder for block in content.get("terraform", [])]
        required = [block["required_version"] for block in settings if "required_version" in block]
        providers = [entry for block in settings for given in block.get("required_providers", []) for entry in given.items()]
        if len(required) != 1 or "<" not in required[0]:
            yield f"{folder.name}: required_version is {required}; expected one, with an upper bound"
        for name, entry in providers:
            if not entry.get("version", "").startswith("~> "):
                yield f"{folder.name}: the provider {name} is {entry.get('version')}; expected ~> and a version"
        if [name for name, _ in providers] != ["aws"]:
            yield f"{folder.name}: the providers are {[name for name, _ in providers]}; expected aws"


def described_problems(files):
    for path, content in files.items():
        if path.parent.name == "example":
            continue
        for kind, needed in (("variable", ("description", "type")), ("output", ("description",))):
            for block in content.get(kind, []):
                for name, body in block.items():
                    for word in needed:
                        if word not in body:
                            yield f"{kind} {name}: no {word}"


def user_data_problems(folder):
    script = (folder / "user-data.sh.tftpl").read_text().replace("${store_serial}", "vol0123456789abcdef0")
    if "${" in script or "%{" in script:
        yield "user-data.sh.tftpl: it has more to fill in than ${store_serial}"
    done = subprocess.run(["bash", "-n"], input=script, capture_output=True, text=True, timeout=60)
    if done.returncode:
        yield f"user-data.sh.tftpl: {done.stderr.strip()}; expected a script of bash"


def of_kind(content, kind):
    for block in content.get(kind, []):
        for name, labelled in block.items():
            for label, body in labelled.items():
                yield name, label, body


def at(body, path):
    for name in path.split("."):
        body = body[0] if isinstance(body, list) else body
        if not isinstance(body, dict) or name not in body:
            return None
        body = body[name]
    return body


def plain(value):
    """The parser's result, without its marks and without the quotation marks of strings."""
    if isinstance(value, dict):
        return {plain(name): plain(inner) for name, inner in value.items() if name not in ("__is_block__", "__comments__")}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    if isinstance(value, str) and len(value) > 1 and value[0] == value[-1] == '"':
        return value[1:-1]
    return value
