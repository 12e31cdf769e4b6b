//! Memory is wiped when it is freed: texts that came from JavaScript or go there, and whatever the compiler has copied.

use zeroizing_alloc::ZeroAlloc;

#[global_allocator]
static ALLOCATOR: ZeroAlloc<std::alloc::System> = ZeroAlloc(std::alloc::System);
