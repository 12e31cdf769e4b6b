import { type Bytes, fromHex } from "../src/bytes.js";

/** The bytes of hex that a test was written with. */
export function hex(text: string): Bytes {
  const decoded = fromHex(text);
  if (decoded === undefined) {
    throw new Error(`${text} is not hex`);
  }
  return decoded;
}
