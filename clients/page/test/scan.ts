/** A camera that reads a QR code as the page draws it: one path of unit squares. */

import jsQR from "jsqr";

/** The content of the code; undefined if it is not a code. */
export function scan(path: string): string | undefined {
  const squares = [...path.matchAll(/M(\d+) (\d+)h1v1h-1z/g)].map(([, x, y]) => [Number(x), Number(y)] as const);
  const size = Math.max(0, ...squares.flat()) + 1 + 2 * QUIET;
  const side = size * SCALE;
  const pixels = new Uint8ClampedArray(side * side * 4).fill(255);
  for (const [x, y] of squares) {
    for (let pixel = 0; pixel < SCALE * SCALE; pixel += 1) {
      const row = (y + QUIET) * SCALE + Math.floor(pixel / SCALE);
      const at = row * side + (x + QUIET) * SCALE + (pixel % SCALE);
      pixels.fill(0, at * 4, at * 4 + 3);
    }
  }
  return readCode(pixels, side, side)?.data;
}

/** The light frame that a code needs, in squares; and the pixels of a square's side. */
const QUIET = 4;
const SCALE = 4;

/** CommonJS: Node and TypeScript disagree about its default export. */
const readCode = (typeof jsQR === "function" ? jsQR : (jsQR as { default: unknown }).default) as (
  pixels: Uint8ClampedArray,
  width: number,
  height: number,
) => { data: string } | null;
