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

# Keeps out of what cargo builds for a target what a machine has of its own: settings for compilers, and the paths that messages would
# name. `prefixes` are these paths, each with what takes its place.
without_the_machine() {
    local target=$1 folder=$2 name registry sources=${CARGO_HOME:-$HOME/.cargo}/registry/src
    for name in $(compgen -e); do
        case $name in
            CARGO_BUILD_JOBS | CARGO_TARGET_DIR) ;;
            *FLAGS* | CARGO_BUILD_* | CARGO_PROFILE_* | CARGO_TARGET_* | CARGO_UNSTABLE_* | RUSTC* | AWS_LC_* | CC | CC_* | AR | \
                AR_* | CPATH | *_INCLUDE_PATH | LIBRARY_PATH | SOURCE_DATE_EPOCH | PERMAFROST_*) unset "$name" ;;
        esac
    done
    case $root$folder$sources in
        *[[:space:]]*) refuse "a path with a space cannot be kept out of the program: $root, $folder or $sources" ;;
    esac
    # The folder of a registry is named for where it is, which may be a mirror; it is there once something is.
    step "fetch the crates" cargo fetch --quiet --locked --target "$target"
    prefixes=("$root=/permafrost" "$folder=/target")
    for registry in "$sources"/*/; do
        prefixes+=("${registry%/}=/crates")
    done
    name=${target^^}
    export "CARGO_TARGET_${name//-/_}_RUSTFLAGS=${prefixes[*]/#/--remap-path-prefix=}"
}

# What makes a JavaScript module of WebAssembly, for scripts/wasm: a program of this tree.
wasm_bindgen=$cache/wasm-bindgen/$(content "$root"/clients/wasm/bindgen/{Cargo.toml,Cargo.lock,src/main.rs})/bin/permafrost-wasm-bindgen

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
