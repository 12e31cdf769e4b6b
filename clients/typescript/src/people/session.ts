/** A session of 15 minutes. */

import type { Enclave } from "../enclave.js";
import type { Response } from "../response.js";
import type {
  Guardians,
  KeyFilter,
  Link,
  Passkey,
  Recovery,
  Replaced,
  Replacement,
  Scope,
  SessionInfo,
  User,
  UserKey,
} from "./api.js";
import type { Ceremony, Conversation, Speaker, Wanted } from "./conversation.js";
import { PasskeySecret } from "./passkey-secret.js";
import type { RecoveryTicket } from "./ticket.js";

/** A Nostr event before it is signed (NIP-01). */
export interface UnsignedEvent {
  /** Seconds since 1970. */
  readonly created_at: number;
  readonly kind: number;
  readonly tags: readonly (readonly string[])[];
  readonly content: string;
  /** The author, which must be the key; may be left out. */
  readonly pubkey?: string;
}

/** The passkey that opened a session. */
export interface SessionPasskey {
  readonly credentialId: string;
  readonly rpId: string;
  readonly prf: boolean | undefined;
}

/** A signed Nostr event (NIP-01). */
export interface SignedEvent extends Required<UnsignedEvent> {
  readonly id: string;
  readonly sig: string;
}

/**
 * What a user may do until the session expires, signed by a key that no script can read and that exists only in this object.
 *
 * Requests carry the enclave's time. For what cannot be undone, the passkey signs again and approves exactly that request.
 * All methods throw {@link ProblemError} if the enclave refuses (`session-ended` after 15 minutes), and what {@link Enclave.request}
 * throws.
 */
export class Session {
  readonly #conversation: Conversation;
  readonly #speaker: Speaker;
  readonly #ceremony: Ceremony;
  readonly #passkey: SessionPasskey;
  readonly #info: SessionInfo;
  #user: User;

  /** For {@link People} alone. */
  constructor(
    conversation: Conversation,
    speaker: Speaker,
    ceremony: Ceremony,
    passkey: SessionPasskey,
    info: SessionInfo,
    user: User,
  ) {
    this.#conversation = conversation;
    this.#speaker = speaker;
    this.#ceremony = ceremony;
    this.#passkey = passkey;
    this.#info = info;
    this.#user = user;
  }

  /** What the enclave said of the session when it began. */
  get info(): SessionInfo {
    return this.#info;
  }

  /** The user as the enclave last showed it. */
  get user(): User {
    return this.#user;
  }

  /** Whether the passkey of this session can keep shares, as its authenticator said when it made the passkey; undefined: it is not known. */
  get prf(): boolean | undefined {
    return this.#passkey.prf;
  }

  /**
   * What wraps and unwraps shares, from the PRF of the passkey that opened this session. The passkey is asked, and nothing is sent.
   *
   * @throws {PrfError} if the passkey has no PRF. {@link PasskeyError}
   */
  async passkeySecret(): Promise<PasskeySecret> {
    const { rpId, credentialId } = this.#passkey;
    const output = await this.#conversation.evaluate({ rpId, credentialId, salt: PasskeySecret.salt() });
    return PasskeySecret.of(output, this.#info.passkey);
  }

  /** The enclave that it is a session of. */
  get enclave(): Enclave {
    return this.#conversation.enclave;
  }

  /** How much longer it lasts, in seconds, by the enclave's clock; zero or less: it has expired. */
  remainingS(): number {
    return this.#info.expires_at - this.#conversation.enclave.boot.clock.now();
  }

  /** The user as it is now: passkeys, sessions, recovery, activity. */
  async refresh(): Promise<User> {
    return this.#shown(await this.#ask<User>({ method: "GET", target: "/v1/user" }));
  }

  /** Those of the first 100 keys of the user that match the filter; left out: all of these. */
  async keys(filter: KeyFilter = {}): Promise<readonly UserKey[]> {
    const { label, status, custody, group_public_key } = filter;
    const given = Object.entries({ limit: "100", label, status, custody, group_public_key });
    const query = new URLSearchParams(given.filter((one): one is [string, string] => one[1] !== undefined));
    const { keys } = await this.#ask<{ keys: UserKey[] }>({ method: "GET", target: `/v1/keys?${query}` });
    return keys;
  }

  /** Gives a key another label, by which `keys` finds it: 1 to 64 of `A-Z a-z 0-9 - _ .`; left out: it has none. */
  async labelKey(keyId: string, label?: string): Promise<UserKey> {
    return this.#ask<UserKey>(post(`/v1/keys/${keyId}/label`, label === undefined ? {} : { label }));
  }

  /** Has a Nostr event signed by a key of the user. */
  async signEvent(keyId: string, event: UnsignedEvent): Promise<SignedEvent> {
    const { created_at, kind, tags, content, pubkey } = event;
    const unsigned = { created_at, kind, tags, content, ...(pubkey === undefined ? {} : { pubkey }) };
    const json = { type: "nostr_event", event: unsigned };
    const signed = await this.#ask<{ event: SignedEvent }>(post(`/v1/keys/${keyId}/sign`, json));
    return signed.event;
  }

  /** Gives a key new shares; the old ones are worthless afterwards. The passkey approves it. */
  async rotateKey(keyId: string): Promise<UserKey> {
    return this.#approved<UserKey>("rotate_key", post(`/v1/keys/${keyId}/rotate`));
  }

  /**
   * Makes a key that replaces another, and links the two by a statement that the old one signs; `disableOld` disables the old one. The
   * passkey approves it.
   *
   * @param idempotencyKey sent again, it returns the same key: 1 to 64 of `A-Z a-z 0-9 - _ .`.
   */
  async replaceKey(
    keyId: string,
    disableOld: boolean,
    idempotencyKey: string = crypto.randomUUID(),
  ): Promise<Replaced> {
    const wanted = { ...post(`/v1/keys/${keyId}/replace`, { disable_old: disableOld }), idempotencyKey };
    return this.#approved<Replaced>("replace_key", wanted);
  }

  /** The statement by which a key was replaced. Its signature is not verified. */
  async replacement(keyId: string): Promise<Replacement> {
    return this.#ask<Replacement>({ method: "GET", target: `/v1/keys/${keyId}/replacement` });
  }

  /** Disables a key for good. The passkey approves it. */
  async disableKey(keyId: string): Promise<UserKey> {
    return this.#approved<UserKey>("disable_key", post(`/v1/keys/${keyId}/disable`));
  }

  /** Deletes the enclave's shares of a disabled key for good; everything else about it stays. The passkey approves it. */
  async deleteKey(keyId: string): Promise<UserKey> {
    return this.#approved<UserKey>("delete_key", post(`/v1/keys/${keyId}/delete`));
  }

  /** Ends a session of the user; left out: this one. */
  async end(sessionId: string = this.#info.id): Promise<User> {
    return this.#shown(await this.#ask<User>(post(`/v1/sessions/${sessionId}/end`)));
  }

  /** Narrows what all sessions of the user may do, or undoes that. The passkey approves it. */
  async setPolicy(policy: Scope): Promise<User> {
    return this.#shown(await this.#approved<User>("set_policy", post("/v1/user/policy", policy)));
  }

  async renamePasskey(passkeyId: string, name: string): Promise<User> {
    return this.#shown(await this.#ask<User>(post(`/v1/passkeys/${passkeyId}/name`, { name })));
  }

  /**
   * Accepts a passkey that another device has offered. The passkey of this session approves it.
   *
   * @param passkey as the user has compared it: the other device shows the same `public_key_digest`.
   */
  async approvePasskey({ id, public_key_digest }: Pick<Passkey, "id" | "public_key_digest">): Promise<User> {
    const wanted = post(`/v1/passkeys/${id}/approve`, { public_key_digest });
    return this.#shown(await this.#approved<User>("approve_passkey", wanted));
  }

  /**
   * Revokes a passkey and ends the sessions that it opened. The passkey of this session approves it; if it is that very passkey, the
   * browser is told that the enclave no longer knows it.
   */
  async revokePasskey(passkeyId: string): Promise<User> {
    const wanted = post(`/v1/passkeys/${passkeyId}/revoke`);
    const { response, forget } = await this.#conversation.approved(
      "revoke_passkey",
      wanted,
      this.#ceremony,
      this.#speaker,
    );
    const user = response.json<User>();
    if (passkeyId === this.#info.passkey) {
      await forget();
    }
    return this.#shown(user);
  }

  /** A code with which another device offers a passkey: valid for 10 minutes and one offer. */
  async createLink(): Promise<Link> {
    return this.#ask<Link>(post("/v1/links"));
  }

  /** Ten recovery codes, which replace all earlier ones; the enclave returns them only once. The passkey approves it. */
  async createRecoveryCodes(): Promise<readonly string[]> {
    return (await this.#approved<{ codes: string[] }>("create_recovery_codes", post("/v1/recovery-codes"))).codes;
  }

  /** Names the users who together may begin a recovery. The passkey approves it. */
  async setGuardians(guardians: Guardians): Promise<User> {
    return this.#shown(await this.#approved<User>("set_guardians", post("/v1/guardians", guardians)));
  }

  /** Approves another user's recovery, as their guardian. The passkey approves exactly this recovery of exactly this new passkey. */
  async approveRecovery(ticket: RecoveryTicket): Promise<Recovery> {
    const json = { user: ticket.user, public_key_digest: ticket.publicKeyDigest };
    return this.#approved<Recovery>("approve_recovery", post(`/v1/recoveries/${ticket.recovery}/approve`, json));
  }

  /** Cancels a recovery of this user. */
  async cancelRecovery(recoveryId: string): Promise<User> {
    return this.#shown(await this.#ask<User>(post(`/v1/recoveries/${recoveryId}/cancel`)));
  }

  /**
   * Sends a request for which there is no method here, signed by the session, and returns the response whatever its status.
   *
   * @param approval the `operationId` of a request that the passkey has to approve.
   */
  async request(wanted: Wanted, approval?: string): Promise<Response> {
    if (approval === undefined) {
      return this.#conversation.send(wanted, this.#speaker);
    }
    return (await this.#conversation.approved(approval, wanted, this.#ceremony, this.#speaker)).response;
  }

  #shown(user: User): User {
    this.#user = user;
    return user;
  }

  async #ask<T>(wanted: Wanted): Promise<T> {
    return (await this.request(wanted)).json<T>();
  }

  async #approved<T>(purpose: string, wanted: Wanted): Promise<T> {
    return (await this.request(wanted, purpose)).json<T>();
  }
}

function post(target: string, json?: unknown): Wanted {
  return { method: "POST", target, ...(json === undefined ? {} : { json }) };
}
