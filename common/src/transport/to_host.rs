//! A vsock address that Linux looks for at the hypervisor, not among this machine's own guests.

use std::ptr;

use vsock::{SockaddrLike, VsockAddr};

/// `VMADDR_FLAG_TO_HOST` of `linux/vm_sockets.h`: always forward to the host.
const TO_HOST: u8 = 1;

/// The address of a CID and port with `VMADDR_FLAG_TO_HOST`; `None` if the library refuses it.
#[allow(
    unsafe_code,
    reason = "nix has no safe constructor that takes the flags"
)]
pub(super) fn to_host(cid: u32, port: u32) -> Option<VsockAddr> {
    let mut raw = *VsockAddr::new(cid, port).as_ref();
    // `svm_flags` is the first of the four bytes that libc calls `svm_zero` (Linux 5.11).
    let [flags, ..] = &mut raw.svm_zero;
    *flags = TO_HOST;
    // SAFETY: `raw` is an initialised `sockaddr_vm` that lives through the call, and the call reads that many bytes of it.
    unsafe {
        VsockAddr::from_raw(
            ptr::from_ref(&raw).cast(),
            u32::try_from(size_of_val(&raw)).ok(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flag_is_set_and_nothing_else_changes() {
        let address = to_host(16, 5000).unwrap();
        assert_eq!((address.cid(), address.port()), (16, 5000));
        assert_eq!(address.as_ref().svm_zero, [1, 0, 0, 0]);
        let plain = VsockAddr::new(16, 5000);
        assert_eq!(address.as_ref().svm_family, plain.as_ref().svm_family);
        assert_eq!(plain.as_ref().svm_zero, [0; 4]);
    }
}
