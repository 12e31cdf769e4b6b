/**
 * Binary HTTP (RFC 9292), known-length messages: requests written, responses read. Strict: the one framing, every length written out,
 * no informational responses, no trailers.
 */

import { type Bytes, bytes, concat, fromUtf8, utf8 } from "../bytes.js";
import type { Fields, HttpRequest, HttpResponse } from "../http.js";
import { quoted } from "../quoted.js";

/** Why bytes are not a response that this client accepts. */
export class BinaryHttpError extends Error {
  override readonly name = "BinaryHttpError";
}

/** Writes a request (section 3.1). The gateway is the target, so the scheme is always `https` and the authority is empty. */
export function encodeRequest(request: HttpRequest): Bytes {
  const control = [request.method, "https", "", request.target].map((text) => prefixed(utf8(text)));
  const fields = request.fields.flatMap(([name, value]) => [prefixed(utf8(name)), prefixed(utf8(value))]);
  const noTrailers = prefixed(concat());
  return concat(
    integer(KNOWN_LENGTH_REQUEST),
    ...control,
    prefixed(concat(...fields)),
    prefixed(request.body),
    noTrailers,
  );
}

/**
 * Reads a response (section 3.1). Zero bytes after it are padding (section 3.8).
 *
 * @throws {BinaryHttpError} for any other framing, an informational response, trailers, a malformed field, and a message
 *   that ends early, even where section 3.8 allows the empty rest to be left out.
 */
export function decodeResponse(encoded: Uint8Array): HttpResponse {
  const reader = new Reader(encoded);
  const framing = reader.integer("the framing indicator");
  if (framing !== KNOWN_LENGTH_RESPONSE) {
    throw new BinaryHttpError(`the framing indicator is ${framing}; accepted: ${KNOWN_LENGTH_RESPONSE}, known length`);
  }
  const status = reader.integer("the status");
  if (status < 200 || status > 599) {
    throw new BinaryHttpError(`the status is ${status}; accepted: 200 to 599, and no informational response`);
  }
  const fields = readFields(reader.prefixed("the field section"));
  const body = bytes(reader.prefixed("the content"));
  if (reader.prefixed("the trailers").length > 0) {
    throw new BinaryHttpError("there are trailers; accepted: none");
  }
  if (!reader.rest().every((byte) => byte === 0)) {
    throw new BinaryHttpError("bytes follow the message; accepted: zero bytes of padding");
  }
  return { status, fields, body };
}

function readFields(section: Uint8Array): Fields {
  const fields: (readonly [string, string])[] = [];
  for (const reader = new Reader(section); !reader.isEmpty; ) {
    const name = fromUtf8(reader.prefixed("a field's name")) ?? "";
    const value = fromUtf8(reader.prefixed("a field's value"));
    if (!/^[!#$%&'*+.^_`|~0-9a-z-]+$/.test(name)) {
      throw new BinaryHttpError(`a field is named ${quoted(name)}; accepted: a token in lower case`);
    }
    if (value === undefined || /[\0\r\n]|^[ \t]|[ \t]$/.test(value)) {
      throw new BinaryHttpError(`the field ${name} is ${quoted(value ?? "not UTF-8")}; accepted: one line, trimmed`);
    }
    fields.push([name, value]);
  }
  return fields;
}

/** RFC 9000 section 16: the two upper bits of the first byte give the number of bytes. In the shortest form. */
function integer(value: number): Bytes {
  if (value < 0x40) {
    return bytes([value]);
  }
  if (value < 0x4000) {
    return bytes([0x40 | (value >> 8), value & 0xff]);
  }
  if (value < 0x4000_0000) {
    return bytes([0x80 | (value >> 24), (value >> 16) & 0xff, (value >> 8) & 0xff, value & 0xff]);
  }
  throw new RangeError(`${value} bytes; accepted: at most 2^30 - 1`);
}

function prefixed(content: Uint8Array): Bytes {
  return concat(integer(content.length), content);
}

class Reader {
  #left: Uint8Array;

  constructor(encoded: Uint8Array) {
    this.#left = encoded;
  }

  get isEmpty(): boolean {
    return this.#left.length === 0;
  }

  /** A number of 1, 2, 4 or 8 bytes; longer forms than needed are allowed (RFC 9000 section 16). */
  integer(what: string): number {
    const length = 1 << ((this.#left[0] ?? 0) >> 6);
    const [first = 0, ...others] = this.#take(length, what);
    const value = others.reduce((number, byte) => number * 256 + byte, first & 0x3f);
    if (value > Number.MAX_SAFE_INTEGER) {
      throw new BinaryHttpError(`${what} is 2^53 or more; accepted: lengths within this message`);
    }
    return value;
  }

  /** Content that its length precedes. */
  prefixed(what: string): Uint8Array {
    return this.#take(this.integer(what), what);
  }

  rest(): Uint8Array {
    return this.#left;
  }

  #take(length: number, what: string): Uint8Array {
    if (length > this.#left.length) {
      throw new BinaryHttpError(
        `${what} ends ${length - this.#left.length} bytes too early; accepted: a whole message`,
      );
    }
    const taken = this.#left.subarray(0, length);
    this.#left = this.#left.subarray(length);
    return taken;
  }
}

/** Framing indicators (section 3.3). */
const KNOWN_LENGTH_REQUEST = 0;
const KNOWN_LENGTH_RESPONSE = 1;
