/** The WebAssembly of this package: its bytes in Node, its URL for a browser, which bundlers find. */
export function source(): Promise<URL | Uint8Array<ArrayBuffer>>;
