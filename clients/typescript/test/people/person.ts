/** A fake enclave that has people, as far as a client can tell, and an authenticator that records its requests. */

import { fromUtf8, toHex } from "../../src/bytes.js";
import type { ConnectOptions } from "../../src/enclave.js";
import { type HttpRequest, values } from "../../src/http.js";
import type { Authenticator, NewPasskey, PasskeyQuestion, UnknownPasskey } from "../../src/people/authenticator.js";
import { approvalChallenge } from "../../src/people/challenge.js";
import { People } from "../../src/people/people.js";
import { connected } from "../enclave/connected.js";

export const SESSION = "session.0011223344556677.8899aabbccddeeff";
export const HANDLE = "00112233445566778899aabbccddeeff";
export const NONCE = "ab".repeat(56);
export const CREDENTIAL = "Y3JlZGVudGlhbCBudW1iZXIgb25l";

/** The requests to the authenticator. */
export class Asked implements Authenticator {
  readonly created: NewPasskey[] = [];
  readonly questions: PasskeyQuestion[] = [];
  readonly forgotten: UnknownPasskey[] = [];
  /** Whether it can be told to forget a passkey. */
  listens = true;

  async create(passkey: NewPasskey) {
    this.created.push(passkey);
    return this.#response(passkey.challenge);
  }

  async get(question: PasskeyQuestion) {
    this.questions.push(question);
    return this.#response(question.challenge);
  }

  async forget(passkey: UnknownPasskey) {
    this.forgotten.push(passkey);
    return this.listens;
  }

  #response(challenge: Uint8Array) {
    return {
      id: CREDENTIAL,
      rawId: CREDENTIAL,
      type: "public-key" as const,
      response: { challenge: toHex(challenge) },
    };
  }
}

export async function person(options: Partial<ConnectOptions> = {}) {
  const { fake, enclave } = await connected(options);
  const user = { id: HANDLE, passkeys: [], sessions: [], recovery_codes: 0, recoveries: [], activity: [] };
  const session = { id: SESSION, passkey: "00", device: "a laptop", expires_at: Math.floor(Date.now() / 1000) + 900 };
  fake.operations = {
    "POST /v1/challenges": () => ({
      nonce: NONCE,
      expires_at: 0,
      rp_id: "example.org",
      user_handle: HANDLE,
      attestation: "none",
    }),
    "POST /v1/users": () => ({ user, session, key: { id: "k", group_public_key: "00" } }),
    "POST /v1/sessions": () => ({ user, session }),
    "GET /v1/user": () => ({ ...user, recovery_codes: 7 }),
    "POST /v1/recovery-codes": () => ({ codes: ["0-AAAAA"] }),
    "POST /v1/links/open": () => ({ user_handle: HANDLE, expires_at: 0 }),
    "POST /v1/links/passkey": () => ({ id: "p" }),
    "POST /v1/keys/k/sign": ({ body }) => ({ event: { ...JSON.parse(fromUtf8(body) ?? "").event, id: "i", sig: "s" } }),
  };
  const asked = new Asked();
  return { fake, enclave, asked, people: new People(enclave, { authenticator: asked, device: "a laptop" }) };
}

/** The nonce and the challenge that a request's passkey response has. */
export function approvalOf(request: HttpRequest): { nonce: string; challenge: string } {
  const [header = ""] = values(request.fields, "passkey-response");
  const [nonce = "", response = ""] = header.split(".");
  const { challenge } = JSON.parse(Buffer.from(response, "base64url").toString()).response;
  return { nonce, challenge };
}

/** The challenge that a passkey has to sign for this request as it arrived. */
export async function challengeOf(purpose: string, request: HttpRequest, keyid: string): Promise<string> {
  return toHex(await approvalChallenge(purpose, NONCE, request, keyid));
}
