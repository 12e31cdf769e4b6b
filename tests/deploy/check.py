"""Checks what runs Permafrost on EC2, without EC2: `check.py FOLDER PERMAFROST [PAGE]`, where FOLDER is deploy/ or a copy of it,
PERMAFROST the parent's program, and PAGE docs/deploy.md. scripts/check-deploy calls it.

Each check gives what it found wrong, in lines of `rule: what came; what was expected`. Exit code 0: nothing; 1: something.
"""

import sys
from pathlib import Path

import commands
import module
import policy
import terraform
import units


def main():
    folder, permafrost, pages = Path(sys.argv[1]), Path(sys.argv[2]), [Path(page) for page in sys.argv[3:]]
    checks = [
        ("systemd units", lambda: units.problems(folder, permafrost)),
        ("Terraform module: names and rules", lambda: module.problems(folder / "terraform")),
        ("Terraform module: key policy", lambda: policy.problems(folder / "terraform", permafrost)),
        ("Terraform module: Terraform itself", lambda: terraform.problems(folder / "terraform")),
        *((f"commands in {page.name}", lambda page=page: commands.problems(page, permafrost)) for page in pages),
    ]
    found = 0
    for title, check in checks:
        problems = list(check())
        found += len(problems)
        print(f"{title}: {'refused' if problems else 'good'}")
        for problem in problems:
            print(f"  {problem}")
    return min(found, 1)


if __name__ == "__main__":
    sys.exit(main())
