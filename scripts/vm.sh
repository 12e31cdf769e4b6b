# Sourced by the scripts that make and boot the enclave image: where scripts/vm-tools puts what it gets.
# shellcheck shell=bash

cache=${PERMAFROST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/permafrost}
qemu_folder=$cache/qemu
qemu=$qemu_folder/bin/qemu-system-x86_64
vsock_device_version=0.3.0
vsock_device=$cache/vsock/bin/vhost-device-vsock
kernel_version=$(sed -n 's/^version=//p' "$root/image/kernel.source")
kernel_sha256=$(sed -n 's/^sha256=//p' "$root/image/kernel.source")
kernel_deb=$cache/linux-source-6.12_${kernel_version}_all.deb
export cache qemu_folder qemu vsock_device_version vsock_device kernel_version kernel_sha256 kernel_deb
mkdir -p "$cache"

kernel_source_is_right() {
    [[ -f $kernel_deb && $(digest "$kernel_deb") == "$kernel_sha256" ]]
}

# The SHA-256 of a file, in hex.
digest() {
    sha256sum "$1" | cut --delimiter ' ' --fields 1
}

# Removes a directory of ours when the script ends, however it ends.
remove_at_exit() {
    to_remove+=("$1")
    trap 'rm -rf "${to_remove[@]}"' EXIT
}
to_remove=()
