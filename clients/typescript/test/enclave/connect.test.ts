import { describe, expect, test } from "vitest";
import { AttestationError } from "../../src/attestation/error.js";
import { Measurements } from "../../src/attestation/measurements.js";
import { RootCertificate } from "../../src/attestation/root-certificate.js";
import { sha256, toBase64, utf8 } from "../../src/bytes.js";
import { type ConnectOptions, Enclave } from "../../src/enclave.js";
import { ConnectionError, UnauthenticatedError, UnexpectedResponseError } from "../../src/error.js";
import type { HttpResponse } from "../../src/http.js";
import { ResponseError } from "../../src/http-signature/response.js";
import { pcr } from "../forge/path.js";
import { newBoot } from "../http-signature/boot.js";
import { about, connect, connected, errorOf } from "./connected.js";
import { FakeEnclave, ORIGIN, problem } from "./fake.js";

describe("an enclave is not connected to", () => {
  test("under another root certificate, and AWS's is the default", async () => {
    const fake = await FakeEnclave.start();
    const { rootCertificates: _, ...options } = {
      origin: ORIGIN,
      policy: { releases: "any" as const },
      rootCertificates: [],
      fetch: fake.fetch,
    };
    expect((await errorOf(AttestationError, Enclave.connect(options))).rule).toBe("root");
    expect(
      (await errorOf(AttestationError, connect(fake, { rootCertificates: [RootCertificate.awsNitroG1()] }))).rule,
    ).toBe("root");
    expect((await errorOf(AttestationError, connect(fake, { rootCertificates: [] }))).rule).toBe("root");
  });

  test("with other measurements, another deployment or another configuration", async () => {
    const fake = await FakeEnclave.start();
    const ruleOf = async (policy: ConnectOptions["policy"]) =>
      (await errorOf(AttestationError, connect(fake, { policy }))).rule;
    expect(await ruleOf({ releases: [Measurements.fromPcrs([[1, pcr(9)]])] })).toBe("measurements");
    expect(await ruleOf({ releases: "any", deployment: "other" })).toBe("deployment");
    expect(await ruleOf({ releases: "any", configuration: pcr(0).slice(0, 32) })).toBe("configuration");
    const configuration = await sha256(utf8("enclave.toml"));
    const releases = [Measurements.fromPcrs([[1, pcr(2)]])];
    await connect(fake, { policy: { releases, deployment: "example", configuration, maxAgeMs: 60_000 } });
  });

  test("with an earlier document, which has another nonce", async () => {
    const fake = await FakeEnclave.start();
    const old = await fake.document(utf8("a nonce of yesterday"));
    fake.lie = about("/v1/attestation", async (honest) => {
      return { ...(await honest()), body: utf8(JSON.stringify({ document: toBase64(old) })) };
    });
    expect((await errorOf(AttestationError, connect(fake))).rule).toBe("nonce");
  });

  test("with the document of one boot and the response of another", async () => {
    const fake = await FakeEnclave.start();
    const impostor = await newBoot(fake.boot.name);
    fake.boot = { ...fake.boot, response: impostor.response };
    expect((await errorOf(ResponseError, connect(fake))).rule).toBe("signature");
  });

  test("with a response that names another boot than the one that signed it", async () => {
    const fake = await FakeEnclave.start();
    fake.lie = about("/v1/attestation", async (honest) => {
      const { fields, ...rest } = await honest();
      const other = `sha-256=${"00".repeat(32)}`;
      return {
        ...rest,
        fields: fields.map(([name, value]) => [name, name === "x-enclave-attestation" ? other : value]),
      };
    });
    expect((await errorOf(ResponseError, connect(fake))).rule).toBe("signature");
  });

  test.each<[string, HttpResponse, abstract new (...values: never[]) => Error]>([
    ["a problem", problem(503, "attestation-unavailable"), UnauthenticatedError],
    ["a page", { status: 502, fields: [], body: utf8("<p>") }, UnexpectedResponseError],
    ["no JSON", { status: 200, fields: [], body: utf8("<p>") }, UnexpectedResponseError],
    ["no document", { status: 200, fields: [], body: utf8("{}") }, UnexpectedResponseError],
    ["no base64", { status: 200, fields: [], body: utf8('{"document":"_-_-"}') }, UnexpectedResponseError],
    ["another document", { status: 200, fields: [], body: utf8('{"document":"gA=="}') }, AttestationError],
  ])("if the parent responds with %s", async (_, response, type) => {
    const fake = await FakeEnclave.start();
    fake.lie = about("/v1/attestation", async () => response);
    await errorOf(type, connect(fake));
  });

  test.each([
    "",
    "enclave.example",
    "ftp://enclave.example",
    "http://enclave.example/path",
    "http://u:p@enclave.example",
  ])("at what is no origin: %j", async (origin) => {
    const fake = await FakeEnclave.start();
    await errorOf(TypeError, connect(fake, { origin }));
    expect(fake.seen).toEqual([]);
  });
});

describe("the connection", () => {
  test.each([
    "/v1/a/../health",
    "/v1/./health",
    "/v1\\health",
    '/v1/"a"',
    "/v1/health?a='b'<",
  ])("sends no target that a URL would rewrite: %s", async (target) => {
    const { fake, enclave } = await connected({ oblivious: false });
    fake.seen.length = 0;
    await errorOf(TypeError, enclave.request({ method: "GET", target }));
    expect(fake.seen).toEqual([]);
  });

  test("ends a response that takes too long", async () => {
    const fake = await FakeEnclave.start();
    const never: ConnectOptions["fetch"] = (_, { signal }) =>
      new Promise((_, reject) => signal?.addEventListener("abort", () => reject(signal.reason)));
    const error = await errorOf(ConnectionError, connect(fake, { fetch: never, timeLimitMs: 10 }));
    expect(error.kind).toBe("timed-out");
  });

  test("ends a response that does not end", async () => {
    const fake = await FakeEnclave.start();
    const endless: ConnectOptions["fetch"] = async () =>
      new Response(new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(1 << 20)) }));
    const error = await errorOf(ConnectionError, connect(fake, { fetch: endless }));
    expect(error.kind).toBe("response-too-large");
  });

  test("says that there is no response", async () => {
    const fake = await FakeEnclave.start();
    const error = await errorOf(ConnectionError, connect(fake, { fetch: () => Promise.reject(new TypeError("no")) }));
    expect(error.kind).toBe("no-response");
  });
});
