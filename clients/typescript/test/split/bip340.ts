/** BIP-340 and BIP-341 from their texts, with no other code than this, to check what the library makes. Slow, and only for public values. */

import { createHash } from "node:crypto";
import { type Bytes, bytes, concat, fromHex, toHex, utf8 } from "../../src/bytes.js";

/** Whether a signature (64 bytes) of a message by a key (32 bytes) verifies; all in hex. */
export function verifies(publicKey: string, message: string, signature: string): boolean {
  const p = lift(publicKey);
  const [r, s] = [number(signature.slice(0, 64)), number(signature.slice(64))];
  if (p === undefined || r >= P || s >= N || signature.length !== 128) {
    return false;
  }
  const e = tagged("BIP0340/challenge", signature.slice(0, 64) + publicKey + message) % N;
  const point = add(multiply(G, s), multiply(p, (N - e) % N));
  return point !== undefined && point.y % 2n === 0n && point.x === r;
}

/** The output key of an internal key and the Merkle root of its scripts, if there are some. */
export function outputKey(internal: string, root = ""): string {
  const p = lift(internal);
  const point = p && add(p, multiply(G, tagged("TapTweak", internal + root) % N));
  if (point === undefined) {
    throw new Error("there is no output key");
  }
  return hex(point.x);
}

interface Point {
  readonly x: bigint;
  readonly y: bigint;
}

const P = 2n ** 256n - 2n ** 32n - 977n;
const N = 0xffff_ffff_ffff_ffff_ffff_ffff_ffff_fffe_baae_dce6_af48_a03b_bfd2_5e8c_d036_4141n;
const G: Point = {
  x: 0x79be_667e_f9dc_bbac_55a0_6295_ce87_0b07_029b_fcdb_2dce_28d9_59f2_815b_16f8_1798n,
  y: 0x483a_da77_26a3_c465_5da4_fbfc_0e11_08a8_fd17_b448_a685_5419_9c47_d08f_fb10_d4b8n,
};

function tagged(tag: string, message: string): bigint {
  const half = sha256(utf8(tag));
  return number(toHex(sha256(concat(half, half, fromHex(message) ?? bytes([])))));
}

function sha256(content: Bytes): Bytes {
  return bytes(createHash("sha256").update(content).digest());
}

/** The point with this x and an even y. */
function lift(x: string): Point | undefined {
  const square = mod(number(x) ** 3n + 7n);
  const y = power(square, (P + 1n) / 4n);
  if (mod(y * y) !== square) {
    return undefined;
  }
  return { x: number(x), y: y % 2n === 0n ? y : P - y };
}

/** Undefined is the point at infinity. */
function add(one: Point | undefined, other: Point | undefined): Point | undefined {
  if (one === undefined || other === undefined) {
    return one ?? other;
  }
  if (one.x === other.x && one.y !== other.y) {
    return undefined;
  }
  const slope =
    one.x === other.x
      ? mod(3n * one.x * one.x * inverse(2n * one.y))
      : mod((other.y - one.y) * inverse(other.x - one.x));
  const x = mod(slope * slope - one.x - other.x);
  return { x, y: mod(slope * (one.x - x) - one.y) };
}

function multiply(point: Point, factor: bigint): Point | undefined {
  let sum: Point | undefined;
  let doubled: Point | undefined = point;
  for (let rest = factor; rest > 0n; rest >>= 1n) {
    sum = rest & 1n ? add(sum, doubled) : sum;
    doubled = add(doubled, doubled);
  }
  return sum;
}

function inverse(value: bigint): bigint {
  return power(mod(value), P - 2n);
}

function power(base: bigint, exponent: bigint): bigint {
  let product = 1n;
  let square = base;
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    product = rest & 1n ? mod(product * square) : product;
    square = mod(square * square);
  }
  return product;
}

function mod(value: bigint): bigint {
  return ((value % P) + P) % P;
}

function number(digits: string): bigint {
  return BigInt(`0x${digits || "0"}`);
}

function hex(value: bigint): string {
  return value.toString(16).padStart(64, "0");
}
