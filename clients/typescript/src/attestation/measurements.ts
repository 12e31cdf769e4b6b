/** The PCRs of a release, as `nitro-cli build-enclave` prints them. */

import { type Bytes, fromHex, toHex } from "../bytes.js";
import { quoted } from "../quoted.js";
import { PCR_LENGTH } from "./payload.js";

/** Why a text is not a set of PCRs. */
export class MeasurementsError extends Error {
  override readonly name = "MeasurementsError";
}

/** The PCRs that make up one release: at least one, each 48 bytes. */
export class Measurements {
  private constructor(
    /** By index (0 to 31), in ascending order. */
    readonly pcrs: ReadonlyMap<number, Bytes>,
  ) {}

  /**
   * Reads measurements from JSON. Accepted are what `nitro-cli build-enclave` prints,
   *
   * ```json
   * {"Measurements": {"HashAlgorithm": "Sha384 { ... }", "PCR0": "<96 hex digits>", "PCR1": "...", "PCR2": "..."}}
   * ```
   *
   * the inner object alone, and `{"0": "<96 hex digits>", ...}`. Hex in either case.
   *
   * @throws {MeasurementsError} for unknown or repeated keys, no PCR at all, another hash algorithm, a value that is not 48 bytes in hex.
   */
  static fromJson(text: string): Measurements {
    const outer = readObject(text);
    const inner = outer.Measurements;
    const entries = isObject(inner) && Object.keys(outer).length === 1 ? inner : outer;
    const pcrs: (readonly [number, Bytes])[] = [];
    for (const [key, value] of Object.entries(entries)) {
      if (typeof value !== "string") {
        throw new MeasurementsError(`the measurement ${quoted(key)} is not a text; accepted: 96 hex digits`);
      }
      if (key === "HashAlgorithm") {
        checkHash(value);
      } else {
        const index = readIndex(key);
        pcrs.push([index, readPcr(index, value)]);
      }
    }
    return Measurements.fromPcrs(pcrs);
  }

  /**
   * Measurements from PCRs: at least one, each index (0 to 31) once, each value 48 bytes.
   *
   * @throws {MeasurementsError}
   */
  static fromPcrs(entries: Iterable<readonly [index: number, value: Bytes]>): Measurements {
    const pcrs = new Map<number, Bytes>();
    for (const [index, value] of [...entries].sort(([one], [other]) => one - other)) {
      if (!Number.isInteger(index) || index < 0 || index > 31) {
        throw new MeasurementsError(`the PCR index is ${index}; accepted: 0 to 31`);
      }
      if (value.length !== PCR_LENGTH) {
        throw new MeasurementsError(`PCR${index} has ${value.length} bytes; accepted: ${PCR_LENGTH}`);
      }
      if (pcrs.has(index)) {
        throw new MeasurementsError(`PCR${index} comes twice; accepted: once`);
      }
      pcrs.set(index, value);
    }
    if (pcrs.size === 0) {
      throw new MeasurementsError("there are no PCRs; accepted: one or more");
    }
    return new Measurements(pcrs);
  }

  /** The JSON that `nitro-cli build-enclave` prints, hex in lower case: {@link Measurements.fromJson} reads it. */
  toJson(): string {
    const pcrs = [...this.pcrs].map(([index, value]) => [`PCR${index}`, toHex(value)] as const);
    return JSON.stringify({ Measurements: { HashAlgorithm: "Sha384 { ... }", ...Object.fromEntries(pcrs) } });
  }
}

function readObject(text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new MeasurementsError(`the measurements are not JSON: ${quoted(String(error))}; accepted: an object`);
  }
  if (!isObject(value)) {
    throw new MeasurementsError("the measurements are not a JSON object; accepted: an object of texts");
  }
  // JSON.parse keeps the last of several members with one name: there must be as many colons outside of texts as members.
  const colons = text.match(/"(?:[^"\\]|\\.)*"|:/g)?.filter((token) => token === ":").length ?? 0;
  if (colons !== countMembers(value)) {
    throw new MeasurementsError("a key of the measurements comes twice; accepted: once");
  }
  return value;
}

function countMembers(value: unknown): number {
  if (Array.isArray(value)) {
    return value.reduce((count: number, inner) => count + countMembers(inner), 0);
  }
  return isObject(value)
    ? Object.values(value).reduce((count: number, inner) => count + 1 + countMembers(inner), 0)
    : 0;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function readIndex(key: string): number {
  const digits = key.startsWith("PCR") ? key.slice(3) : key;
  const index = Array.from({ length: 32 }, (_, number) => number).find((number) => String(number) === digits);
  if (index === undefined) {
    const accepted = "PCR0 to PCR31, 0 to 31, HashAlgorithm";
    throw new MeasurementsError(`the measurements have the key ${quoted(key)}; accepted: ${accepted}`);
  }
  return index;
}

function readPcr(index: number, hex: string): Bytes {
  const value = fromHex(hex);
  if (value?.length !== PCR_LENGTH) {
    throw new MeasurementsError(`PCR${index} is ${quoted(hex)}; accepted: 96 hex digits`);
  }
  return value;
}

/** nitro-cli prints the hash's name and then its inner state: `Sha384 { ... }`. */
function checkHash(value: string): void {
  if (value.trim().split(/\s+/)[0] !== "Sha384") {
    throw new MeasurementsError(`the measurements were made with ${quoted(value)}; accepted: Sha384`);
  }
}
