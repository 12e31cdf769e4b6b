"""Checks what runs Permafrost on EC2, without EC2: `check.py PART FOLDER PERMAFROST PAGE`, where PART is what to check, or all, FOLDER
is deploy/ or a copy of it, PERMAFROST the parent's program, and PAGE docs/deploy.md. scripts/check-deploy calls it.

Each check gives what it found wrong, in lines of `rule: what came; what was expected`. Exit code 0: nothing; 1: something.
"""

import sys
from importlib import import_module
from pathlib import Path


def main():
    part, folder, permafrost, page = sys.argv[1], *map(Path, sys.argv[2:])
    # Title, module, what its `problems` takes.
    checks = {
        "units": ("systemd units", "units", [folder, permafrost]),
        "module": ("Terraform module: names and rules", "module", [folder / "terraform"]),
        "policy": ("Terraform module: key policy", "policy", [folder / "terraform", permafrost]),
        "terraform": ("Terraform module: Terraform itself", "terraform", [folder / "terraform"]),
        "page": (f"commands in {page.name}", "commands", [page, permafrost]),
    }
    if part != "all" and part not in checks:
        sys.exit(f"refused: there is no part {part}; expected all, {', '.join(checks)}")
    found = 0
    for title, name, arguments in checks.values() if part == "all" else [checks[part]]:
        problems = import_module(name).problems(*arguments)
        if problems is None:
            print(f"{title}: LEFT OUT: terraform is not here, so its format, its validation and the module's tests were not run")
            continue
        problems = list(problems)
        found += len(problems)
        print(f"{title}: {'refused' if problems else 'good'}")
        for problem in problems:
            print(f"  {problem}")
    return min(found, 1)


if __name__ == "__main__":
    sys.exit(main())
