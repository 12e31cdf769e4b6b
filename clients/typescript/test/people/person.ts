/** A fake enclave that has people, as far as a client can tell, and an authenticator that records its requests. */

import { type Bytes, bytes, concat, fromUtf8, sha256, toBase64url, toHex, utf8 } from "../../src/bytes.js";
import type { ConnectOptions } from "../../src/enclave.js";
import { type HttpRequest, values } from "../../src/http.js";
import {
  type Authenticator,
  type NewPasskey,
  type PasskeyQuestion,
  PrfError,
  type PrfQuestion,
  type UnknownPasskey,
} from "../../src/people/authenticator.js";
import { approvalChallenge } from "../../src/people/challenge.js";
import { People } from "../../src/people/people.js";
import { connected } from "../enclave/connected.js";
import { encode } from "../forge/cbor.js";

export const SESSION = "session.0011223344556677.8899aabbccddeeff";
export const HANDLE = "00112233445566778899aabbccddeeff";
export const NONCE = "ab".repeat(56);
/** The passkey as the enclave names it. */
export const PASSKEY = "0102030405060708090a0b0c0d0e0f10";
export const CREDENTIAL = "Y3JlZGVudGlhbCBudW1iZXIgb25l";

/** The COSE key of the passkeys that {@link Asked} makes: ES256, with a point that no test computes with. */
export const PUBLIC_KEY = encode({
  pairs: [
    [1, 2],
    [3, -7],
    [-1, 1],
    [-2, bytes(Array<number>(32).fill(2))],
    [-3, bytes(Array<number>(32).fill(3))],
  ],
});

/** Its SHA-256, in hex. */
export const DIGEST = toHex(await sha256(PUBLIC_KEY));

/** An attestation object (WebAuthn Level 3 section 6.5.4) with this key, and with what follows the key. */
export function attestationObject(publicKey: Bytes, extensions: Bytes = bytes([]), flags = 0x45): Bytes {
  const id = utf8("credential number one");
  const head = [...Array<number>(32).fill(1), flags, ...Array<number>(4 + 16).fill(0), 0, id.length];
  const authData = concat(bytes(head), id, publicKey, extensions);
  return encode({
    pairs: [
      ["fmt", "none"],
      ["attStmt", { pairs: [] }],
      ["authData", authData],
    ],
  });
}

/** The requests to the authenticator. */
export class Asked implements Authenticator {
  readonly created: NewPasskey[] = [];
  readonly questions: PasskeyQuestion[] = [];
  readonly evaluated: PrfQuestion[] = [];
  readonly forgotten: UnknownPasskey[] = [];
  /** Whether its passkeys have a PRF. */
  prf = true;
  /** Whether it can be told to forget a passkey. */
  listens = true;

  async create(passkey: NewPasskey) {
    this.created.push(passkey);
    const response = this.#response(passkey.challenge, toBase64url(attestationObject(PUBLIC_KEY)));
    return { response, prf: this.prf };
  }

  async evaluate(question: PrfQuestion) {
    this.evaluated.push(question);
    if (!this.prf) {
      throw new PrfError();
    }
    return sha256(concat(utf8("the secret of this passkey"), question.salt));
  }

  async get(question: PasskeyQuestion) {
    this.questions.push(question);
    return this.#response(question.challenge);
  }

  async forget(passkey: UnknownPasskey) {
    this.forgotten.push(passkey);
    return this.listens;
  }

  #response(challenge: Uint8Array, attestationObject?: string) {
    return {
      id: CREDENTIAL,
      rawId: CREDENTIAL,
      type: "public-key" as const,
      response: { challenge: toHex(challenge), ...(attestationObject === undefined ? {} : { attestationObject }) },
    };
  }
}

export async function person(options: Partial<ConnectOptions> = {}) {
  const { fake, enclave } = await connected(options);
  const user = { id: HANDLE, passkeys: [], sessions: [], recovery_codes: 0, recoveries: [], activity: [] };
  const session = {
    id: SESSION,
    passkey: PASSKEY,
    device: "a laptop",
    expires_at: Math.floor(Date.now() / 1000) + 900,
  };
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
    "POST /v1/links/passkey": () => ({ id: "p", public_key_digest: DIGEST }),
    "POST /v1/recoveries": () => ({ id: "11".repeat(16), public_key_digest: DIGEST }),
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
