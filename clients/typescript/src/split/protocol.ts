/** The protocol in WebAssembly, and what it throws. */

import * as wasm from "@permafrost/wasm";
import { source } from "@permafrost/wasm/module";
import { utf8 } from "../bytes.js";
import { readJson } from "../problem.js";
import { SplitError, type SplitErrorKind } from "./error.js";

/** Where the WebAssembly is: its bytes, compiled or not, its URL, or a response that has it. */
export type WasmSource = BufferSource | WebAssembly.Module | URL | string | Response | Promise<Response>;

export type Protocol = typeof wasm;

/** Loads the protocol; a second time, nothing happens. */
export async function load(from: WasmSource | undefined): Promise<Protocol> {
  await wasm.default({ module_or_path: from ?? (await source()) });
  return wasm;
}

/**
 * The result of a call into the protocol.
 *
 * @throws {SplitError} for what the protocol refuses.
 */
export function call<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw typeof error === "string" ? refusal(error) : error;
  }
}

/** The same for what the protocol returns as JSON. The type is that of its own values. */
export function callForJson<T>(work: () => string): T {
  return JSON.parse(call(work)) as T;
}

function refusal(thrown: string): Error {
  const { kind, message, participants } = (readJson(utf8(thrown)) ?? {}) as Refusal;
  return kind === undefined ? new Error(thrown) : new SplitError(kind, message ?? "", participants);
}

/** `clients/wasm/src/refusal.rs`. */
interface Refusal {
  readonly kind?: SplitErrorKind;
  readonly message?: string;
  readonly participants?: string[];
}
