/** Split custody of a user: which requests the passkey approves, and what goes with them. */

import { expect, test } from "vitest";
import { fromUtf8 } from "../../src/bytes.js";
import type { HttpRequest } from "../../src/http.js";
import { SplitError } from "../../src/split/error.js";
import { Split } from "../../src/split/split.js";
import { errorOf } from "../enclave/connected.js";
import { vectors } from "../fixtures.js";
import { approvalOf, challengeOf, person, SESSION } from "../people/person.js";

const { shares } = vectors<{ shares: { text: string; key_id: string }[] }>("split-share.json");
const split = await Split.load();

/** A user's session, and a share of a key whose ceremonies the enclave begins with other parameters. */
async function user() {
  const { fake, people } = await person();
  const session = await people.login();
  const { text = "", key_id = "" } = shares[0] ?? {};
  const begun = () => ({ parameters: { id: "00".repeat(32) } });
  const participants = [{ name: "alice", public_key: "00" }, { name: "drawer", public_key: "01" }, { name: "server" }];
  fake.operations = {
    ...fake.operations,
    "POST /v1/ceremonies": begun,
    [`POST /v1/keys/${key_id}/refresh`]: begun,
    [`POST /v1/keys/${key_id}/reshare`]: begun,
    [`GET /v1/keys/${key_id}`]: () => ({ participants }),
    [`GET /v1/keys/${key_id}/wrapped-shares`]: () => ({ key_id, generation: 1, record_version: 1, wrapped_shares: [] }),
    [`POST /v1/ceremonies/${"00".repeat(32)}/abort`]: () => ({}),
  };
  return { fake, session, key: `/v1/keys/${key_id}`, share: split.parseShare(text), key_id };
}

function named(served: readonly HttpRequest[], target: string): HttpRequest {
  const request = served.find((one) => one.target === target);
  if (request === undefined) {
    throw new Error(`there is no request to ${target}`);
  }
  return request;
}

test("a refresh and a reshare are approved by the passkey, each for its own purpose", async () => {
  const { fake, session, key, share } = await user();
  await errorOf(SplitError, split.refresh(session, [share]));
  const participants = [
    { name: "alice", seat: "stays" },
    { name: "paper", seat: "comes" },
    { name: "server", seat: "enclave" },
  ] as const;
  await errorOf(SplitError, split.reshare(session, { shares: [share], threshold: 2, participants }));
  for (const [purpose, target] of [
    ["start_refresh", `${key}/refresh`],
    ["start_reshare", `${key}/reshare`],
  ] as const) {
    const request = named(fake.served, target);
    expect(approvalOf(request).challenge).toBe(await challengeOf(purpose, request, SESSION));
  }
  const { participants: sent, dealers } = JSON.parse(fromUtf8(named(fake.served, `${key}/reshare`).body) ?? "");
  expect(sent).toEqual([
    { name: "alice", public_key: share.publicKey },
    { name: "paper", public_key: expect.stringMatching(/^[0-9a-f]{64}$/) },
    { name: "server" },
  ]);
  expect(dealers).toEqual(["alice", "server"]);
});

test("a new key, an abort and wrapped shares are not", async () => {
  const { fake, session, key_id } = await user();
  const participants = [
    { name: "alice", held: true },
    { name: "server", held: false },
  ];
  await errorOf(SplitError, split.generate(session, { threshold: 2, participants, idempotencyKey: "once" }));
  expect(await split.wrappedShares(session, key_id)).toEqual({
    key_id,
    generation: 1,
    record_version: 1,
    wrapped_shares: [],
  });
  const of = fake.served.slice(-3);
  expect(of.map(({ target }) => target)).toEqual([
    "/v1/ceremonies",
    `/v1/ceremonies/${"00".repeat(32)}/abort`,
    `/v1/keys/${key_id}/wrapped-shares`,
  ]);
  for (const { fields } of of) {
    expect(fields.map(([name]) => name)).not.toContain("passkey-response");
  }
  expect(of[0]?.fields).toContainEqual(["idempotency-key", "once"]);
});
