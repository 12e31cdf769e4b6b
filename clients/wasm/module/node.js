import { readFile } from "node:fs/promises";

export const source = () => readFile(new URL("../pkg/frost_bg.wasm", import.meta.url));
