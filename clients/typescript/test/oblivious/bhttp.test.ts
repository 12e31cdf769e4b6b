import { describe, expect, test } from "vitest";
import { bytes, concat, toHex, utf8 } from "../../src/bytes.js";
import { BinaryHttpError, decodeResponse, encodeRequest } from "../../src/oblivious/bhttp.js";
import { vectors } from "../fixtures.js";
import { hex } from "../hex.js";

interface Rfc9292 {
  readonly known_length_request: string;
  readonly indeterminate_length_response_after_informational_ones: string;
  readonly known_length_response_with_trailers: string;
}

const rfc = vectors<Rfc9292>("rfc9292-5.json");

test("the request of the RFC is written as printed", () => {
  const encoded = encodeRequest({
    method: "GET",
    target: "/hello.txt",
    fields: [
      ["user-agent", "curl/7.16.3 libcurl/7.16.3 OpenSSL/0.9.7l zlib/1.2.3"],
      ["host", "www.example.com"],
      ["accept-language", "en, mi"],
    ],
    body: bytes([]),
  });
  expect(toHex(encoded)).toBe(rfc.known_length_request);
});

test.each([
  [63, "3f"],
  [64, "4040"],
  [16_383, "7fff"],
  [16_384, "80004000"],
])("a body of %i bytes has its length as %s before it", (length, prefix) => {
  const body = bytes(Array<number>(length).fill(0x61));
  const encoded = encodeRequest({ method: "POST", target: "/", fields: [], body });
  const head = concat(hex("00"), prefixed("POST"), prefixed("https"), prefixed(""), prefixed("/"), hex("00"));
  expect(toHex(encoded)).toBe(toHex(concat(head, hex(prefix), body, hex("00"))));
});

const JSON_RESPONSE = concat(
  hex("0140c8"),
  field("content-type", "application/json", 30),
  prefixed('{"ready":true}'),
  hex("00"),
);

describe("a response", () => {
  test("is read, with fields in their order", () => {
    expect(decodeResponse(JSON_RESPONSE)).toEqual({
      status: 200,
      fields: [["content-type", "application/json"]],
      body: utf8('{"ready":true}'),
    });
    const twice = concat(
      hex("0140c8"),
      prefixedBytes(concat(pair("a", "1"), pair("b", ""), pair("a", "2"))),
      hex("0000"),
    );
    expect(decodeResponse(twice).fields).toEqual([
      ["a", "1"],
      ["b", ""],
      ["a", "2"],
    ]);
  });

  test("may be padded with zero bytes, and with nothing else", () => {
    const padded = concat(JSON_RESPONSE, bytes([0, 0, 0]));
    expect(decodeResponse(padded)).toEqual(decodeResponse(JSON_RESPONSE));
    expect(() => decodeResponse(concat(padded, bytes([1])))).toThrow("padding");
  });

  test("that is truncated is refused, wherever it ends", () => {
    for (let end = 0; end < JSON_RESPONSE.length; end += 1) {
      expect(() => decodeResponse(JSON_RESPONSE.slice(0, end)), `${end} bytes`).toThrow(BinaryHttpError);
    }
  });

  test("whose lengths exceed the message costs nothing and is refused", () => {
    for (const length of ["ffffffffffffffff", "c01fffffffffffff", "bfffffff"]) {
      expect(() => decodeResponse(hex(`0140c8${length}`))).toThrow(BinaryHttpError);
    }
  });

  test.each([
    ["the RFC's, which has trailers", rfc.known_length_response_with_trailers, "trailers"],
    ["the RFC's, of indeterminate length", rfc.indeterminate_length_response_after_informational_ones, "framing"],
    ["an informational one", "014064000000", "informational"],
    ["an informational one before it", "0140660040c8000000", "informational"],
    ["a status of 600", "014258000000", "status"],
    ["a request", rfc.known_length_request, "framing"],
    ["a field without a value", "0140c80201610000", "value"],
    ["a pseudo-field", `0140c8${toHex(prefixedBytes(pair(":status", "200")))}0000`, "lower case"],
    ["a field in upper case", `0140c8${toHex(prefixedBytes(pair("A", "1")))}0000`, "lower case"],
    ["a field without a name", `0140c8${toHex(prefixedBytes(pair("", "1")))}0000`, "lower case"],
    ["a value of two lines", `0140c8${toHex(prefixedBytes(pair("a", "1\r\nb: 2")))}0000`, "one line"],
    ["a value with a zero byte", `0140c8${toHex(prefixedBytes(pair("a", "\0")))}0000`, "one line"],
    ["a value with a space at its end", `0140c8${toHex(prefixedBytes(pair("a", "1 ")))}0000`, "one line"],
    ["a value that is not UTF-8", "0140c8040161 01ff0000".replace(" ", ""), "one line"],
  ])("of another form is refused: %s", (_, encoded, reason) => {
    expect(() => decodeResponse(hex(encoded))).toThrow(BinaryHttpError);
    expect(() => decodeResponse(hex(encoded))).toThrow(reason);
  });
});

function prefixedBytes(content: Uint8Array) {
  return concat(bytes([content.length]), content);
}

function prefixed(text: string) {
  return prefixedBytes(utf8(text));
}

function pair(name: string, value: string) {
  return concat(prefixed(name), prefixed(value));
}

/** A section of one field, whose length is written out here. */
function field(name: string, value: string, length: number) {
  return concat(bytes([length]), pair(name, value));
}
