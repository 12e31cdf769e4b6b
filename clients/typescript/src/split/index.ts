/**
 * Keys that this side and the enclave own together, and that neither ever has the whole of (`docs/split.md`).
 *
 * {@link Split.load} loads the protocol, which is WebAssembly: whoever does not import this loads none of it.
 */

export type * from "./api.js";
export type { Carrier } from "./carrier.js";
export type { Seat, Unconfirmed, WrappedShare } from "./ceremony.js";
export { SplitError, type SplitErrorKind } from "./error.js";
export type { HeldShare } from "./held-share.js";
export type { WasmSource } from "./protocol.js";
export { Split } from "./split.js";
