# Sourced by the scripts that make and boot the enclave image: where scripts/vm-tools puts what it gets.
# shellcheck shell=bash

# What QEMU is made of and by.
qemu_folder=$cache/qemu/$(content "$root/scripts/vm-tools")
qemu=$qemu_folder/bin/qemu-system-x86_64
vsock_device_version=0.3.0
vsock_device=$cache/vsock/$vsock_device_version/bin/vhost-device-vsock
kernel_version=$(sed -n 's/^version=//p' "$root/image/kernel.source")
kernel_sha256=$(sed -n 's/^sha256=//p' "$root/image/kernel.source")
kernel_deb=$cache/kernel-source/linux-source-6.12_${kernel_version}_all.deb
export qemu_folder qemu vsock_device_version vsock_device kernel_version kernel_sha256 kernel_deb

kernel_source_is_right() {
    [[ -f $kernel_deb && $(digest "$kernel_deb") == "$kernel_sha256" ]]
}

# Removes a directory of ours when the script ends, however it ends.
remove_at_exit() {
    to_remove+=("$1")
    trap 'rm -rf "${to_remove[@]}"' EXIT
}
to_remove=()
