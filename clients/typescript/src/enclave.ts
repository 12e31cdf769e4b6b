/** An enclave that has been verified. */

import { RootCertificate } from "./attestation/root-certificate.js";
import { Boot } from "./boot.js";
import { type Bytes, utf8 } from "./bytes.js";
import { Connection, type Fetch, TIME_LIMIT_MS } from "./connection.js";
import { UnauthenticatedError } from "./error.js";
import type { EnclavePolicy } from "./expectation.js";
import { type Fields, type HttpRequest, type HttpResponse, values } from "./http.js";
import type { Principal } from "./http-signature/key.js";
import {
  CONTENT_TYPE,
  ENCLAVE_ATTESTATION,
  IDEMPOTENCY_KEY,
  ProfileError,
  REQUEST_NONCE,
  SIGNED_FIELDS,
} from "./http-signature/profile.js";
import { checkRequestLine, once, signRequest } from "./http-signature/request.js";
import { bindResponse } from "./http-signature/unsigned.js";
import { type ImportBody, type ImportRequest, sealImport } from "./import.js";
import { demanding } from "./least-version.js";
import { Gateway, NotEncapsulated } from "./oblivious/gateway.js";
import { problemName } from "./problem.js";
import { quoted } from "./quoted.js";
import type { Response } from "./response.js";

/** Where the enclave is, and what it must be. */
export interface ConnectOptions {
  /** The parent: `https://HOST`, or `http://HOST:PORT`. No guarantee of this library depends on TLS. */
  readonly origin: string;
  readonly policy: EnclavePolicy;
  /** The root certificates. Default: AWS Nitro G1 alone. For a development stack: its `development-root.pem`. */
  readonly rootCertificates?: readonly RootCertificate[];
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
  /** The path, and the query with its `?` if there is one, including the percent-encoding. */
  readonly target: string;
  /**
   * For a request about one key: the highest `record_version` of the key that was seen. The enclave refuses an older record as
   * `record-rolled-back`, before anything is done (`docs/freshness.md`).
   */
  readonly leastVersion?: number;
  /** A body that is sent as JSON. */
  readonly json?: unknown;
  /** A body of another type. */
  readonly content?: { readonly type: string; readonly body: Bytes };
  /** Makes a creating request safe to repeat: 1 to 64 of `A-Z a-z 0-9 - _ .`. */
  readonly idempotencyKey?: string;
  /** Further header fields, names in lower case, which the signature does not cover. Not those that the members above set. */
  readonly fields?: Fields;
  /**
   * The principal whose key signs the request. Left out for requests that need no principal: `Content-Digest` and a fresh `Request-Nonce`,
   * which the response has to cover, then bind the response to the request.
   */
  readonly principal?: Principal;
  /** Which clock dates the request: this machine's, or the enclave's as far as it is known. Default: `"machine"`. */
  readonly clock?: "machine" | "enclave";
}

/**
 * An enclave whose attestation document has been verified: each of its responses is checked before it is read.
 *
 * When the enclave restarts, or another enclave of the deployment responds in its place, the client verifies that boot's document by the
 * same policy, and signs the request again for it, at most three times for one request.
 * A parent can carry a request to the enclave, hide the response and restart the enclave, which looks like a broken
 * connection, so a request may be carried out twice. A request with an `idempotencyKey` then creates nothing more.
 */
export class Enclave {
  readonly #connect: (named?: string) => Promise<Verified>;
  readonly #renewals = new Map<string | undefined, Promise<Verified>>();
  #verified: Verified;

  private constructor(connect: (named?: string) => Promise<Verified>, verified: Verified) {
    this.#connect = connect;
    this.#verified = verified;
  }

  /**
   * Fetches a document made for a fresh nonce, verifies it up to a root certificate, judges it by the policy, and checks with the boot key
   * in it that the response came from that very boot. Unless `oblivious` is false, the document must bind the boot's Oblivious HTTP keys.
   *
   * @throws {TypeError} if the origin is invalid.
   * @throws {AttestationError} with the rule that the document, or what it vouches for, breaks.
   * @throws {ResponseError} {@link ConnectionError}, {@link UnauthenticatedError}, {@link UnexpectedResponseError}.
   */
  static async connect(options: ConnectOptions): Promise<Enclave> {
    const {
      origin,
      policy,
      rootCertificates = [RootCertificate.awsNitroG1()],
      oblivious = true,
      timeLimitMs = TIME_LIMIT_MS,
    } = options;
    const fetch = options.fetch ?? ((input, init) => globalThis.fetch(input, init));
    const connection = new Connection(origin, fetch, timeLimitMs);
    const connect = async (named?: string) => {
      const boot = await Boot.verify(connection, rootCertificates, policy, named);
      const { name, binding } = boot;
      return { boot, path: oblivious ? await Gateway.verify(connection, name, binding.obliviousKeys) : connection };
    };
    return new Enclave(connect, await connect());
  }

  /** The boot that was verified last. */
  get boot(): Boot {
    return this.#verified.boot;
  }

  /** Verifies the enclave again, with a fresh nonce. If that fails, the boot that was verified before stays. */
  async verifyAgain(): Promise<Boot> {
    return (await this.#renew()).boot;
  }

  /**
   * Sends a request, and returns the enclave's response whatever its status. {@link Response.json} refuses what is not a success.
   *
   * @throws {ProfileError} or TypeError if the request would not be accepted as it is: nothing is sent then.
   * @throws {ResponseError} if the response is not the boot's response to this request.
   * @throws {UnauthenticatedError} {@link ConnectionError}, {@link AttestationError} about a boot that has taken its place.
   */
  async request(ask: Ask): Promise<Response> {
    let verified = this.#verified;
    let again = isHarmless(ask);
    for (let moves = 0; ; ) {
      const request = await signed(ask, verified.boot);
      let response: HttpResponse | undefined;
      let refused: unknown;
      let named: string | undefined;
      try {
        response = await verified.path.send(request);
        return await verified.boot.authenticate(response, request);
      } catch (error) {
        const unread = error instanceof NotEncapsulated;
        refused = unread ? error.cause : error;
        named = unread ? (error.boot ?? verified.boot.name) : namedBoot(response);
      }
      if (again && refused instanceof UnauthenticatedError && problemName(refused.problem) === "enclave-unreachable") {
        again = false;
        continue;
      }
      if (named === undefined || (response !== undefined && named === verified.boot.name) || moves === MOVES_MAX) {
        throw refused;
      }
      const newer = await this.#newerThan(verified, named);
      if (newer === undefined) {
        throw refused;
      }
      if (response !== undefined && newer.boot.name === named) {
        const later = await newer.boot.authenticate(response, request);
        if (!later.problem || problemName(later.problem) !== "wrong-enclave") {
          return later;
        }
      } else if (response !== undefined && !isHarmless(ask)) {
        // Which boot that was, nobody can say any more.
        throw refused;
      }
      verified = newer;
      moves += 1;
    }
  }

  /**
   * Seals a secret (32 bytes) to the boot that was verified last: the body of `POST /v1/keys:import`. If the enclave has restarted since, it
   * refuses the body as `import-not-opened`; the caller then verifies again and seals again. The caller wipes the secret.
   *
   * @throws {TypeError} if the client was connected with `oblivious: false`: no key to seal to was verified.
   * @throws {RangeError} if the secret or the public key does not have 32 bytes.
   */
  async sealImport(request: ImportRequest, secret: Bytes): Promise<ImportBody> {
    const { boot, path } = this.#verified;
    if (!(path instanceof Gateway)) {
      throw new TypeError("no key to seal to was verified; accepted: a client connected without oblivious: false");
    }
    return sealImport(path.key, { name: boot.name, deployment: boot.binding.deployment }, request, secret);
  }

  /** A boot verified after this one: the one that is named, unless it is gone again. None if there is no other boot. */
  async #newerThan(old: Verified, named: string): Promise<Verified | undefined> {
    const newer =
      this.#verified.boot.name === named && this.#verified !== old ? this.#verified : await this.#renew(named);
    return newer.boot.name === old.boot.name ? undefined : newer;
  }

  /** Many concurrent requests fetch one document. */
  async #renew(named?: string): Promise<Verified> {
    let renewal = this.#renewals.get(named);
    if (renewal === undefined) {
      renewal = this.#connect(named).finally(() => this.#renewals.delete(named));
      this.#renewals.set(named, renewal);
    }
    this.#verified = await renewal;
    return this.#verified;
  }
}

/** How many times one request is signed anew for another boot. */
const MOVES_MAX = 3;

/** Whether a request that is carried out twice changes nothing more. */
function isHarmless(ask: Ask): boolean {
  return ask.method === "GET" || ask.method === "HEAD" || ask.idempotencyKey !== undefined;
}

function namedBoot(response: HttpResponse | undefined): string | undefined {
  return response === undefined ? undefined : values(response.fields, ENCLAVE_ATTESTATION)[0];
}

/** A boot, and the path to it: through the gateway that it is, or direct. */
interface Verified {
  readonly boot: Boot;
  readonly path: { send(request: HttpRequest): Promise<HttpResponse> };
}

/** The request, signed or bound to its response in another way. */
async function signed(ask: Ask, boot: Boot): Promise<HttpRequest> {
  const content =
    ask.json === undefined ? ask.content : { type: "application/json", body: utf8(JSON.stringify(ask.json)) };
  const fields: Fields = [
    ...furtherFields(ask.fields ?? []),
    ...(content === undefined ? [] : [[CONTENT_TYPE, content.type] as const]),
    ...(ask.idempotencyKey === undefined ? [] : [[IDEMPOTENCY_KEY, ask.idempotencyKey] as const]),
  ];
  const { method, principal } = ask;
  const target = demanding(ask.target, ask.leastVersion);
  checkRequestLine(method, target);
  const request: HttpRequest = { method, target, fields, body: content?.body ?? new Uint8Array() };
  if (principal === undefined) {
    return bindResponse({ ...request, fields: [...fields, [ENCLAVE_ATTESTATION, boot.name]] });
  }
  const unique = once();
  const dated = ask.clock === "enclave" ? { ...unique, created: boot.clock.now() } : unique;
  return signRequest(request, principal, boot.name, dated);
}

/** Fields that the signature does not cover, checked: each is one line, and none is set elsewhere. */
function furtherFields(fields: Fields): Fields {
  for (const [name, value] of fields) {
    const isTaken = [CONTENT_TYPE, IDEMPOTENCY_KEY, REQUEST_NONCE, ...SIGNED_FIELDS].includes(name);
    if (isTaken || !/^[a-z0-9-]+$/.test(name) || !/^[!-~](?:[ -~]*[!-~])?$/.test(value)) {
      const expected = "another name of a-z, 0-9 and -, and visible ASCII with spaces inside only";
      throw new ProfileError("field-form", `the field ${quoted(name)} is invalid`, expected);
    }
  }
  return fields;
}
