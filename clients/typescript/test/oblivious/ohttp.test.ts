import { expect, test } from "vitest";
import { bytes, concat, toHex } from "../../src/bytes.js";
import { readKeyConfigurations } from "../../src/oblivious/keys.js";
import { encapsulate, ObliviousError } from "../../src/oblivious/ohttp.js";
import { vectors } from "../fixtures.js";
import { hex } from "../hex.js";
import { keyPair } from "./x25519.js";

interface Rfc9458 {
  readonly key_configuration: string;
  readonly request: string;
  readonly ephemeral_secret_key: string;
  readonly ephemeral_public_key: string;
  readonly encapsulated_request: string;
  readonly response: string;
  readonly encapsulated_response: string;
}

const vector = vectors<Rfc9458>("rfc9458-a.json");

const KEY = readKeyConfigurations(concat(bytes([0, 45]), hex(vector.key_configuration)));

async function published() {
  const ephemeral = await keyPair(vector.ephemeral_secret_key, vector.ephemeral_public_key);
  return encapsulate(KEY, hex(vector.request), ephemeral);
}

test("the request of the RFC is encapsulated as printed", async () => {
  expect(toHex((await published()).request)).toBe(vector.encapsulated_request);
});

test("the response of the RFC opens", async () => {
  const opened = await (await published()).open(hex(vector.encapsulated_response));
  expect(toHex(opened)).toBe(vector.response);
});

test("no altered or truncated response opens", async () => {
  const { open } = await published();
  const good = hex(vector.encapsulated_response);
  for (const [at, byte] of good.entries()) {
    const altered = bytes(good);
    altered[at] = byte ^ 1;
    await expect(open(altered), `byte ${at}`).rejects.toThrow(ObliviousError);
    await expect(open(good.slice(0, at)), `${at} bytes`).rejects.toThrow(ObliviousError);
  }
  await expect(open(concat(good, bytes([0])))).rejects.toThrow(ObliviousError);
});

test("the response to another request does not open", async () => {
  const { open } = await encapsulate(KEY, hex(vector.request));
  await expect(open(hex(vector.encapsulated_response))).rejects.toThrow("the response to another request");
});

test("the same request twice has nothing in common but its header", async () => {
  const [one, other] = await Promise.all([1, 2].map(() => encapsulate(KEY, hex(vector.request))));
  expect(one?.request.slice(0, 7)).toEqual(other?.request.slice(0, 7));
  expect(one?.request.slice(7, 39)).not.toEqual(other?.request.slice(7, 39));
  expect(one?.request.slice(39)).not.toEqual(other?.request.slice(39));
});
