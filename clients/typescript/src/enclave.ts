/** An enclave that has been verified. */

import { RootCertificate } from "./attestation/root-certificate.js";
import { Boot } from "./boot.js";
import { type Bytes, utf8 } from "./bytes.js";
import { Connection, type Fetch, TIME_LIMIT_MS } from "./connection.js";
import type { EnclavePolicy } from "./expectation.js";
import { type Fields, type HttpRequest, type HttpResponse, values } from "./http.js";
import type { Principal } from "./http-signature/key.js";
import {
  CONTENT_TYPE,
  ENCLAVE_ATTESTATION,
  IDEMPOTENCY_KEY,
  ProfileError,
  SIGNED_FIELDS,
} from "./http-signature/profile.js";
import { checkRequestLine, once, signRequest } from "./http-signature/request.js";
import { Gateway, NotEncapsulated } from "./oblivious/gateway.js";
import { problemName } from "./problem.js";
import { quoted } from "./quoted.js";
import type { Response } from "./response.js";

/** Where the enclave is, and what it must be. */
export interface ConnectOptions {
  /** The parent: `https://HOST`, or `http://HOST:PORT`. What is to be believed does not hang on TLS. */
  readonly origin: string;
  readonly policy: EnclavePolicy;
  /** The roots of trust. Default: AWS Nitro G1 alone. For a development stack its `development-root.pem`. */
  readonly roots?: readonly RootCertificate[];
  /** Whether requests are encrypted for the enclave, by Oblivious HTTP. Default: true. False is for development. */
  readonly oblivious?: boolean;
  /** Default: the `fetch` of the runtime. */
  readonly fetch?: Fetch;
  /** How long a request may take, in milliseconds. Default: 30000. */
  readonly timeLimitMs?: number;
}

/** A request to the enclave's `/v1` API. */
export interface Ask {
  readonly method: string;
  /** The path, and the query with its `?` where there is one, percent-encoding and all. */
  readonly target: string;
  /** A body that is sent as JSON. */
  readonly json?: unknown;
  /** A body of another type. */
  readonly content?: { readonly type: string; readonly body: Bytes };
  /** Makes a creating request safe to repeat: 1 to 64 of `A-Z a-z 0-9 - _ .`. */
  readonly idempotencyKey?: string;
  /** Further header fields, names in lower case: the signature does not cover them. Not those that are set by what stands above. */
  readonly fields?: Fields;
  /** Who asks: the request is signed by its key. Left out for what takes no principal. */
  readonly principal?: Principal;
  /** Whose clock dates the request: that of this machine, or the enclave's as far as it is known. Default: `"machine"`. */
  readonly clock?: "machine" | "enclave";
}

/**
 * An enclave whose attestation document has been verified: every answer it gives is checked before it is read.
 *
 * When the enclave restarts, the document of its new boot is verified by the same policy, and the request is signed anew for it, once.
 * A parent can carry a request to the enclave, hide the answer and restart the enclave, and nobody can tell that from a broken
 * connection: so a request may be carried out twice. Requests with an `idempotencyKey` create nothing more then.
 */
export class Enclave {
  readonly #connect: () => Promise<Verified>;
  #verified: Verified;
  #renewal: Promise<Verified> | undefined;

  private constructor(connect: () => Promise<Verified>, verified: Verified) {
    this.#connect = connect;
    this.#verified = verified;
  }

  /**
   * Fetches a document made for a fresh nonce, verifies it up to a root of trust, judges it by the policy, and checks by the boot key
   * in it that the answer came from that very boot. Unless `oblivious` is false, the boot's Oblivious HTTP keys must be bound by it.
   *
   * @throws {TypeError} when the origin is not one.
   * @throws {AttestationError} with the rule that the document, or what it vouches for, breaks.
   * @throws {AnswerError} {@link ConnectionError}, {@link UnauthenticatedError}, {@link UnexpectedAnswerError}.
   */
  static async connect(options: ConnectOptions): Promise<Enclave> {
    const {
      origin,
      policy,
      roots = [RootCertificate.awsNitroG1()],
      oblivious = true,
      timeLimitMs = TIME_LIMIT_MS,
    } = options;
    const fetch = options.fetch ?? ((input, init) => globalThis.fetch(input, init));
    const connection = new Connection(origin, fetch, timeLimitMs);
    const connect = async () => {
      const boot = await Boot.verify(connection, roots, policy);
      return { boot, way: oblivious ? await Gateway.verify(connection, boot.binding.obliviousKeys) : connection };
    };
    return new Enclave(connect, await connect());
  }

  /** The boot that was verified last. */
  get boot(): Boot {
    return this.#verified.boot;
  }

  /** Verifies the enclave again, with a fresh nonce. The boot verified before stays if that fails. */
  async verifyAgain(): Promise<Boot> {
    return (await this.#renew()).boot;
  }

  /**
   * Sends a request, and gives the enclave's answer whatever its status. {@link Answer.json} refuses what is not a success.
   *
   * @throws {ProfileError} or TypeError when the request would not be accepted as it stands: nothing is sent then.
   * @throws {AnswerError} when the answer is not the boot's to this request.
   * @throws {UnauthenticatedError} {@link ConnectionError}, {@link AttestationError} of a boot that has come instead.
   */
  async request(ask: Ask): Promise<Response> {
    const verified = this.#verified;
    const request = await signed(ask, verified.boot);
    let response: HttpResponse;
    try {
      response = await verified.way.send(request);
    } catch (error) {
      if (!(error instanceof NotEncapsulated)) {
        throw error;
      }
      const newer = await this.#newerThan(verified);
      if (newer === undefined) {
        throw error.cause;
      }
      return this.#once(ask, newer);
    }
    try {
      return await verified.boot.authenticate(response, request);
    } catch (error) {
      const [named] = values(response.fields, ENCLAVE_ATTESTATION);
      const newer = named === undefined || named === verified.boot.name ? undefined : await this.#newerThan(verified);
      if (newer === undefined) {
        throw error;
      }
      const later = await newer.boot.authenticate(response, request);
      return later.problem && problemName(later.problem) === "wrong-enclave" ? this.#once(ask, newer) : later;
    }
  }

  /** Asks one boot, and no other in its place. */
  async #once(ask: Ask, { boot, way }: Verified): Promise<Response> {
    const request = await signed(ask, boot);
    try {
      return await boot.authenticate(await way.send(request), request);
    } catch (error) {
      throw error instanceof NotEncapsulated ? error.cause : error;
    }
  }

  /** A boot verified after this one, if the enclave has really started anew. */
  async #newerThan(old: Verified): Promise<Verified | undefined> {
    const newer = this.#verified === old ? await this.#renew() : this.#verified;
    return newer.boot.name === old.boot.name ? undefined : newer;
  }

  /** Many requests at once ask for one document. */
  async #renew(): Promise<Verified> {
    this.#renewal ??= this.#connect().finally(() => {
      this.#renewal = undefined;
    });
    this.#verified = await this.#renewal;
    return this.#verified;
  }
}

/** A boot, and the way to it: through the gateway that it is, or straight. */
interface Verified {
  readonly boot: Boot;
  readonly way: { send(request: HttpRequest): Promise<HttpResponse> };
}

async function signed(ask: Ask, boot: Boot): Promise<HttpRequest> {
  const content =
    ask.json === undefined ? ask.content : { type: "application/json", body: utf8(JSON.stringify(ask.json)) };
  const fields: Fields = [
    ...furtherFields(ask.fields ?? []),
    ...(content === undefined ? [] : [[CONTENT_TYPE, content.type] as const]),
    ...(ask.idempotencyKey === undefined ? [] : [[IDEMPOTENCY_KEY, ask.idempotencyKey] as const]),
  ];
  const { method, target, principal } = ask;
  checkRequestLine(method, target);
  const request: HttpRequest = { method, target, fields, body: content?.body ?? new Uint8Array() };
  if (principal === undefined) {
    return request;
  }
  const unique = once();
  const dated = ask.clock === "enclave" ? { ...unique, created: boot.clock.now() } : unique;
  return signRequest(request, principal, boot.name, dated);
}

/** Fields that no signature covers, once each is one line and none is another's to set. */
function furtherFields(fields: Fields): Fields {
  for (const [name, value] of fields) {
    const isTaken = [CONTENT_TYPE, IDEMPOTENCY_KEY, ...SIGNED_FIELDS].includes(name);
    if (isTaken || !/^[a-z0-9-]+$/.test(name) || !/^[!-~](?:[ -~]*[!-~])?$/.test(value)) {
      const expected = "another name of a-z, 0-9 and -, and visible ASCII with spaces inside only";
      throw new ProfileError("field-form", `the field ${quoted(name)} is not of its form`, expected);
    }
  }
  return fields;
}
