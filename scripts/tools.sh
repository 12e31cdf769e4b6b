# Sourced by the other scripts: which tools they need, in which versions, and where those are found.
# shellcheck shell=bash

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export root

# The Rust version itself is pinned in rust-toolchain.toml.
rust_version=$(sed -n 's/^channel = "\(.*\)"$/\1/p' "$root/rust-toolchain.toml")
cargo_deny_version=0.20.2
cargo_deny_sha256=ae708f458c23ce1eecfd8f169befbb47424bdc21ecf0965e36db3b1d98400fee
cargo_fuzz_version=0.13.2
node_major=20
export rust_version cargo_deny_version cargo_fuzz_version

# What is fetched and built of other projects, each under a name that its content decides, so that every clone finds it.
cache=${PERMAFROST_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/permafrost}
export cache

# Where rustup and `cargo install` put programs; a shell that was open before they did does not know.
export PATH="$cache/cargo-deny/$cargo_deny_version/bin:${CARGO_HOME:-${HOME:-/root}/.cargo}/bin:$PATH"

# What the scripts say goes to stderr: stdout belongs to the program that they run.
say() {
    printf '%s\n' "$*" >&2
}

# Says why the script cannot go on, and ends it.
refuse() {
    say "refused: $*"
    exit 1
}

# The comment that the script begins with.
usage() {
    sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[-1]}"
}

# The SHA-256 of a file, in hex.
digest() {
    sha256sum "$1" | cut --delimiter ' ' --fields 1
}

# A short name for what some files hold.
content() {
    cat "$@" | sha256sum | cut --characters 1-16
}

# Runs a command under a title and says how long it took.
step() {
    local title=$1 started=$SECONDS
    shift
    say "== $title"
    "$@" || refuse "$title: \`$*\` failed with exit code $?"
    say "== $title: done in $((SECONDS - started)) s"
}

# Shows what a command says only when it fails.
quietly() {
    local output
    output=$("$@" 2>&1) || {
        say "$output"
        return 1
    }
}
