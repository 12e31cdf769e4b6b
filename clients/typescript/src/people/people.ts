/** Users of an enclave who have no session yet, and how they get one. */

import { type Bytes, fromHex, sha256, toHex, utf8 } from "../bytes.js";
import type { Enclave } from "../enclave.js";
import { PasskeyLeftError, UnexpectedResponseError } from "../error.js";
import { generateSessionKey, publicKeyText } from "../http-signature/key.js";
import { type Problem, problemName } from "../problem.js";
import { quoted } from "../quoted.js";
import type { Passkey, Recovery, Scope, SessionInfo, User, UserKey } from "./api.js";
import { type Authenticator, browserAuthenticator, type Conveyance } from "./authenticator.js";
import { type Approved, type Ceremony, Conversation, type Wanted } from "./conversation.js";
import { publicKeyDigestOf } from "./new-passkey.js";
import { Session } from "./session.js";
import { RecoveryTicket } from "./ticket.js";

export interface PeopleOptions {
  /** What asks the user for passkeys. Default: the browser. */
  readonly authenticator?: Authenticator;
  /** A description by which the user recognises the device: 0 to 512 bytes of UTF-8. Default: empty. */
  readonly device?: string;
}

/** A passkey to be made. */
export interface PasskeyNames {
  /** What the user calls the passkey in this deployment: 1 to 64 bytes of UTF-8. Sealed by the enclave. */
  readonly passkeyName: string;
  /** What the authenticator calls the user in its list. It goes nowhere else. */
  readonly userName: string;
}

/**
 * What anyone may request of an enclave that has people. Nothing is kept except in the objects that are returned: whoever drops them, or
 * closes the page, is logged out on this side.
 */
export class People {
  readonly #conversation: Conversation;
  readonly #device: string;

  constructor(enclave: Enclave, { authenticator = browserAuthenticator, device = "" }: PeopleOptions = {}) {
    this.#conversation = new Conversation(enclave, authenticator);
    this.#device = device;
  }

  /**
   * Makes a user with a passkey, a signing key and a session.
   *
   * @throws {PasskeyError} {@link ProblemError}, {@link PasskeyLeftError}, and what {@link Enclave.request} throws.
   */
  async register(names: PasskeyNames, scope?: Scope): Promise<{ session: Session; key: UserKey }> {
    const { pair, session } = await this.#newSession(scope);
    const json = { passkey_name: names.passkeyName, session };
    const wanted = { method: "POST", target: "/v1/users", json } as const;
    const made = await this.#withNewPasskey("register", wanted, names.userName);
    const registered = made.response.json<{ user: User; session: SessionInfo; key: UserKey }>();
    return {
      session: await this.#enter(registered.session, registered.user, pair, made),
      key: registered.key,
    };
  }

  /** Opens a session: the user chooses a passkey, and the enclave says whose it is. */
  async login(scope?: Scope): Promise<Session> {
    const { pair, session } = await this.#newSession(scope);
    const wanted = { method: "POST", target: "/v1/sessions", json: session } as const;
    const approved = await this.#conversation.approved("login", wanted, assertion());
    const { session: opened, user } = approved.response.json<{ user: User; session: SessionInfo }>();
    return this.#enter(opened, user, pair, approved);
  }

  /**
   * Offers a new passkey of this device to the user whose link code it is. It is pending until that user has compared its
   * `public_key_digest`, which is that of the passkey made here, and approved the passkey.
   *
   * @throws {UnexpectedResponseError} if the response is about another passkey.
   */
  async offerPasskey(code: string, names: PasskeyNames): Promise<Passkey> {
    const open = { method: "POST", target: "/v1/links/open", json: { code } } as const;
    const { user_handle } = (await this.#conversation.send(open)).json<{ user_handle: string }>();
    const json = { code, passkey_name: names.passkeyName };
    const wanted = { method: "POST", target: "/v1/links/passkey", json } as const;
    return ofThisPasskey<Passkey>(await this.#withNewPasskey("offer_passkey", wanted, names.userName, user_handle));
  }

  /**
   * Begins a recovery of a user with a new passkey: with one of their recovery codes, or without one, through guardians, who need the ticket.
   *
   * @param user the user id: 16 bytes in hex.
   * @throws {UnexpectedResponseError} if the response is about another passkey than the one made here.
   */
  async startRecovery(
    user: string,
    code: string | undefined,
    names: PasskeyNames,
  ): Promise<{ recovery: Recovery; ticket: RecoveryTicket }> {
    const json = { user, ...(code === undefined ? {} : { code }), passkey_name: names.passkeyName };
    const wanted = { method: "POST", target: "/v1/recoveries", json } as const;
    const recovery = ofThisPasskey<Recovery>(
      await this.#withNewPasskey("start_recovery", wanted, names.userName, user),
    );
    return { recovery, ticket: RecoveryTicket.of(user, recovery) };
  }

  /** Has the new passkey accepted, by its own signature, once the delay is over. */
  async completeRecovery(ticket: RecoveryTicket): Promise<User> {
    const target = `/v1/recoveries/${ticket.recovery}/complete`;
    const json = { user: ticket.user, public_key_digest: ticket.publicKeyDigest };
    const wanted = { method: "POST", target, json } as const;
    return (await this.#conversation.approved("complete_recovery", wanted, assertion())).response.json<User>();
  }

  /** Has a new passkey made that approves a request. If it is refused, it is forgotten, or named in the error. */
  async #withNewPasskey(purpose: string, wanted: Wanted, userName: string, handle?: string): Promise<Made> {
    let publicKeyDigest = "";
    let prf = false;
    const approved = await this.#conversation.approved(purpose, wanted, async (...given) => {
      const passkey = await creation(userName, handle)(...given);
      publicKeyDigest = await publicKeyDigestOf(passkey.response);
      prf = passkey.prf;
      return passkey.response;
    });
    const { problem } = approved.response;
    if (problem !== undefined && (mayBeKnown(problem) || !(await approved.forget()))) {
      throw new PasskeyLeftError(problem, userName);
    }
    return { ...approved, publicKeyDigest, prf };
  }

  async #newSession(scope: Scope | undefined) {
    const pair = await generateSessionKey();
    const session = {
      public_key: await publicKeyText(pair.publicKey),
      device: this.#device,
      ...(scope === undefined ? {} : { scope }),
    };
    return { pair, session };
  }

  async #enter(info: SessionInfo, user: User, { privateKey }: CryptoKeyPair, by: Approved & Partial<Made>) {
    const speaker = {
      principal: { name: info.id, key: privateKey },
      fields: [["device-facts", `sha-256=${toHex(await sha256(utf8(this.#device)))}`]],
    } as const;
    const { credentialId, rpId, prf } = by;
    const passkey = { credentialId, rpId, prf };
    return new Session(this.#conversation, speaker, assertion(credentialId), passkey, info, user);
  }
}

/** A request that a new passkey has approved, and the digest of that passkey's key: 32 bytes in hex, computed here. */
interface Made extends Approved {
  readonly publicKeyDigest: string;
  readonly prf: boolean;
}

/** What the response says of the new passkey, if it is about the one that was made here: people compare and guardians approve its key. */
function ofThisPasskey<T extends { readonly public_key_digest: string }>({ response, publicKeyDigest }: Made): T {
  const said = response.json<T>();
  if (said.public_key_digest !== publicKeyDigest) {
    const found = `public_key_digest is ${quoted(String(said.public_key_digest))}`;
    const reason = `${found}; accepted: ${publicKeyDigest}, the passkey made on this device`;
    throw new UnexpectedResponseError(response.status, reason);
  }
  return said;
}

/**
 * Whether the enclave may have the new passkey in spite of a refusal: it could not finish, or the request had been carried out before,
 * which only the parent knows.
 */
function mayBeKnown(problem: Problem): boolean {
  return problem.status >= 500 || ["challenge-used", "passkey-exists"].includes(problemName(problem));
}

/** A new passkey: for the user with this handle, or for the new user that the challenge is for. */
function creation(
  userName: string,
  handle?: string,
): (...given: Parameters<Ceremony>) => ReturnType<Authenticator["create"]> {
  return (authenticator, challenge, given) => {
    const userHandle = handleBytes(handle ?? given.user_handle ?? "");
    const attestation = conveyanceOf(given.attestation);
    return authenticator.create({ challenge, rpId: given.rp_id, userHandle, userName, attestation });
  };
}

/** An existing passkey: this one, or the one that the user chooses. */
function assertion(credentialId?: string): Ceremony {
  return (authenticator, challenge, { rp_id: rpId }) =>
    authenticator.get({ challenge, rpId, ...(credentialId === undefined ? {} : { credentialId }) });
}

/** A browser would treat any other value as `none`, and the enclave would refuse the passkey. */
function conveyanceOf(word: unknown): Conveyance {
  if (word !== "none" && word !== "direct") {
    throw new UnexpectedResponseError(200, `attestation is ${quoted(String(word))}; accepted: none, direct`);
  }
  return word;
}

function handleBytes(hex: string): Bytes {
  const handle = fromHex(hex);
  if (handle?.length !== 16) {
    throw new TypeError(`the user id is ${quoted(hex)}; accepted: 16 bytes in hex`);
  }
  return handle;
}
