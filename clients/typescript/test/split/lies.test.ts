/** What the enclave says about split custody, altered after its signature was checked: each lie is refused on this side. */

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { toHex, utf8 } from "../../src/bytes.js";
import { type Ask, Enclave } from "../../src/enclave.js";
import { ConnectionError, ProblemError } from "../../src/error.js";
import { problemName } from "../../src/problem.js";
import { Response } from "../../src/response.js";
import type { Carrier } from "../../src/split/carrier.js";
import type { Unconfirmed } from "../../src/split/ceremony.js";
import { SplitError } from "../../src/split/error.js";
import type { HeldShare } from "../../src/split/held-share.js";
import { Split } from "../../src/split/split.js";
import { errorOf } from "../enclave/connected.js";
import { Stack } from "../enclave/stack.js";
import { noPrograms } from "../fixtures.js";

const TWO_OF_TWO = {
  threshold: 2,
  participants: [
    { name: "alice", held: true },
    { name: "server", held: false },
  ],
};
const WHAT = { type: "message", message: toHex(utf8("never thawed")) } as const;
const ANOTHER_CEREMONY = "the ceremony is another one than was asked for";

/** The JSON of a response. */
// biome-ignore lint/suspicious/noExplicitAny: lies reach anywhere into it.
type Json = any;

/** What becomes of the response to requests whose target matches. */
type Lie = readonly [target: RegExp, alter: (json: Json) => void];

describe.skipIf(noPrograms)(`lies about split custody${noPrograms ? ` (${noPrograms})` : ""}`, () => {
  let stack: Stack;
  let enclave: Enclave;
  let honest: Carrier;
  let split: Split;
  let shares: readonly HeldShare[];

  beforeAll(async () => {
    stack = await Stack.start();
    enclave = await Enclave.connect(stack.options);
    honest = { enclave, principal: stack.principal };
    split = await Split.load();
    const made = await split.generate(honest, TWO_OF_TWO);
    await made.confirm();
    shares = made.shares;
  }, 60_000);

  afterAll(async () => stack.end());

  /** A carrier of which the responses are altered, and the requests that it was given. */
  function lying(...[target, alter]: Lie): { carrier: Carrier; sent: Ask[] } {
    const sent: Ask[] = [];
    const request = async (ask: Ask) => {
      sent.push(ask);
      const response = await enclave.request(ask);
      if (!target.test(ask.target)) {
        return response;
      }
      const json = response.json<Json>();
      alter(json);
      const { status, fields, created } = response;
      return new Response({ status, fields, body: utf8(JSON.stringify(json)) }, created);
    };
    const carrier = {
      enclave: {
        request,
        get boot() {
          return enclave.boot;
        },
      } as unknown as Enclave,
      principal: stack.principal,
    };
    return { carrier, sent };
  }

  async function refused(work: Promise<unknown>): Promise<SplitError> {
    return errorOf(SplitError, work);
  }

  test.each<[string, (parameters: Json) => void]>([
    [
      "a lower threshold",
      (parameters) => {
        parameters.threshold = 1;
      },
    ],
    [
      "another purpose",
      (parameters) => {
        parameters.purpose = "refresh";
      },
    ],
    [
      "a later generation",
      (parameters) => {
        parameters.generation = 2;
      },
    ],
    [
      "a participant more",
      (parameters) => {
        parameters.participants.push({ name: "mallory" });
      },
    ],
    [
      "other names",
      (parameters) => {
        parameters.participants.reverse();
      },
    ],
    [
      "another key for alice",
      (parameters) => {
        parameters.participants[0].public_key = "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798";
      },
    ],
    [
      "a key for the server",
      (parameters) => {
        parameters.participants[1].public_key = "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798";
      },
    ],
    [
      "another boot",
      (parameters) => {
        parameters.boot = "00".repeat(32);
      },
    ],
    [
      "another deployment",
      (parameters) => {
        parameters.deployment = "production";
      },
    ],
    [
      "a key that exists",
      (parameters) => {
        parameters.group_public_key = shares[0]?.groupPublicKey;
      },
    ],
    [
      "a dealer",
      (parameters) => {
        parameters.dealers = [{ name: "server", verifying_share: "02".repeat(33) }];
      },
    ],
    [
      "a member that there is not",
      (parameters) => {
        parameters.trusted = true;
      },
    ],
  ])("a ceremony with %s is refused, and aborted before anything else is sent in it", async (_, alter) => {
    const { carrier, sent } = lying(/\/v1\/ceremonies$/, ({ parameters }) => alter(parameters));
    const error = await refused(split.generate(carrier, TWO_OF_TWO));
    expect([error.kind, error.message]).toEqual(["ceremony", ANOTHER_CEREMONY]);
    expect(sent.map(({ target }) => target.replace(/[0-9a-f]{64}/, "ID"))).toEqual([
      "/v1/ceremonies",
      "/v1/ceremonies/ID/abort",
    ]);
  });

  test.each<[string, (parameters: Json) => void]>([
    [
      "another key",
      (parameters) => {
        parameters.key_id = "00".repeat(22);
      },
    ],
    [
      "another group public key",
      (parameters) => {
        parameters.group_public_key = "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798";
      },
    ],
    [
      "an earlier generation",
      (parameters) => {
        parameters.generation = 1;
      },
    ],
  ])("a refresh of %s is refused, and is in no one's way", async (_, alter) => {
    const { carrier, sent } = lying(/\/refresh$/, ({ parameters }) => alter(parameters));
    expect((await refused(split.refresh(carrier, shares))).message).toBe(ANOTHER_CEREMONY);
    expect(sent.map(({ target }) => target.split("/").at(-1))).toEqual(["refresh", "abort"]);
  });

  test("a reshare with another verifying share of a dealer is refused", async () => {
    const { carrier } = lying(/\/reshare$/, ({ parameters }) => {
      [parameters.dealers[0], parameters.dealers[1]] = [
        { ...parameters.dealers[0], verifying_share: parameters.dealers[1].verifying_share },
        { ...parameters.dealers[1], verifying_share: parameters.dealers[0].verifying_share },
      ];
    });
    const participants = [
      { name: "alice", seat: "stays" },
      { name: "server", seat: "enclave" },
    ] as const;
    const wanted = { shares, threshold: 2, participants };
    expect((await refused(split.reshare(carrier, wanted))).message).toBe(ANOTHER_CEREMONY);
  });

  const ROUND = /^\/v1\/ceremonies\/[0-9a-f]{64}$/;
  const of = (messages: Json[], type: string, participant: string): Json =>
    messages.find((message) => message.type === type && message.participant === participant);

  test.each<[string, (messages: Json[]) => void, string, string[]]>([
    [
      "a message of alice that was not sent",
      (messages) => {
        of(messages, "commitments", "alice").signature = "11".repeat(64);
      },
      "the response has a message that was not sent",
      [],
    ],
    [
      "a share in alice's name",
      (messages) => {
        messages.push({ ...of(messages, "shares", "server"), participant: "alice" });
      },
      "the response has a message that was not sent",
      [],
    ],
    [
      "a message of a stranger",
      (messages) => {
        messages.push({ ...of(messages, "shares", "server"), participant: "mallory" });
      },
      '"mallory" does not take part in the ceremony',
      [],
    ],
    [
      "no commitments of the server",
      (messages) => {
        messages.splice(messages.indexOf(of(messages, "commitments", "server")), 1);
      },
      "the shares of server came while the ceremony waits for commitments",
      [],
    ],
    [
      "a share that is not on the server's polynomial",
      (messages) => {
        of(messages, "shares", "server").shares.alice = "01".repeat(32);
      },
      "server broke the protocol: the share is not on the polynomial that was committed to",
      ["server"],
    ],
    [
      "a proof for another ceremony",
      (messages) => {
        of(messages, "commitments", "server").possession = "11".repeat(64);
      },
      "server broke the protocol: the proof of possession is not one for this ceremony",
      ["server"],
    ],
  ])("a round with %s is refused", async (_, alter, message, participants) => {
    const { carrier } = lying(ROUND, ({ messages }) => alter(messages));
    const error = await refused(split.generate(carrier, TWO_OF_TWO));
    expect([error.kind, error.message, error.participants]).toEqual(["ceremony", message, participants]);
  });

  /** A ceremony up to its result, of which the certificate is altered. */
  async function unconfirmed(alter: (certificate: Json) => void): Promise<Unconfirmed> {
    const { carrier } = lying(ROUND, ({ certificate }) => certificate && alter(certificate));
    return split.generate(carrier, TWO_OF_TWO);
  }

  test.each<[string, (certificate: Json) => void, RegExp]>([
    [
      "another transcript",
      ({ outcome }) => {
        outcome.transcript = "00".repeat(32);
      },
      /^the certificate is that of another result$/,
    ],
    [
      "another key",
      ({ outcome }) => {
        outcome.group_public_key = shares[0]?.groupPublicKey;
      },
      /^the certificate is that of another result$/,
    ],
    [
      "another signature of alice",
      ({ confirmations }) => {
        confirmations[0].signature = "11".repeat(64);
      },
      /^the confirmation of alice does not have the signature of alice$/,
    ],
    [
      "no signature of alice",
      ({ confirmations }) => {
        confirmations.pop();
      },
      /^\/confirmations: 0; accepted: 1$/,
    ],
    [
      "another signature of the enclave",
      ({ enclave }) => {
        enclave.signature = "11".repeat(64);
      },
      /^the enclave's signature over the result does not verify$/,
    ],
    [
      "a signature of the enclave that is not hex",
      ({ enclave }) => {
        enclave.signature = "?";
      },
      /^the enclave's signature over the result does not verify$/,
    ],
  ])("a certificate with %s is refused", async (_, alter, message) => {
    const error = await refused((await unconfirmed(alter)).confirm());
    expect(error.kind).toBe("ceremony");
    expect(error.message).toMatch(message);
  });

  test("a wrong signature share is refused, and its participant named", async () => {
    const { carrier } = lying(/\/cosign$/, ({ parts }) => {
      parts[0].share = "01".repeat(32);
    });
    const error = await refused(split.sign(carrier, shares, WHAT));
    expect([error.kind, error.message, error.participants]).toEqual([
      "signature",
      "wrong signature shares of server",
      ["server"],
    ]);
  });

  test("the parts of another message are refused", async () => {
    const other: Json[] = [];
    const first = lying(/\/cosign$/, ({ parts }) => other.push(parts));
    await split.sign(first.carrier, shares, { type: "message", message: "00" });
    const { carrier } = lying(/\/cosign$/, (json) => {
      json.parts = other[0];
    });
    expect((await refused(split.sign(carrier, shares, WHAT))).participants).toEqual(["server"]);
  });

  test("a part of nobody is refused", async () => {
    const { carrier } = lying(/\/cosign$/, ({ parts }) => {
      parts[0].participant = "mallory";
    });
    const error = await refused(split.sign(carrier, shares, WHAT));
    expect([error.kind, error.message]).toEqual([
      "signature",
      '/parts/1/participant: "mallory"; accepted: a participant of the key',
    ]);
  });

  /** Carries a confirmation and hides the response. */
  function hiding(): Carrier {
    let last = false;
    const request = async (ask: Ask) => {
      const response = await enclave.request(ask);
      if (!last && ROUND.test(ask.target) && JSON.stringify(ask.json).includes("confirmation")) {
        last = true;
        throw new ConnectionError("no-response", "hidden");
      }
      return response;
    };
    return {
      enclave: {
        request,
        get boot() {
          return enclave.boot;
        },
      } as unknown as Enclave,
      principal: stack.principal,
    };
  }

  test("a confirmation whose response is lost is sent again", async () => {
    const made = await split.generate(hiding(), TWO_OF_TWO);
    await errorOf(ConnectionError, made.confirm());
    expect((await made.confirm()).outcome).toEqual(made.outcome);
    expect((await split.sign(honest, made.shares, WHAT)).public_key).toBe(made.outcome.group_public_key);
  });

  test("a confirmation whose response is lost in a restart is found, and one that was never sent is not", async () => {
    const stored = await split.generate(hiding(), TWO_OF_TWO);
    await errorOf(ConnectionError, stored.confirm());
    const lost = await split.generate(honest, TWO_OF_TWO);
    const refreshed = await split.refresh(honest, shares);
    await stack.restart();

    expect((await stored.confirm()).outcome).toEqual(stored.outcome);
    for (const gone of [lost, refreshed]) {
      const error = await errorOf(ProblemError, gone.confirm());
      expect(problemName(error.problem)).toBe("ceremony-not-found");
    }
    // The refresh never was: the shares sign as before.
    await split.sign(honest, shares, WHAT);
  }, 60_000);
});
