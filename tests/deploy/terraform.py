"""Runs Terraform on the module and its example: format, validation against the AWS provider's schemas, and the module's own tests.
Nothing is fetched: provider.py stands in for the provider."""

import json
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import provider

# For `override_during` in the module's tests.
OLDEST = (1, 11)


def problems(folder):
    """None if Terraform is not installed."""
    program = shutil.which("terraform")
    if program is None:
        return None
    with tempfile.TemporaryDirectory() as scratch, provider.running() as reattach:
        scratch = Path(scratch)
        (scratch / "terraform.rc").write_text("")
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(scratch),
            "TF_CLI_CONFIG_FILE": str(scratch / "terraform.rc"),
            "CHECKPOINT_DISABLE": "1",
            **reattach,
        }

        def terraform(*arguments, at=scratch):
            command = [program, f"-chdir={at}", *arguments]
            return subprocess.run(
                command, env=environment, capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL
            )

        version = json.loads(terraform("version", "-json").stdout)["terraform_version"]
        if tuple(int(part) for part in re.findall(r"\d+", version)[:2]) < OLDEST:
            return [f"terraform: version {version}; expected {'.'.join(map(str, OLDEST))} or newer"]
        copy = shutil.copytree(folder, scratch / "module", ignore=shutil.ignore_patterns(".terraform*"))
        return list(checked(terraform, copy))


def checked(terraform, module):
    done = terraform("fmt", "-check", "-recursive", "-diff", at=module)
    if done.returncode:
        yield f"terraform fmt: {said(done)}"
    for folder in (module, module / "example"):
        for arguments in (("init", "-backend=false", "-input=false", "-no-color"), ("validate", "-no-color")):
            done = terraform(*arguments, at=folder)
            if done.returncode:
                yield f"terraform {arguments[0]} in {folder.name}: {said(done)}"
                return
    done = terraform("test", "-no-color", at=module)
    ran = re.search(r"^Success! (\d+) passed, 0 failed", done.stdout, re.M)
    if done.returncode or not ran or int(ran[1]) == 0:
        yield f"terraform test: {said(done)}"


def said(done):
    return "\n    ".join((done.stdout + done.stderr).strip().splitlines())
