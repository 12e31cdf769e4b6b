/** Padding: zero bytes after a message in Binary HTTP (RFC 9292 section 3.8), so that its length reveals little. */

import { type Bytes, concat } from "../bytes.js";

/**
 * Pads a request before it is sealed: its length on the wire is 512 bytes, 1, 2, 4, 8 or 16 KiB, or a multiple of 16 KiB, like that of
 * the enclave's responses.
 */
export function padRequest(message: Bytes): Bytes {
  const length = onTheWire(message.length + SEALING);
  return concat(message, new Uint8Array(length - SEALING - message.length));
}

function onTheWire(length: number): number {
  let padded = SHORTEST;
  while (padded < Math.min(length, STEP)) {
    padded *= 2;
  }
  return length > STEP ? Math.ceil(length / STEP) * STEP : padded;
}

/** How much longer a request is on the wire, in bytes: header, encapsulated key, tag. */
const SEALING = 7 + 32 + 16;

/** The shortest length on the wire, in bytes. */
const SHORTEST = 512;

/** Up to this length they double, from here on they grow by this much. */
const STEP = 16 * 1024;
