import { expect, test } from "vitest";
import { toHex } from "../../src/bytes.js";
import { BinaryHttpError, decodeResponse, encodeRequest } from "../../src/oblivious/bhttp.js";
import { vectors } from "../fixtures.js";
import { hex } from "../hex.js";
import { request, response, type VectorRequest, type VectorResponse } from "./message.js";

interface Messages {
  readonly requests: readonly { readonly name: string; readonly request: VectorRequest; readonly encoded: string }[];
  readonly responses: readonly { readonly name: string; readonly encoded: string; readonly response: VectorResponse }[];
  readonly refused: readonly { readonly name: string; readonly encoded: string }[];
}

const { requests, responses, refused } = vectors<Messages>("binary-http.json");

test.each(requests)("a request is written: $name", (vector) => {
  expect(toHex(encodeRequest(request(vector.request)))).toBe(vector.encoded);
});

test.each(responses)("a response is read: $name", (vector) => {
  expect(decodeResponse(hex(vector.encoded))).toEqual(response(vector.response));
});

test.each(refused)("a response is refused: $name", ({ encoded }) => {
  expect(() => decodeResponse(hex(encoded))).toThrow(BinaryHttpError);
});
