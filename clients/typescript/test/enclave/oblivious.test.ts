import { describe, expect, test } from "vitest";
import { AttestationError } from "../../src/attestation/error.js";
import { bytes, sha256, utf8 } from "../../src/bytes.js";
import { UnauthenticatedError, UnexpectedResponseError } from "../../src/error.js";
import type { HttpResponse } from "../../src/http.js";
import { ResponseError } from "../../src/http-signature/response.js";
import { about, connect, connected, ECHO, errorOf } from "./connected.js";
import { FakeEnclave, problem } from "./fake.js";
import { FakeGateway } from "./gateway.js";

describe("Oblivious HTTP", () => {
  test("shows the parent only that there is a request, and its length", async () => {
    const { fake, enclave } = await connected();
    fake.seen.length = 0;
    await enclave.request(ECHO);
    expect(fake.seen.map(({ method, target, fields }) => ({ method, target, fields }))).toEqual([
      {
        method: "POST",
        target: "/v1/oblivious",
        fields: [
          ["content-type", "message/ohttp-req"],
          ["x-enclave-attestation", fake.boot.name],
        ],
      },
    ]);
    const text = new TextDecoder("latin1").decode(fake.seen[0]?.body);
    for (const part of ["alice", "/v1/echo", "signature"]) {
      expect(text).not.toContain(part);
    }
    expect(fake.served.at(-1)?.target).toBe("/v1/echo?a=%20b");
  });

  test("is refused if the document binds no keys", async () => {
    const fake = await FakeEnclave.start();
    fake.binding = (entries) => {
      entries.set("v", 1);
      entries.delete("oblivious_keys");
    };
    expect((await errorOf(AttestationError, connect(fake))).rule).toBe("oblivious-keys");
    await connect(fake, { oblivious: false });
  });

  test("is refused if the parent sends its own keys", async () => {
    const fake = await FakeEnclave.start();
    const own = new FakeGateway();
    fake.lie = about("/v1/oblivious-keys", async (honest) => ({ ...(await honest()), body: own.keys }));
    const error = await errorOf(AttestationError, connect(fake));
    expect(error.rule).toBe("oblivious-keys");
    expect(error.expected).toContain("which the document binds");
    expect(fake.seen.some(({ target }) => target === "/v1/oblivious")).toBe(false);
  });

  test("is refused if the bound keys are malformed", async () => {
    const fake = await FakeEnclave.start();
    const body = utf8("no list of keys");
    const digest = await sha256(body);
    fake.binding = (entries) => entries.set("oblivious_keys", digest);
    fake.lie = about("/v1/oblivious-keys", async (honest) => ({ ...(await honest()), body }));
    expect((await errorOf(AttestationError, connect(fake))).rule).toBe("oblivious-keys");
  });

  test("fails with the reason if the parent has no keys", async () => {
    const fake = await FakeEnclave.start();
    fake.lie = about("/v1/oblivious-keys", async () => problem(503, "overloaded"));
    await errorOf(UnauthenticatedError, connect(fake));
  });

  test.each<[string, (response: HttpResponse) => HttpResponse]>([
    ["altered", ({ body, ...rest }) => ({ ...rest, body: body.with(20, (body[20] ?? 0) ^ 1) })],
    ["truncated", ({ body, ...rest }) => ({ ...rest, body: body.slice(0, -1) })],
    ["empty", (response) => ({ ...response, body: bytes([]) })],
    ["longer", ({ body, ...rest }) => ({ ...rest, body: bytes([...body, 0]) })],
  ])("an encapsulated response that is %s is refused", async (_, alter) => {
    const { fake, enclave } = await connected();
    fake.lie = about("/v1/oblivious", async (honest) => alter(await honest()));
    expect((await errorOf(ResponseError, enclave.request(ECHO))).rule).toBe("encapsulation");
  });

  test("the encapsulated response to another request is refused", async () => {
    const { fake, enclave } = await connected();
    let kept: HttpResponse | undefined;
    fake.lie = about("/v1/oblivious", async (honest) => {
      const response = await honest();
      kept ??= response;
      return kept;
    });
    await enclave.request(ECHO);
    expect((await errorOf(ResponseError, enclave.request(ECHO))).rule).toBe("encapsulation");
  });

  test.each<[string, HttpResponse]>([
    ["a response in the clear", { status: 200, fields: [["content-type", "application/json"]], body: utf8("{}") }],
    ["a response without a type", { status: 200, fields: [], body: utf8("{}") }],
    ["a page", { status: 502, fields: [["content-type", "text/html"]], body: utf8("<p>") }],
  ])("what is not encapsulated is not a response: %s", async (_, response) => {
    const { fake, enclave } = await connected();
    fake.lie = about("/v1/oblivious", async () => response);
    await errorOf(UnexpectedResponseError, enclave.request(ECHO));
  });

  test("a problem of the relay does not have the request sent again to the same boot", async () => {
    const { fake, enclave } = await connected();
    fake.seen.length = 0;
    fake.lie = about("/v1/oblivious", async () => problem(400, "oblivious-key-unknown"));
    await errorOf(UnauthenticatedError, enclave.request(ECHO));
    expect(fake.seen.filter(({ target }) => target === "/v1/oblivious")).toHaveLength(1);
  });
});
