"""Checks the units of deploy/systemd: deploy/install installs them below a folder of their own, and systemd judges them there."""

import json
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

SYSTEM_UNITS = Path("/usr/lib/systemd/system")

# What each unit leaves open, by the names of `systemd-analyze security`. Anything else that is open is a mistake, whatever its effect
# on the exposure level.
OPEN = {
    "permafrost.service": {
        "DeviceAllow",  # the real-time clock may be read, which systemd allows every unit
        "IPAddressDeny",  # KMS has no fixed addresses; the program has an allow-list of names
        "PrivateNetwork",
        "RestrictAddressFamilies_AF_INET_INET6",
        "RestrictAddressFamilies_AF_UNIX",
        "RestrictAddressFamilies_OTHER",  # vsock
        "RootDirectoryOrRootImage",
    },
    "permafrost-enclave.service": {
        "DeviceAllow",  # /dev/nitro_enclaves
        "PrivateDevices",
        "PrivateNetwork",  # vsock; IPAddressDeny takes its place
        "PrivateUsers",
        "ProcSubset",  # nitro-cli reads /proc/meminfo
        "RestrictAddressFamilies_AF_UNIX",
        "RestrictAddressFamilies_OTHER",
        "RootDirectoryOrRootImage",
    },
}

# The resulting exposure levels, times ten.
THRESHOLD = {"permafrost.service": 13, "permafrost-enclave.service": 12}

# What else each unit must contain, which no other program checks.
MUST = {
    "permafrost.service": ["Restart=always", "LimitCORE=0", "StateDirectoryMode=0700", "WantedBy=multi-user.target"],
    "permafrost-enclave.service": [
        "Type=forking", "Restart=always", "LimitCORE=0", "Group=ne", "DeviceAllow=/dev/nitro_enclaves rw",
        "ReadWritePaths=/run/nitro_enclaves /var/log/nitro_enclaves", "WantedBy=multi-user.target",
    ],
}

# Keys that the allocator of nitro-cli knows (AWS's bootstrap/nitro-enclaves-allocator).
ALLOCATOR_KEYS = {"memory_mib", "cpu_count", "cpu_pool"}


def problems(folder, permafrost):
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch) / "root"
        failed = install(folder, Path(scratch) / "bundle", root)
        if failed:
            return [failed]
        found = [*verified(root), *users(root)]
        for unit in OPEN:
            found += security(root, unit)
        return found + agreement(root) + parent_configuration(folder, permafrost, Path(scratch))


def install(folder, bundle, root):
    """Assembles a bundle as docs/deploy.md does, with stand-ins for the program and the image, and installs it twice, as an upgrade
    does."""
    shutil.copytree(folder, bundle, ignore=shutil.ignore_patterns("terraform"))
    program = bundle / "permafrost"
    program.write_text("#!/bin/sh\necho 'permafrost 0 (production build)'\n")
    program.chmod(0o755)
    (bundle / "permafrost.eif").write_text("")
    for _ in range(2):
        done = run([bundle / "install", "--root", root])
        if done.returncode:
            return f"install: {done.stderr.strip()}; expected to install itself below a folder"
    shutil.copytree(SYSTEM_UNITS, root / "usr/lib/systemd/system", symlinks=True)
    nitro_cli = root / "usr/bin/nitro-cli"
    nitro_cli.parent.mkdir(parents=True, exist_ok=True)
    nitro_cli.write_text("#!/bin/sh\n")
    nitro_cli.chmod(0o755)
    return None


def verified(root):
    done = run(["systemd-analyze", "verify", f"--root={root}", "--man=no", "--recursive-errors=yes", *OPEN])
    said = (done.stdout + done.stderr).replace(str(root), "").strip()
    # systemd ignores what it does not know, with a warning and exit code 0.
    if done.returncode or said:
        yield f"systemd-analyze verify: {said or done.returncode}; expected no output"


def users(root):
    done = run(["systemd-sysusers", f"--root={root}"])
    known = {line.split(":")[0] for name in ("passwd", "group") for line in lines(root / "etc" / name)}
    for unit in OPEN:
        for user in re.findall(r"^(?:User|Group)=(.+)$", text_of(root, unit), re.M):
            if user not in known:
                yield f"systemd-sysusers: it creates no {user} for {unit}: {done.stderr.strip()}"


def security(root, unit):
    options = ["--offline=true", "--no-pager", f"--root={root}"]
    done = run(["systemd-analyze", "security", *options, "--json=short", unit])
    try:
        rows = json.loads(done.stdout)
    except ValueError:
        return [f"systemd-analyze security: {done.stderr.strip()}; expected to judge {unit}"]
    still_open = {row["json_field"] for row in rows if row["set"] is False and row["exposure"] not in (None, "", "0.0")}
    found = [f"sandbox of {unit}: {name} is open; expected closed" for name in sorted(still_open - OPEN[unit])]
    found += [f"sandbox of {unit}: {name} is closed; expected to be removed from this check's list"
              for name in sorted(OPEN[unit] - still_open)]
    threshold = THRESHOLD[unit]
    if run(["systemd-analyze", "security", *options, f"--threshold={threshold}", unit]).returncode:
        found.append(f"sandbox of {unit}: its exposure level is above {threshold / 10}")
    return found


def agreement(root):
    """Checks what is stated in two places."""
    enclave, parent = (text_of(root, unit) for unit in ("permafrost-enclave.service", "permafrost.service"))
    started = re.search(r"^ExecStart=\S+ (.+)$", enclave, re.M)[1].split()
    ended = re.search(r"^ExecStop=\S+ (.+)$", enclave, re.M)[1].split()
    configured = (root / "etc/permafrost/parent.toml").read_text()
    address, store = (re.search(rf'^{key} = "(.+)"$', configured, re.M)[1] for key in ("address", "sqlite"))
    allocated, found = allocator(root / "etc/nitro_enclaves/allocator.yaml")

    for unit, needed in MUST.items():
        said = lines(root / "etc/systemd/system" / unit)
        found += [f"{unit}: no {line}" for line in needed if line not in said]
    if "--debug-mode" in started or "--attach-console" in started:
        found.append("enclave: it is started in debug mode; expected not to be")
    for option, key in (("--memory", "memory_mib"), ("--cpu-count", "cpu_count")):
        if value(started, option) != allocated.get(key):
            found.append(f"enclave: {option} {value(started, option)} of {key} {allocated.get(key)}; expected the same")
    if address != f"vsock://{value(started, '--enclave-cid')}:5000":
        found.append(f"enclave: CID {value(started, '--enclave-cid')}, and the parent connects to {address}; "
                     "expected the same")
    if ended != ["terminate-enclave", "--enclave-name", value(started, "--enclave-name")]:
        found.append(f"enclave: ended by {' '.join(ended)}; expected by its own name, and no other")
    for path in (value(started, "--eif-path"), re.search(r"^ExecStart=.* --config (\S+)$", parent, re.M)[1]):
        if not (root / str(path).lstrip("/")).is_file():
            found.append(f"units: {path} is not a path that install installs")
    state = re.search(r"^StateDirectory=(\S+)$", parent, re.M)[1]
    if Path(store).parent != Path("/var/lib") / state:
        found.append(f"store: {store} is not in /var/lib/{state}, which the unit may write")
    return found


def allocator(path):
    """Checks the allocator's configuration, read as AWS's script reads it: `---`, then comments, and keys with values."""
    first, *rest = lines(path)
    found = [] if first == "---" else [f"allocator.yaml: begins with {first}; expected ---, before which nothing is read"]
    entries = [line.split(":", 1) for line in rest if line and not line.lstrip().startswith("#")]
    pairs = {entry[0]: entry[1].strip() if len(entry) == 2 else "" for entry in entries}
    found += [f"allocator.yaml: {key}; expected one of {', '.join(sorted(ALLOCATOR_KEYS))}" for key in pairs.keys() - ALLOCATOR_KEYS]
    return pairs, found


def parent_configuration(folder, permafrost, scratch):
    """Checks the parent's configuration: the program reads it first, and then ends, because the folder of the store does not exist."""
    written = (folder / "parent.toml").read_text().replace("/var/lib/permafrost/", f"{scratch}/nowhere/")
    (scratch / "parent.toml").write_text(written)
    try:
        done = run([permafrost, "serve", "--config", scratch / "parent.toml"], timeout=20)
    except subprocess.TimeoutExpired:
        return ["parent.toml: the program started; expected to end because its store's folder does not exist"]
    if done.returncode != 1 or "nowhere" not in done.stderr:
        return [f"parent.toml: {done.stderr.strip()}; expected to be accepted"]
    return []


def value(arguments, option):
    return arguments[arguments.index(option) + 1] if option in arguments[:-1] else None


def text_of(root, unit):
    return (root / "etc/systemd/system" / unit).read_text()


def lines(path):
    return path.read_text().splitlines() if path.is_file() else []


def run(command, timeout=60):
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=timeout, stdin=subprocess.DEVNULL)
