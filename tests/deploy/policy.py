"""Checks the policies of the key, the table and the enclave's user. The key's: what Terraform puts while there is no release is what `permafrost kms policy` prints without
its releases, and the policy in the module's tests is what it prints with one. Both pass `permafrost kms check`. The others are what
`permafrost store table policy` prints, and pass `permafrost store table check`."""

import json
import subprocess
import tempfile
from pathlib import Path

ACCOUNT = "111122223333"
IAM = f"arn:aws:iam::{ACCOUNT}"
ROLE = f"{IAM}:role/permafrost-example"
RELEASE = "Allow release "

# Deployments and administrators that the template is filled in with. The first are those of the module's tests.
CASES = [
    ("example", [f"{IAM}:role/administrator"]),
    ("a-1", [f"{IAM}:role/path/of-a/role", f"{IAM}:user/somebody", f"{IAM}:root"]),
]


def problems(folder, permafrost):
    template = (folder / "key-policy.json.tftpl").read_text()
    measurements = folder / "tests/measurements.json"
    for deployment, administrators in CASES:
        printed = printed_policy(permafrost, measurements, deployment, administrators)
        # As Terraform's templatefile does, for a template with only these two variables.
        filled = template.replace("${deployment}", deployment).replace("${administrators}", json.dumps(administrators))
        expected = json.loads(printed)
        expected["Statement"] = [statement for statement in expected["Statement"] if not statement["Sid"].startswith(RELEASE)]
        if json.loads(filled) != expected:
            yield f"key-policy.json.tftpl: {difference(json.loads(filled), expected)}"
        for name, text in (("key-policy.json.tftpl", filled), ("permafrost kms policy", printed)):
            yield from check(permafrost, name, text)

    printed = printed_policy(permafrost, measurements, *CASES[0])
    kept = (folder / "tests/key-policy.json").read_text()
    if kept != printed:
        yield "tests/key-policy.json: not what `permafrost kms policy` prints for tests/measurements.json; expected the same bytes"
    if not list(check(permafrost, "", (folder / "tests/key-policy-open.json").read_text())):
        yield "tests/key-policy-open.json: passes `permafrost kms check`; expected a bypass of attestation"
    yield from table_problems(folder, permafrost)


def table_problems(folder, permafrost):
    for deployment, administrators in CASES:
        table = f"arn:aws:dynamodb:eu-central-1:{ACCOUNT}:table/permafrost-{deployment}"
        enclave = f"{IAM}:user/permafrost-{deployment}"
        words = {"table": table, "enclave": enclave, "principals": json.dumps([enclave, *administrators])}
        command = [permafrost, "store", "table", "policy", "--table", table]
        for administrator in administrators:
            command += ["--administrator", administrator]
        for name, option in (("table-policy.json.tftpl", []), ("enclave-policy.json.tftpl", ["--of-enclave"])):
            filled = (folder / name).read_text()
            for word, value in words.items():
                filled = filled.replace(f"${{{word}}}", value)
            printed = subprocess.run([*command, *option], check=True, capture_output=True, text=True, timeout=60).stdout
            if json.loads(filled) != json.loads(printed):
                yield f"{name}: {difference(json.loads(filled), json.loads(printed))}"
            if not option:
                yield from check_table(permafrost, name, table, filled)


def check_table(permafrost, name, table, text):
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / "policy.json"
        file.write_text(text)
        command = [permafrost, "store", "table", "check", "--json", "--offline", "--table", table, "--policy", file, "--parent-role", ROLE]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    if done.returncode:
        findings = ", ".join(finding["rule"] for finding in json.loads(done.stdout)["findings"])
        yield f"{name}: permafrost store table check finds {findings}; expected nothing"


def printed_policy(permafrost, measurements, deployment, administrators):
    command = [permafrost, "kms", "policy", "--measurements", f"v1={measurements}", "--account", ACCOUNT, "--role", ROLE]
    command += ["--deployment", deployment]
    for administrator in administrators:
        command += ["--administrator", administrator]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout


def check(permafrost, name, text):
    done = subprocess.run([permafrost, "kms", "check", "--json"], input=text, capture_output=True, text=True, timeout=60)
    if done.returncode:
        findings = ", ".join(finding["rule"] for finding in json.loads(done.stdout)["findings"])
        yield f"{name}: permafrost kms check finds {findings}; expected nothing"


def difference(came, expected):
    for key in expected:
        if came.get(key) != expected[key] and key != "Statement":
            return f"{key} is {came.get(key)}; expected {expected[key]}"
    pairs = zip(came["Statement"], expected["Statement"])
    differing = next((pair for pair in pairs if pair[0] != pair[1]), None)
    if differing is None:
        return f"{len(came['Statement'])} statements; expected {len(expected['Statement'])}"
    return f"a statement is {json.dumps(differing[0])}; expected {json.dumps(differing[1])}"
