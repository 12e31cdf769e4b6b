//! The measured program: makes, keeps and uses FROST key shares inside a Nitro enclave.
//!
//! - [`keys`]: keys with enclave custody, dealt, kept, refreshed and used.

pub mod keys;

/// Wipes every allocation when it is freed.
///
/// The FROST library, CBOR and hyper leave copies of what passes through them in buffers that they drop or outgrow: the dealer's
/// polynomial, serialised shares, bodies. This wipes them all, and costs a `memset` for each free.
#[global_allocator]
static ALLOCATOR: zeroizing_alloc::ZeroAlloc<std::alloc::System> =
    zeroizing_alloc::ZeroAlloc(std::alloc::System);
