import { describe, expect, test } from "vitest";
import { type Bytes, utf8 } from "../../src/bytes.js";
import type { Fields, HttpRequest, HttpResponse } from "../../src/http.js";
import { generateSessionKey } from "../../src/http-signature/key.js";
import { signRequest } from "../../src/http-signature/request.js";
import { isSigned, ResponseError, verifyResponse } from "../../src/http-signature/response.js";
import { type Boot, newBoot } from "./boot.js";

const NAME = `sha-256=${"5a".repeat(32)}` as const;
const OTHER = `sha-256=${"a5".repeat(32)}` as const;
const BODY = utf8('{"keys":[]}');
const UNSIGNED: HttpRequest = { method: "GET", target: "/v1/keys?limit=1", fields: [], body: utf8("") };

interface Exchange {
  readonly boot: Boot;
  readonly request: HttpRequest;
  readonly response: HttpResponse;
}

async function exchange(signed: boolean): Promise<Exchange> {
  const boot = await newBoot(NAME);
  const request = signed ? await sign(UNSIGNED) : UNSIGNED;
  const response = await boot.response(request, 200, [["content-type", "application/json"]], BODY, 1_700_000_000);
  return { boot, request, response };
}

async function sign(request: HttpRequest): Promise<HttpRequest> {
  const { privateKey } = await generateSessionKey();
  return signRequest(request, { name: "alice", key: privateKey }, NAME);
}

async function refusal(response: HttpResponse, request: HttpRequest, key: Bytes): Promise<ResponseError> {
  try {
    await verifyResponse(response, request, key);
  } catch (error) {
    if (error instanceof ResponseError) {
      return error;
    }
    throw error;
  }
  throw new Error("it was accepted");
}

function put(fields: Fields, name: string, value: string): Fields {
  return [...fields.filter(([each]) => each !== name), [name, value]];
}

function replace(fields: Fields, name: string, from: string, to: string): Fields {
  return fields.map(([each, value]) => {
    if (each !== name) {
      return [each, value];
    }
    expect(value).toContain(from);
    return [each, value.replace(from, to)];
  });
}

test.each([
  false,
  true,
])("a response says when it was signed and by which boot (request signed: %s)", async (signed) => {
  const { boot, request, response } = await exchange(signed);
  expect(isSigned(request)).toBe(signed);
  expect(await verifyResponse(response, request, boot.publicKey)).toEqual({ created: 1_700_000_000, boot: NAME });
});

const input = (from: string, to: string) => (fields: Fields) => replace(fields, "signature-input", from, to);
const drop = (name: string) => (fields: Fields) => fields.filter(([each]) => each !== name);
const repeat = (name: string) => (fields: Fields) => [...fields, ...fields.filter(([each]) => each === name)];

describe("an altered response is refused", () => {
  test.each<[string, string, (fields: Fields) => Fields]>([
    ["another type", "signature", (fields) => put(fields, "content-type", "text/html")],
    ["no type", "components", drop("content-type")],
    ["two types", "field-repeated", repeat("content-type")],
    ["a type of two lines", "field-text", (fields) => put(fields, "content-type", "a\nb")],
    ["another boot", "signature", (fields) => put(fields, "x-enclave-attestation", OTHER)],
    ["a boot in upper case", "field-form", (fields) => put(fields, "x-enclave-attestation", NAME.toUpperCase())],
    ["no boot", "field-missing", drop("x-enclave-attestation")],
    ["another digest", "content-digest", (fields) => replace(fields, "content-digest", "sha-256=:", "sha-256=:A")],
    ["no digest", "field-missing", drop("content-digest")],
    ["no signature", "field-missing", drop("signature")],
    ["two signatures", "field-repeated", repeat("signature")],
    ["a short signature", "field-form", (fields) => put(fields, "signature", "permafrost=:AAAA:")],
    ["no input", "field-missing", drop("signature-input")],
    ["a long input", "field-length", (fields) => put(fields, "signature-input", "x".repeat(513))],
    ["another time", "signature", input("created=17", "created=16")],
    ["a time with a leading zero", "parameter", input("created=17", "created=017")],
    ["another keyid", "parameter", input('"boot"', '"alice"')],
    ["a further parameter", "parameter", input('"boot"', '"boot";tag="x"')],
    ["fewer components", "components", input(' "@query";req', "")],
    ["another order", "components", input('"@method";req "@path";req', '"@path";req "@method";req')],
    ["no binding to the request's signature", "components", input(' "signature";req;key="permafrost"', "")],
    ["another label", "parameter", input("permafrost=", "sig=")],
    ["a second label", "parameter", input("permafrost=", 'sig=("@status"), permafrost=')],
  ])("%s", async (_, rule, alter) => {
    const { boot, request, response } = await exchange(true);
    const altered = { ...response, fields: alter(response.fields) };
    expect((await refusal(altered, request, boot.publicKey)).rule).toBe(rule);
  });

  test("another status", async () => {
    const { boot, request, response } = await exchange(true);
    expect((await refusal({ ...response, status: 201 }, request, boot.publicKey)).rule).toBe("signature");
  });

  test("another body", async () => {
    const { boot, request, response } = await exchange(true);
    expect((await refusal({ ...response, body: utf8("{}") }, request, boot.publicKey)).rule).toBe("content-digest");
  });
});

describe("a response to another request is refused", () => {
  test.each<[string, (request: HttpRequest) => HttpRequest | Promise<HttpRequest>]>([
    ["another method", (request) => ({ ...request, method: "POST" })],
    ["another path", (request) => ({ ...request, target: "/v1/key?limit=1" })],
    ["another query", (request) => ({ ...request, target: "/v1/keys?limit=2" })],
    ["the same, signed again", (request) => sign(request)],
    ["the same, unsigned", (request) => ({ ...request, fields: drop("signature")(request.fields) })],
  ])("%s", async (_, alter) => {
    const { boot, request, response } = await exchange(true);
    await refusal(response, await alter(request), boot.publicKey);
  });

  test("the same, unsigned when the enclave responded", async () => {
    const { boot, request, response } = await exchange(false);
    expect((await refusal(response, await sign(request), boot.publicKey)).rule).toBe("components");
  });
});

test("a response of another boot is refused", async () => {
  const { request, response } = await exchange(true);
  const other = await newBoot(OTHER);
  expect((await refusal(response, request, other.publicKey)).rule).toBe("signature");
  expect((await refusal(response, request, utf8("no point of the curve at all, no"))).rule).toBe("signature");
});
