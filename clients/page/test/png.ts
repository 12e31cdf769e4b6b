/** Small PNGs: a screenshot of text on flat grounds has few colours, and is stored as numbers of them. */

import { deflateSync, inflateSync } from "node:zlib";

/** The same picture with a palette: its shades are rounded until at most 256 are left. Takes 8-bit RGB without interlacing. */
export function small(png: Buffer): Buffer {
  const chunks = readChunks(png);
  const header = chunks.find(({ type }) => type === "IHDR")?.data ?? Buffer.alloc(13);
  if (header[8] !== 8 || header[9] !== 2 || header[12] !== 0) {
    throw new Error(`the PNG is of another kind: ${header.toString("hex")}; accepted: 8-bit RGB`);
  }
  const [width, height] = [header.readUInt32BE(0), header.readUInt32BE(4)];
  const data = chunks.filter(({ type }) => type === "IDAT").map((chunk) => chunk.data);
  const pixels = unfiltered(inflateSync(Buffer.concat(data)), width * 3, height);
  for (const bits of [8, 6, 5, 4, 2]) {
    const found = indexed(pixels, width, height, 2 ** bits - 1);
    if (found !== undefined) {
      const palette = [...found.palette.keys()].map((colour) => [colour >> 16, colour >> 8, colour]);
      return Buffer.concat([
        png.subarray(0, 8),
        chunk("IHDR", Buffer.from([...header.subarray(0, 9), 3, 0, 0, 0])),
        chunk("PLTE", Buffer.from(palette.flat())),
        chunk("IDAT", deflateSync(found.rows, { level: 9 })),
        chunk("IEND", Buffer.alloc(0)),
      ]);
    }
  }
  throw new Error("two bits a channel are 64 colours at most");
}

/** The pixels as numbers of colours that are rounded to so many shades above zero; undefined where these are more than 256. */
function indexed(pixels: Buffer, width: number, height: number, shades: number) {
  const palette = new Map<number, number>();
  const rows = Buffer.alloc((width + 1) * height);
  for (let pixel = 0; pixel < width * height; pixel += 1) {
    const [red = 0, green = 0, blue = 0] = pixels
      .subarray(pixel * 3, pixel * 3 + 3)
      .map((shade) => rounded(shade, shades));
    const colour = (red << 16) | (green << 8) | blue;
    const index = palette.get(colour) ?? palette.size;
    if (index > 255) {
      return undefined;
    }
    palette.set(colour, index);
    rows[pixel + Math.floor(pixel / width) + 1] = index;
  }
  return { palette, rows };
}

function rounded(shade: number, shades: number): number {
  return Math.round((Math.round((shade * shades) / 255) * 255) / shades);
}

function readChunks(png: Buffer): { type: string; data: Buffer }[] {
  const chunks = [];
  for (let at = 8; at < png.length; ) {
    const length = png.readUInt32BE(at);
    chunks.push({ type: png.toString("latin1", at + 4, at + 8), data: png.subarray(at + 8, at + 8 + length) });
    at += length + 12;
  }
  return chunks;
}

function chunk(type: string, data: Buffer): Buffer {
  const named = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const made = Buffer.alloc(named.length + 8);
  made.writeUInt32BE(data.length, 0);
  named.copy(made, 4);
  made.writeUInt32BE(crc32(named), named.length + 4);
  return made;
}

/** Takes the row filters back (PNG section 9), of three bytes a pixel. */
function unfiltered(raw: Buffer, stride: number, height: number): Buffer {
  const out = Buffer.alloc(stride * height);
  for (let y = 0; y < height; y += 1) {
    const filter = raw[y * (stride + 1)] ?? 0;
    for (let x = 0; x < stride; x += 1) {
      const left = x < 3 ? 0 : (out[y * stride + x - 3] ?? 0);
      const up = y === 0 ? 0 : (out[(y - 1) * stride + x] ?? 0);
      const corner = x < 3 || y === 0 ? 0 : (out[(y - 1) * stride + x - 3] ?? 0);
      const added = [0, left, up, (left + up) >> 1, paeth(left, up, corner)][filter] ?? 0;
      out[y * stride + x] = (raw[y * (stride + 1) + 1 + x] ?? 0) + added;
    }
  }
  return out;
}

function paeth(left: number, up: number, corner: number): number {
  const guess = left + up - corner;
  const [toLeft, toUp, toCorner] = [Math.abs(guess - left), Math.abs(guess - up), Math.abs(guess - corner)];
  if (toLeft <= toUp && toLeft <= toCorner) {
    return left;
  }
  return toUp <= toCorner ? up : corner;
}

/** CRC-32 (PNG annex D), bit by bit. */
function crc32(data: Buffer): number {
  let crc = 0xffffffff;
  for (const byte of data) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) {
      crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
    }
  }
  return (crc ^ 0xffffffff) >>> 0;
}
