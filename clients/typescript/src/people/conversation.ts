/** How people's requests are sent: a passkey approves those that need its approval before they are sent. */

import { type Bytes, toBase64url, utf8 } from "../bytes.js";
import type { Enclave } from "../enclave.js";
import type { Fields } from "../http.js";
import type { Principal } from "../http-signature/key.js";
import { demanding } from "../least-version.js";
import { problemName } from "../problem.js";
import type { Response } from "../response.js";
import type { Authenticator, PasskeyResponse, PrfQuestion } from "./authenticator.js";
import { approvalChallenge } from "./challenge.js";

/** What someone requests of the enclave. */
export interface Wanted {
  readonly method: "GET" | "POST";
  readonly target: string;
  /** The highest `record_version` of the key that was seen: an older record is refused. The passkey approves it with the request. */
  readonly leastVersion?: number;
  readonly json?: unknown;
  readonly idempotencyKey?: string;
}

/** The sender of a request: a session, or no one in particular. */
export interface Speaker {
  readonly principal?: Principal;
  /** In addition to those that the signature covers. */
  readonly fields?: Fields;
}

/** What a passkey has to do once the challenge is made. */
export type Ceremony = (authenticator: Authenticator, challenge: Bytes, given: Challenge) => Promise<PasskeyResponse>;

/** The response of `POST /v1/challenges`. */
export interface Challenge {
  readonly nonce: string;
  readonly rp_id: string;
  readonly user_handle?: string;
  /** `none` or `direct`. */
  readonly attestation: string;
}

/** A request that a passkey has approved. */
export interface Approved {
  readonly response: Response;
  /** Base64url of the credential id of the passkey that approved it. */
  readonly credentialId: string;
  readonly rpId: string;
  /** Signals that the enclave does not know this passkey; false if there is no way to signal it. */
  readonly forget: () => Promise<boolean>;
}

export class Conversation {
  constructor(
    readonly enclave: Enclave,
    private readonly authenticator: Authenticator,
  ) {}

  /** Sends a request that needs no approval. */
  async send(wanted: Wanted, speaker: Speaker = {}): Promise<Response> {
    return this.#send(request(wanted), speaker, []);
  }

  /**
   * Has a passkey approve a request, and sends it. `purpose` is the request's `operationId`. If the boot that gave the nonce has gone
   * meanwhile, an existing passkey is asked once more, for the boot that has taken its place.
   *
   * @throws {PasskeyError} if no passkey signed: only the request for a nonce was sent.
   */
  async approved(purpose: string, wanted: Wanted, ceremony: Ceremony, speaker: Speaker = {}): Promise<Approved> {
    const first = await this.#approve(purpose, wanted, ceremony, speaker);
    const { problem } = first.response;
    const isOfAnotherBoot = problem !== undefined && problemName(problem) === "challenge-invalid";
    const repeats = isOfAnotherBoot && !first.isNew && first.boot !== this.enclave.boot.name;
    const { response, passkey, rpId } = repeats ? await this.#approve(purpose, wanted, ceremony, speaker) : first;
    const credentialId = passkey.id;
    const forget = () => this.authenticator.forget({ rpId, credentialId });
    return { response, credentialId, rpId, forget };
  }

  async #approve(purpose: string, wanted: Wanted, ceremony: Ceremony, speaker: Speaker) {
    const asked = await this.send({ method: "POST", target: "/v1/challenges", json: { purpose } });
    const boot = this.enclave.boot.name;
    const given = asked.json<Challenge>();
    const prepared = request(wanted);
    const challenge = await approvalChallenge(purpose, given.nonce, prepared, speaker.principal?.name ?? "");
    const passkey = await ceremony(this.authenticator, challenge, given);
    const approval = `${given.nonce}.${toBase64url(utf8(JSON.stringify(passkey)))}`;
    const response = await this.#send(prepared, speaker, [["passkey-response", approval]]);
    // Another attempt would leave a second passkey on the device.
    const isNew = "attestationObject" in passkey.response;
    return { response, passkey, isNew, boot, rpId: given.rp_id };
  }

  /** Evaluates the PRF of a passkey. Nothing is sent. */
  async evaluate(question: PrfQuestion): Promise<Bytes> {
    return this.authenticator.evaluate(question);
  }

  async #send(prepared: Prepared, speaker: Speaker, more: Fields): Promise<Response> {
    const { method, target, body, idempotencyKey } = prepared;
    const ask = {
      method,
      target,
      ...(body.length === 0 ? {} : { content: { type: "application/json", body } }),
      ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
      fields: [...(speaker.fields ?? []), ...more],
      ...(speaker.principal === undefined ? {} : { principal: speaker.principal }),
      clock: "enclave" as const,
    };
    const response = await this.enclave.request(ask);
    const isLate = response.problem !== undefined && problemName(response.problem) === "request-expired";
    // If this machine has slept, the client's idea of the enclave's clock is behind. The refusal is signed and has just set it.
    return isLate ? this.enclave.request(ask) : response;
  }
}

interface Prepared {
  readonly method: string;
  readonly target: string;
  readonly body: Bytes;
  readonly idempotencyKey: string | undefined;
}

function request({ method, target, leastVersion, json, idempotencyKey }: Wanted): Prepared {
  const body = json === undefined ? new Uint8Array() : utf8(JSON.stringify(json));
  return { method, target: demanding(target, leastVersion), body, idempotencyKey };
}
