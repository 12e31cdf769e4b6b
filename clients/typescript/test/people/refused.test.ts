/** What happens to a passkey that was made, and then refused or revoked. */

import { expect, test } from "vitest";
import { PasskeyLeftError, ProblemError, UnauthenticatedError } from "../../src/error.js";
import type { People } from "../../src/people/people.js";
import { errorOf } from "../enclave/connected.js";
import { type FakeEnclave, problem } from "../enclave/fake.js";
import { CREDENTIAL, HANDLE, person } from "./person.js";

const NAMES = { passkeyName: "laptop", userName: "alice" };
const UNKNOWN = { rpId: "example.org", credentialId: CREDENTIAL };

const MAKING: readonly (readonly [string, (people: People) => Promise<unknown>])[] = [
  ["/v1/users", (people) => people.register(NAMES)],
  ["/v1/links/passkey", (people) => people.offerPasskey("AAAAA-BBBBB", NAMES)],
  ["/v1/recoveries", (people) => people.startRecovery(HANDLE, undefined, NAMES)],
];

test.each(MAKING)("a new passkey that the enclave refuses is forgotten: %s", async (path, make) => {
  const { fake, asked, people } = await person({ oblivious: false });
  refusing(fake, path, 401, "passkey-attestation");
  expect((await errorOf(ProblemError, make(people))).name).toBe("ProblemError");
  expect(asked.forgotten).toEqual([UNKNOWN]);
});

test.each(MAKING)("if the password manager cannot be told, the error names what may remain: %s", async (path, make) => {
  const { fake, asked, people } = await person({ oblivious: false });
  asked.listens = false;
  refusing(fake, path, 401, "passkey-attestation");
  const error = await errorOf(PasskeyLeftError, make(people));
  expect(error.userName).toBe("alice");
  expect(error.message).toContain('"alice" may remain');
  expect(error.problem.type).toContain("passkey-attestation");
});

test.each([
  ["challenge-used", 401],
  ["passkey-exists", 409],
  ["store-unavailable", 503],
])("a passkey that the enclave may have after all is not forgotten: %s", async (name, status) => {
  const { fake, asked, people } = await person({ oblivious: false });
  refusing(fake, "/v1/users", status, name);
  await errorOf(PasskeyLeftError, people.register(NAMES));
  expect(asked.forgotten).toEqual([]);
});

test("nothing is forgotten because of what the parent says", async () => {
  const { fake, asked, people } = await person();
  fake.lie = async ({ target }) =>
    asked.created.length > 0 && target === "/v1/oblivious" ? problem(401, "passkey-attestation") : undefined;
  await errorOf(UnauthenticatedError, people.register(NAMES));
  expect(asked.created).toHaveLength(1);
  expect(asked.forgotten).toEqual([]);
});

test("neither an accepted passkey nor one whose login is refused is forgotten", async () => {
  const { fake, asked, people } = await person({ oblivious: false });
  await people.register(NAMES);
  refusing(fake, "/v1/sessions", 401, "passkey-unknown");
  await errorOf(ProblemError, people.login());
  expect(asked.forgotten).toEqual([]);
});

test("a session's own passkey is forgotten once it is revoked, and no other", async () => {
  const { fake, asked, people } = await person({ oblivious: false });
  const session = await people.login();
  const { user } = session;
  fake.operations[`POST /v1/passkeys/${session.info.passkey}/revoke`] = () => user;
  fake.operations["POST /v1/passkeys/11/revoke"] = () => user;
  await session.revokePasskey("11");
  expect(asked.forgotten).toEqual([]);
  await session.revokePasskey(session.info.passkey);
  expect(asked.forgotten).toEqual([UNKNOWN]);

  refusing(fake, `/v1/passkeys/${session.info.passkey}/revoke`, 409, "last-passkey");
  await errorOf(ProblemError, session.revokePasskey(session.info.passkey));
  expect(asked.forgotten).toHaveLength(1);
});

test("an existing passkey is asked once more when another boot has taken the place of the one that gave the nonce", async () => {
  const { fake, asked, people } = await person({ oblivious: false });
  restarting(fake, "/v1/sessions", 1);
  await people.login();
  expect(asked.questions).toHaveLength(2);
  restarting(fake, "/v1/sessions", 2);
  await errorOf(ProblemError, people.login());
  expect(asked.questions).toHaveLength(4);
  // The same boot has nothing against another nonce.
  refusing(fake, "/v1/sessions", 401, "challenge-invalid");
  await errorOf(ProblemError, people.login());
  expect(asked.questions).toHaveLength(5);
});

test("no second passkey is made for another boot", async () => {
  const { fake, asked, people } = await person({ oblivious: false });
  restarting(fake, "/v1/users", 1);
  await errorOf(ProblemError, people.register(NAMES));
  expect(asked.created).toHaveLength(1);
});

/** Has the enclave restart, so many times, when it gets a request to a path; it then knows nothing of the nonce. */
function restarting(fake: FakeEnclave, path: string, times: number): void {
  let left = times;
  fake.lie = async (request) => {
    if (request.target !== path || left === 0) {
      return undefined;
    }
    left -= 1;
    await fake.restart();
    const { fields, body } = problem(401, "challenge-invalid");
    return fake.boot.response(request, 401, fields, body, Math.floor(Date.now() / 1000));
  };
}

/** Has the enclave refuse the requests to a path, by its own signature. */
function refusing(fake: FakeEnclave, path: string, status: number, name: string): void {
  fake.lie = async (request) => {
    const { fields, body } = problem(status, name);
    return request.target === path
      ? fake.boot.response(request, status, fields, body, Math.floor(Date.now() / 1000))
      : undefined;
  };
}
