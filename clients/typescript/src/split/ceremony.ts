/** Ceremonies with the enclave: a new key, new shares of a key, other participants of a key. */

import type { Boot } from "../boot.js";
import { ProblemError } from "../error.js";
import type { Wanted } from "../people/conversation.js";
import { problemName } from "../problem.js";
import type { CeremonyParticipant, Certificate, Dealer, Outcome, Parameters } from "./api.js";
import { type Carrier, get, post, send } from "./carrier.js";
import { checkCertificate, digestOf } from "./certificate.js";
import { SplitError } from "./error.js";
import { HeldShare, oneKey } from "./held-share.js";
import { call, callForJson, type Protocol } from "./protocol.js";
import { same } from "./same.js";

/** Who a participant of a reshared key is: the enclave; this side, which has a share already; or this side, anew. */
export type Seat = "enclave" | "stays" | "comes";

/** A share as this side has wrapped it, for the enclave to keep with the key. */
export interface WrappedShare {
  readonly participant: string;
  /** The wrapped share, in hex. */
  readonly wrapped: string;
}

export interface NewKey {
  readonly threshold: number;
  /** All participants of the key, in order. Those that are not held here are the enclave's: at least one, and fewer than the threshold. */
  readonly participants: readonly { readonly name: string; readonly held: boolean }[];
  /** Makes it safe to repeat: 1 to 64 of `A-Z a-z 0-9 - _ .`. */
  readonly idempotencyKey?: string;
}

export interface Reshared {
  /** The shares that deal, with as many of the enclave's as the key's threshold takes. */
  readonly shares: readonly HeldShare[];
  readonly threshold: number;
  /** All participants that the key will have, in order. */
  readonly participants: readonly { readonly name: string; readonly seat: Seat }[];
}

export async function generate(protocol: Protocol, carrier: Carrier, wanted: NewKey): Promise<Unconfirmed> {
  const { threshold, idempotencyKey = crypto.randomUUID() } = wanted;
  return withSide(protocol, [], async (side) => {
    const participants = wanted.participants.map(
      ({ name, held }): CeremonyParticipant => ({
        name,
        ...(held ? { public_key: call(() => side.comes(name)) } : {}),
      }),
    );
    const begin = { ...post("/v1/ceremonies", { threshold, participants }), idempotencyKey };
    const begun = await parametersOf(carrier, begin);
    const { key_id } = begun;
    const expected = { purpose: "generate", key_id, generation: 1, threshold, participants } as const;
    return takePart(protocol, carrier, side, begun, expected);
  });
}

export async function refresh(
  protocol: Protocol,
  carrier: Carrier,
  shares: readonly HeldShare[],
): Promise<Unconfirmed> {
  const first = oneKey(shares);
  const { keyId, threshold } = first;
  return withSide(protocol, shares, async (side) => {
    const held = new Map(shares.map(({ participant, publicKey }) => [participant, publicKey]));
    const participants = first.participants.map((name): CeremonyParticipant => {
      const public_key = held.get(name);
      return { name, ...(public_key === undefined ? {} : { public_key }) };
    });
    const begun = await parametersOf(carrier, post(`/v1/keys/${keyId}/refresh`), "start_refresh");
    const expected = { purpose: "refresh", ...nextOf(first), threshold, participants } as const;
    return takePart(protocol, carrier, side, begun, expected);
  });
}

export async function reshare(protocol: Protocol, carrier: Carrier, wanted: Reshared): Promise<Unconfirmed> {
  const { shares, threshold } = wanted;
  const first = oneKey(shares);
  return withSide(protocol, shares, async (side) => {
    const participants = wanted.participants.map(({ name, seat }): CeremonyParticipant => {
      if (seat === "enclave") {
        return { name };
      }
      return { name, public_key: seat === "comes" ? call(() => side.comes(name)) : staying(shares, name) };
    });
    const dealers = await dealersOf(carrier, first, shares);
    const json = { threshold, participants, dealers: dealers.map(({ name }) => name) };
    const begun = await parametersOf(carrier, post(`/v1/keys/${first.keyId}/reshare`, json), "start_reshare");
    const expected = { purpose: "reshare", ...nextOf(first), threshold, participants, dealers } as const;
    return takePart(protocol, carrier, side, begun, expected);
  });
}

/** A ceremony whose result this side has, and has not confirmed. */
export class Unconfirmed {
  readonly #protocol: Protocol;
  readonly #carrier: Carrier;
  readonly #boot: Boot;
  readonly #messages: unknown;
  /** What the ceremony comes to. */
  readonly outcome: Outcome;
  /** This side's shares, in the order of the participants: store them before they are confirmed, and free them afterwards. */
  readonly shares: readonly HeldShare[];

  /** For this library alone: {@link Split} has the ceremonies. */
  constructor(
    protocol: Protocol,
    carrier: Carrier,
    boot: Boot,
    result: { readonly outcome: Outcome; readonly shares: readonly HeldShare[]; readonly messages: unknown },
  ) {
    this.#protocol = protocol;
    this.#carrier = carrier;
    this.#boot = boot;
    this.#messages = result.messages;
    this.outcome = result.outcome;
    this.shares = result.shares;
  }

  /** 22 bytes. */
  get keyId(): string {
    return this.outcome.parameters.key_id;
  }

  /** That of the shares. */
  get generation(): number {
    return this.outcome.parameters.generation;
  }

  /**
   * Confirms the result; afterwards the key exists, or its shares are the new ones. May be called again after an error.
   *
   * @param wrapped shares for the enclave to keep with the key, in the same write.
   * @throws {ProblemError} with `ceremony-not-found`, `ceremony-failed` or `key-conflict`: the shares will never be of use. After any other
   *   error they may be.
   * @throws {SplitError} `ceremony`: the certificate is not that of this result.
   */
  async confirm(wrapped?: readonly WrappedShare[]): Promise<Certificate> {
    const certificate = await this.#confirmed(wrapped);
    if (!same(certificate.outcome, this.outcome)) {
      throw new SplitError("ceremony", "the certificate is that of another result");
    }
    await checkCertificate(this.#protocol, certificate, this.#boot);
    return certificate;
  }

  /** Gives the ceremony up: nothing of it is left in the enclave, and the shares here are wiped. */
  async abort(): Promise<void> {
    for (const share of this.shares) {
      share.free();
    }
    const response = await send(this.#carrier, post(`/v1/ceremonies/${this.outcome.parameters.id}/abort`));
    response.json();
  }

  async #confirmed(wrapped: readonly WrappedShare[] | undefined): Promise<Certificate> {
    const json = { messages: this.#messages, ...(wrapped === undefined ? {} : { wrapped_shares: wrapped }) };
    const response = await send(this.#carrier, post(`/v1/ceremonies/${this.outcome.parameters.id}`, json));
    try {
      const { certificate } = response.json<Ceremony>();
      if (certificate === undefined) {
        throw new SplitError("ceremony", "a complete ceremony has no certificate");
      }
      return certificate;
    } catch (error) {
      if (!isProblem(error, "ceremony-not-found")) {
        throw error;
      }
      return this.#stored(error);
    }
  }

  /** The certificate that the enclave has stored: it may have restarted after it stored the result, and then knows no ceremony. */
  async #stored(notFound: ProblemError): Promise<Certificate> {
    const response = await send(this.#carrier, get(`/v1/keys/${this.keyId}/certificate`));
    try {
      const stored = response.json<Certificate>();
      if (same(stored.outcome, this.outcome)) {
        return stored;
      }
    } catch (error) {
      if (!isProblem(error, "key-not-found")) {
        throw error;
      }
    }
    throw notFound;
  }
}

/** `Ceremony` of the API. Its messages are for the protocol, which refuses any other form. */
interface Ceremony {
  readonly parameters: Parameters;
  readonly messages: unknown;
  readonly certificate?: Certificate;
}

/** What the next ceremony of a share's key is about. */
function nextOf({ keyId, generation, groupPublicKey }: HeldShare) {
  return { key_id: keyId, generation: generation + 1, group_public_key: groupPublicKey };
}

/** Lets these shares act in a ceremony, and wipes what it had of them. */
async function withSide<T>(
  protocol: Protocol,
  shares: readonly HeldShare[],
  act: (side: InstanceType<Protocol["Side"]>) => Promise<T>,
): Promise<T> {
  const side = new protocol.Side();
  try {
    for (const share of shares) {
      call(() => side.holds(share.inside));
    }
    return await act(side);
  } finally {
    side.free();
  }
}

async function parametersOf(carrier: Carrier, begin: Wanted, approval?: string): Promise<Parameters> {
  return (await send(carrier, begin, approval)).json<Ceremony>().parameters;
}

/** What only the enclave says of a ceremony: which it is, and when it ends. */
type Expected = Omit<Parameters, "id" | "deployment" | "boot" | "expires_at">;

/** Goes through both rounds with every participant of this side. What this side refuses is aborted, so that it stands in no one's way. */
async function takePart(
  protocol: Protocol,
  carrier: Carrier,
  side: InstanceType<Protocol["Side"]>,
  begun: Parameters,
  expected: Expected,
): Promise<Unconfirmed> {
  try {
    return await bothRounds(protocol, carrier, side, begun, expected);
  } catch (error) {
    if (error instanceof SplitError && /^[0-9a-f]{64}$/.test(begun.id)) {
      await send(carrier, post(`/v1/ceremonies/${begun.id}/abort`)).catch(() => undefined);
    }
    throw error;
  }
}

async function bothRounds(
  protocol: Protocol,
  carrier: Carrier,
  side: InstanceType<Protocol["Side"]>,
  begun: Parameters,
  expected: Expected,
): Promise<Unconfirmed> {
  const { boot } = carrier.enclave;
  const { id, expires_at } = begun;
  const agreed: Parameters = {
    ...expected,
    id,
    deployment: boot.binding.deployment,
    boot: digestOf(boot),
    expires_at,
  };
  if (!same(begun, agreed)) {
    throw new SplitError("ceremony", "the ceremony is another one than was asked for");
  }
  const commitments = callForJson<unknown>(() => side.join(JSON.stringify(agreed)));
  const response = await send(carrier, post(`/v1/ceremonies/${id}`, { messages: commitments }));
  const { messages } = response.json<Ceremony>();
  call(() => side.take(JSON.stringify(messages)));
  const shares = call(() => side.conclude()).map((share) => new HeldShare(share));
  return new Unconfirmed(protocol, carrier, boot, {
    outcome: callForJson<Outcome>(() => side.outcome()),
    messages: callForJson<unknown>(() => side.messages()),
    shares,
  });
}

/** This side's participants and as many of the enclave's as a signature takes, with the verifying shares that this side knows. */
async function dealersOf(carrier: Carrier, first: HeldShare, shares: readonly HeldShare[]): Promise<readonly Dealer[]> {
  const response = await send(carrier, get(`/v1/keys/${first.keyId}`));
  const { participants } = response.json<{ participants: readonly CeremonyParticipant[] }>();
  const ofTheEnclave = participants.filter(({ public_key }) => public_key === undefined).map(({ name }) => name);
  const held = new Map(shares.map(({ participant, publicKey }) => [participant, publicKey]));
  const missing = ofTheEnclave.slice(0, Math.max(0, first.threshold - shares.length));
  const verifying = callForJson<string[]>(() => first.inside.verifyingShares());
  return first.participants.flatMap((name, index): Dealer[] => {
    const public_key = held.get(name);
    const verifying_share = verifying[index] ?? "";
    if (public_key !== undefined) {
      return [{ name, public_key, verifying_share }];
    }
    return missing.includes(name) ? [{ name, verifying_share }] : [];
  });
}

function staying(shares: readonly HeldShare[], name: string): string {
  const share = shares.find(({ participant }) => participant === name);
  if (share === undefined) {
    throw new SplitError("argument", `${name} stays, but has no share here`);
  }
  return share.publicKey;
}

function isProblem(error: unknown, name: string): error is ProblemError {
  return error instanceof ProblemError && problemName(error.problem) === name;
}
