import { afterEach, describe, expect, test, vi } from "vitest";
import { AttestationError } from "../../src/attestation/error.js";
import { sha256 } from "../../src/bytes.js";
import { ClockDiffersError, ProblemError, UnauthenticatedError } from "../../src/error.js";
import { values } from "../../src/http.js";
import { ProfileError } from "../../src/http-signature/profile.js";
import { isSigned, ResponseError } from "../../src/http-signature/response.js";
import { newBoot } from "../http-signature/boot.js";
import { ALICE, connected, ECHO, errorOf, once } from "./connected.js";
import { problem } from "./fake.js";

afterEach(() => {
  vi.useRealTimers();
});

describe.each([true, false])("a verified enclave (oblivious: %s)", (oblivious) => {
  test("responds to signed and to unsigned requests", async () => {
    const { fake, enclave } = await connected({ oblivious });
    expect((await enclave.request({ method: "GET", target: "/v1/health" })).json()).toEqual({ ready: true });
    const response = await enclave.request({ ...ECHO, idempotencyKey: "order-7" });
    const { fields, ...echo } = response.json<{ fields: [string, string][] }>();
    expect(echo).toEqual({ method: "POST", body: "7b2261223a317d" });
    expect(values(fields, "content-type")).toEqual(["application/json"]);
    expect(values(fields, "idempotency-key")).toEqual(["order-7"]);
    expect(values(fields, "x-enclave-attestation")).toEqual([fake.boot.name]);
    expect(values(fields, "signature-input")[0]).toContain('keyid="alice"');
  });

  test("is asked for no older version of a key than the request says", async () => {
    const { fake, enclave } = await connected({ oblivious });
    await enclave.request({ ...ECHO, leastVersion: 7 });
    expect(fake.served.at(-1)?.target).toBe(`${ECHO.target}&least_version=7`);
  });

  test("tells what it is", async () => {
    const { fake, enclave } = await connected({ oblivious });
    const { name, binding, verified, nonce, document } = enclave.boot;
    expect(name).toBe(fake.boot.name);
    expect(binding).toMatchObject({ deployment: "example", bootKey: fake.boot.publicKey });
    expect(verified.nonce).toEqual(nonce);
    expect(verified.digest).toEqual(await sha256(document));
  });

  test("has each of its responses checked", async () => {
    const { fake, enclave } = await connected({ oblivious });
    const impostor = await newBoot(fake.boot.name);
    fake.boot = { ...fake.boot, response: impostor.response };
    expect((await errorOf(ResponseError, enclave.request(ECHO))).rule).toBe("signature");
  });

  test("that restarts is verified again, and the request is signed for its new boot", async () => {
    const { fake, enclave } = await connected({ oblivious });
    const old = enclave.boot.name;
    await fake.restart();
    const { fields } = (await enclave.request(ECHO)).json<{ fields: [string, string][] }>();
    expect(values(fields, "x-enclave-attestation")).toEqual([fake.boot.name]);
    expect(enclave.boot.name).toBe(fake.boot.name);
    expect(enclave.boot.name).not.toBe(old);
  });

  test("that restarts is verified once for many requests", async () => {
    const { fake, enclave } = await connected({ oblivious });
    await fake.restart();
    fake.seen.length = 0;
    const responses = await Promise.all(Array.from({ length: 8 }, () => enclave.request(ECHO)));
    expect(responses.every(({ status }) => status === 200)).toBe(true);
    expect(fake.seen.filter(({ target }) => target.startsWith("/v1/attestation"))).toHaveLength(1);
  });

  test("that restarts again and again is followed three times", async () => {
    const { fake, enclave } = await connected({ oblivious });
    await fake.restart();
    const documents = () => fake.seen.filter(({ target }) => target.startsWith("/v1/attestation")).length;
    const before = documents();
    fake.lie = async ({ target }, honest) => {
      const last = oblivious ? "/v1/oblivious-keys" : "/v1/attestation";
      const response = await honest();
      if (target.startsWith(last)) {
        await fake.restart();
      }
      return response;
    };
    await expect(enclave.request(ECHO)).rejects.toThrow();
    expect(documents() - before).toBe(3);
  });

  test("that is gone for a moment is asked again, once, where that changes nothing more", async () => {
    const { fake, enclave } = await connected({ oblivious });
    const lose = async () => {
      fake.lie = once(async () => problem(503, "enclave-unreachable"));
      fake.seen.length = 0;
    };
    await lose();
    expect((await enclave.request({ method: "GET", target: "/v1/health" })).status).toBe(200);
    await lose();
    expect((await enclave.request({ ...ECHO, idempotencyKey: "order-7" })).status).toBe(200);
    await lose();
    const error = await errorOf(UnauthenticatedError, enclave.request(ECHO));
    expect(error.problem.type).toBe("urn:permafrost:problem:enclave-unreachable");
    expect(fake.seen.filter(({ method }) => method === "POST")).toHaveLength(1);
  });

  test("says of each request which boot it is for", async () => {
    const { fake, enclave } = await connected({ oblivious });
    fake.seen.length = 0;
    await enclave.request({ method: "GET", target: "/v1/health" });
    await enclave.request(ECHO);
    const named = fake.seen.map(({ fields }) => values(fields, "x-enclave-attestation"));
    expect(named).toEqual([[enclave.boot.name], [enclave.boot.name]]);
  });

  test("that restarts as another enclave is sent nothing", async () => {
    const { fake, enclave } = await connected({ oblivious, policy: { releases: "any", deployment: "example" } });
    await fake.restart();
    fake.binding = (entries) => entries.set("deployment", "other");
    const error = await errorOf(AttestationError, enclave.request(ECHO));
    expect(error).toMatchObject({ rule: "deployment", found: 'the deployment is "other"', expected: '"example"' });
    const signed = fake.served.filter(isSigned);
    expect(signed.some(({ fields }) => values(fields, "x-enclave-attestation")[0] === fake.boot.name)).toBe(false);
  });

  test("refuses with problems, which are errors where a success is asked for", async () => {
    const { enclave } = await connected({ oblivious });
    const response = await enclave.request({ method: "GET", target: "/v1/nothing", principal: ALICE });
    expect(response.status).toBe(404);
    expect(response.problem?.type).toBe("urn:permafrost:problem:not-found");
    expect(() => response.json()).toThrow(ProblemError);
  });

  test("whose clock differs says so, with both times", async () => {
    const { fake, enclave } = await connected({ oblivious });
    fake.clockAhead = -100;
    const response = await enclave.request({ method: "GET", target: "/v1/expired", principal: ALICE });
    expect(() => response.json()).toThrow(ClockDiffersError);
    expect(() => response.json()).toThrow("100 s ahead of the enclave's");
  });

  test("is sent nothing that would be refused as it stands", async () => {
    const { fake, enclave } = await connected({ oblivious });
    fake.seen.length = 0;
    for (const target of ["v1/health", "//elsewhere.example/v1/health", "/v1/health?", "/v1/health#a", "/a b"]) {
      await errorOf(ProfileError, enclave.request({ method: "GET", target }));
    }
    await errorOf(ProfileError, enclave.request({ method: "get", target: "/v1/health" }));
    expect(fake.seen).toEqual([]);
  });

  test("whose key signs in the name of another boot is refused", async () => {
    const { fake, enclave } = await connected({ oblivious });
    const honest = fake.boot;
    const other = honest.named(`sha-256=${"00".repeat(32)}`);
    // It returns its own document again, so it has not restarted.
    fake.lie = async ({ target }) => {
      fake.boot = target.startsWith("/v1/attestation") ? honest : { ...other, name: honest.name };
      return undefined;
    };
    expect((await errorOf(ResponseError, enclave.request(ECHO))).rule).toBe("boot");
  });

  test("is sent further fields as they are, and none in place of those that are signed", async () => {
    const { fake, enclave } = await connected({ oblivious });
    const { fields } = (await enclave.request({ ...ECHO, fields: [["passkey-response", "a b"]] })).json<{
      fields: [string, string][];
    }>();
    expect(values(fields, "passkey-response")).toEqual(["a b"]);
    fake.seen.length = 0;
    for (const field of [
      ["signature", "a"],
      ["content-type", "a"],
      ["idempotency-key", "a"],
      ["A", "a"],
      ["a", "a\r\nb: c"],
    ]) {
      const [name = "", value = ""] = field;
      await errorOf(ProfileError, enclave.request({ ...ECHO, fields: [[name, value]] }));
    }
    expect(fake.seen).toEqual([]);
  });

  test("is not evidence if nothing has signed the problem", async () => {
    const { fake, enclave } = await connected({ oblivious });
    fake.lie = async () => problem(503, "enclave-unreachable");
    const error = await errorOf(UnauthenticatedError, enclave.request(ECHO));
    expect(error.problem.type).toBe("urn:permafrost:problem:enclave-unreachable");
  });
});

describe("a response without a nonce", () => {
  test("is refused when it is older than a minute, by the enclave's clock", async () => {
    const { fake, enclave } = await connected({ oblivious: false });
    fake.clockAhead = -60;
    await enclave.request({ method: "GET", target: "/v1/health" });
    fake.clockAhead = -62;
    const error = await errorOf(ResponseError, enclave.request({ method: "GET", target: "/v1/health" }));
    expect(error.rule).toBe("stale");
    // A signed request has a nonce, so its response cannot be old.
    expect((await enclave.request(ECHO)).status).toBe(200);
  });

  test("is held against the steady clock of this machine, too", async () => {
    vi.useFakeTimers({ toFake: ["performance"] });
    const { enclave } = await connected({ oblivious: false });
    vi.advanceTimersByTime(60_000);
    await enclave.request({ method: "GET", target: "/v1/health" });
    vi.advanceTimersByTime(3_000);
    const error = await errorOf(ResponseError, enclave.request({ method: "GET", target: "/v1/health" }));
    expect(error.rule).toBe("stale");
  });
});

test("a boot that a parent only pretends to have restarted is verified, and the old one goes on", async () => {
  const { fake, enclave } = await connected({ oblivious: false });
  const name = enclave.boot.name;
  fake.lie = once(async (_, honest) => {
    const { fields, ...rest } = await honest();
    const other = `sha-256=${"00".repeat(32)}`;
    return { ...rest, fields: fields.map(([each, value]) => [each, each === "x-enclave-attestation" ? other : value]) };
  });
  expect((await errorOf(ResponseError, enclave.request(ECHO))).rule).toBe("signature");
  expect((await enclave.request(ECHO)).status).toBe(200);
  expect(enclave.boot.name).toBe(name);
});

test("an enclave can be verified again, with another nonce", async () => {
  const { enclave } = await connected();
  const { nonce } = enclave.boot;
  expect((await enclave.verifyAgain()).nonce).not.toEqual(nonce);
  expect(enclave.boot.nonce).not.toEqual(nonce);
});
