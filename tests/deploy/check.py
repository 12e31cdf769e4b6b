"""Checks the deployment on EC2 without EC2: `check.py PART FOLDER PERMAFROST DOCUMENT`, where PART is what to check, or all, FOLDER is
deploy/ or a copy of it, PERMAFROST the parent's program, and DOCUMENT docs/deploy.md. scripts/check-deploy calls it.

Each check reports problems in lines of `rule: what was found; what was expected`. Exit code 0: no problem; 1: a problem.
"""

import sys
from importlib import import_module
from pathlib import Path


def main():
    part, folder, permafrost, page = sys.argv[1], *map(Path, sys.argv[2:])
    # Title, module, and the arguments of its `problems`.
    checks = {
        "units": ("systemd units", "units", [folder, permafrost]),
        "module": ("Terraform module: names and rules", "module", [folder / "terraform"]),
        "policy": ("Terraform module: policies", "policy", [folder / "terraform", permafrost]),
        "terraform": ("Terraform module: Terraform itself", "terraform", [folder / "terraform"]),
        "page": (f"commands in {page.name}", "commands", [page, permafrost]),
    }
    if part != "all" and part not in checks:
        sys.exit(f"refused: the part {part} does not exist; expected all, {', '.join(checks)}")
    found = 0
    for title, name, arguments in checks.values() if part == "all" else [checks[part]]:
        problems = import_module(name).problems(*arguments)
        if problems is None:
            print(f"{title}: LEFT OUT: terraform is not installed, so the format, the validation and the module's tests were not checked")
            continue
        problems = list(problems)
        found += len(problems)
        print(f"{title}: {'refused' if problems else 'good'}")
        for problem in problems:
            print(f"  {problem}")
    return min(found, 1)


if __name__ == "__main__":
    sys.exit(main())
