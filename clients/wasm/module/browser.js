export const source = async () => new URL("../pkg/frost_bg.wasm", import.meta.url);
