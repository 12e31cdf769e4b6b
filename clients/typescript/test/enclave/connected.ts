/** Clients of a fake enclave, and the lies of its parent. */

import { expect } from "vitest";
import { type ConnectOptions, Enclave } from "../../src/enclave.js";
import { type HttpResponse, pathOf } from "../../src/http.js";
import { generateSessionKey } from "../../src/http-signature/key.js";
import { FAKE_ROOT, FakeEnclave, type Lie, ORIGIN } from "./fake.js";

export const ALICE = { name: "alice", key: (await generateSessionKey()).privateKey };
export const ECHO = { method: "POST", target: "/v1/echo?a=%20b", json: { a: 1 }, principal: ALICE } as const;

/** A fake enclave, and a client that is connected to it. */
export async function connected(options: Partial<ConnectOptions> = {}) {
  const fake = await FakeEnclave.start();
  return { fake, enclave: await connect(fake, options) };
}

export async function connect(fake: FakeEnclave, options: Partial<ConnectOptions> = {}): Promise<Enclave> {
  return Enclave.connect({
    origin: ORIGIN,
    policy: { releases: "any" },
    rootCertificates: [FAKE_ROOT],
    fetch: fake.fetch,
    ...options,
  });
}

/** A lie about one path, and the truth about all others. */
export function about(path: string, lie: (honest: () => Promise<HttpResponse>) => Promise<HttpResponse>): Lie {
  return async ({ target }, honest) => (pathOf(target) === path ? lie(honest) : undefined);
}

/** A lie about the next request, and the truth afterwards. */
export function once(lie: Lie): Lie {
  let told = false;
  return async (request, honest) => {
    if (told) {
      return undefined;
    }
    told = true;
    return lie(request, honest);
  };
}

export async function errorOf<T extends Error>(
  type: abstract new (...values: never[]) => T,
  attempt: Promise<unknown>,
): Promise<T> {
  const error = await attempt.then(
    () => new Error("it was accepted"),
    (error: unknown) => error,
  );
  expect(error).toBeInstanceOf(type);
  return error as T;
}
