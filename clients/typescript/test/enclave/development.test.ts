/** The real enclave program, with the emulated NSM, behind the real parent. */

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AttestationError } from "../../src/attestation/error.js";
import { Measurements } from "../../src/attestation/measurements.js";
import { RootCertificate } from "../../src/attestation/root-certificate.js";
import { utf8 } from "../../src/bytes.js";
import { type ConnectOptions, Enclave } from "../../src/enclave.js";
import { ProblemError } from "../../src/error.js";
import type { Principal } from "../../src/http-signature/key.js";
import { problemName } from "../../src/problem.js";
import { noPrograms } from "../fixtures.js";
import { errorOf } from "./connected.js";
import { Stack } from "./stack.js";

interface Key {
  readonly id: string;
  readonly group_public_key: string;
}

describe.skipIf(noPrograms)(`the development stack${noPrograms ? ` (${noPrograms})` : ""}`, () => {
  let stack: Stack;
  let options: ConnectOptions;
  let principal: Principal;

  beforeAll(async () => {
    stack = await Stack.start();
    ({ options, principal } = stack);
  }, 60_000);

  afterAll(async () => stack.end());

  test.each([true, false])("makes a key and signs with it (oblivious: %s)", async (oblivious) => {
    const enclave = await Enclave.connect({ ...options, oblivious });
    const participants = ["alice", "bob", "carol"];
    const create = {
      method: "POST",
      target: "/v1/keys",
      json: { threshold: 2, participants },
      idempotencyKey: crypto.randomUUID(),
      principal,
    };
    const key = (await enclave.request(create)).json<Key>();
    // The same Idempotency-Key gives the same key, whatever way the request takes.
    const other = await Enclave.connect({ ...options, oblivious: !oblivious });
    expect((await other.request(create)).json<Key>()).toEqual(key);

    const sign = { method: "POST", target: `/v1/keys/${key.id}/sign`, principal };
    const json = { type: "message", message: Buffer.from("never thawed").toString("hex") };
    const signed = (await enclave.request({ ...sign, json })).json<{ signature: string; public_key: string }>();
    expect(signed.public_key).toBe(key.group_public_key);
    expect(signed.signature).toMatch(/^[0-9a-f]{128}$/);

    const page = (await enclave.request({ method: "GET", target: "/v1/keys?limit=100", principal })).json<{
      keys: Key[];
    }>();
    expect(page.keys.map(({ id }) => id)).toContain(key.id);
  });

  test.each([true, false])("refuses by name (oblivious: %s)", async (oblivious) => {
    const enclave = await Enclave.connect({ ...options, oblivious });
    const nameOf = async (ask: Parameters<Enclave["request"]>[0]) => {
      const response = await enclave.request(ask);
      const error = await errorOf(ProblemError, (async () => response.json())());
      return problemName(error.problem);
    };
    const list = { method: "GET", target: "/v1/keys" };
    expect(await nameOf(list)).toBe("signature-missing");
    expect(await nameOf({ method: "GET", target: "/v1/nothing", principal })).toBe("not-found");
    expect(await nameOf({ ...list, principal: { ...principal, name: "nobody" } })).toBe("unknown-principal");
    const { privateKey } = (await crypto.subtle.generateKey({ name: "Ed25519" }, false, [
      "sign",
      "verify",
    ])) as CryptoKeyPair;
    expect(await nameOf({ ...list, principal: { name: "dev", key: privateKey } })).toBe("signature-invalid");
    const content = { type: "application/json", body: utf8("{") };
    expect(await nameOf({ method: "POST", target: "/v1/keys", content, idempotencyKey: "a", principal })).toMatch(
      /invalid/,
    );
  });

  test("is refused under another root, deployment, configuration and release", async () => {
    const ruleOf = async (changed: Partial<ConnectOptions>) =>
      (await errorOf(AttestationError, Enclave.connect({ ...options, ...changed }))).rule;
    expect(await ruleOf({ rootCertificates: [RootCertificate.awsNitroG1()] })).toBe("root");
    expect(await ruleOf({ policy: { releases: "any", deployment: "production" } })).toBe("deployment");
    expect(await ruleOf({ policy: { releases: "any", configuration: new Uint8Array(32) } })).toBe("configuration");
    const { boot } = await Enclave.connect(options);
    const measured = boot.verified.pcrs.get(1) ?? new Uint8Array();
    const release = Measurements.fromPcrs([[1, measured]]);
    await Enclave.connect({ ...options, policy: { releases: [release] } });
    const other = Measurements.fromPcrs([[1, measured.map((byte) => byte ^ 1)]]);
    expect(await ruleOf({ policy: { releases: [other] } })).toBe("measurements");
  });

  test("is followed to its next boot", async () => {
    const enclaves = await Promise.all([true, false].map((oblivious) => Enclave.connect({ ...options, oblivious })));
    const boots = enclaves.map(({ boot }) => boot.name);
    await stack.restart();
    for (const [index, enclave] of enclaves.entries()) {
      expect((await enclave.request({ method: "GET", target: "/v1/keys", principal })).status).toBe(200);
      expect(enclave.boot.name).not.toBe(boots[index]);
    }
  }, 60_000);
});
