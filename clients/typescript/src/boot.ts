/** One verified boot of an enclave. */

import type { RootCertificate } from "./attestation/root-certificate.js";
import type { VerifiedDocument } from "./attestation/verified.js";
import type { Binding } from "./binding.js";
import { type Bytes, fromBase64, toHex } from "./bytes.js";
import { EnclaveClock } from "./clock.js";
import type { Connection } from "./connection.js";
import { UnauthenticatedError, UnexpectedResponseError } from "./error.js";
import { type EnclavePolicy, judge } from "./expectation.js";
import { type Fields, get, type HttpRequest, type HttpResponse, values } from "./http.js";
import { type BootName, ENCLAVE_ATTESTATION, SIGNATURE } from "./http-signature/profile.js";
import { isSigned, ResponseError, verifyResponse } from "./http-signature/response.js";
import { readJson, readProblem } from "./problem.js";
import { Response } from "./response.js";

/** One boot of an enclave, as its attestation document vouches for it. */
export class Boot {
  private constructor(
    /** The nonce that this client chose for the document: 32 bytes. */
    readonly nonce: Bytes,
    /** The document made for the nonce (COSE_Sign1, CBOR), to keep as evidence. */
    readonly document: Bytes,
    /** What the document says: PCRs, time, module. */
    readonly verified: VerifiedDocument,
    /** What the document vouches for: the boot key, the deployment, the configuration, the Oblivious HTTP keys. */
    readonly binding: Binding,
    /** What every response of this boot names: the digest of its own document, which was made without a nonce. */
    readonly name: BootName,
    /** The enclave's clock. */
    readonly clock: EnclaveClock,
  ) {}

  /**
   * Fetches a document made for a fresh nonce, judges it, and checks with the boot key in it that the response came from that very boot:
   * the one that is named, as long as it is there, or any.
   *
   * @throws {AttestationError} {@link ResponseError}, {@link UnauthenticatedError}, {@link UnexpectedResponseError},
   *   {@link ConnectionError}.
   */
  static async verify(
    connection: Connection,
    rootCertificates: readonly RootCertificate[],
    policy: EnclavePolicy,
    named?: string,
  ): Promise<Boot> {
    const nonce = crypto.getRandomValues(new Uint8Array(32));
    // For the parent of several enclaves. Nothing depends on it.
    const fields: Fields = named === undefined ? [] : [[ENCLAVE_ATTESTATION, named]];
    const request = get(`/v1/attestation?nonce=${toHex(nonce)}`, fields);
    const response = await connection.send(request);
    const document = documentOf(response);
    const { verified, binding } = await judge(document, nonce, rootCertificates, policy);
    const { created, boot } = await verifyResponse(response, request, binding.bootKey);
    return new Boot(nonce, document, verified, binding, boot, new EnclaveClock(created));
  }

  /**
   * The response, if it is this boot's response to that request.
   *
   * @throws {ResponseError} or, for a problem without a signature, {@link UnauthenticatedError}.
   */
  async authenticate(response: HttpResponse, request: HttpRequest): Promise<Response> {
    const problem = readProblem(response);
    if (problem !== undefined && values(response.fields, SIGNATURE).length === 0) {
      throw new UnauthenticatedError(problem);
    }
    const { created, boot } = await verifyResponse(response, request, this.binding.bootKey);
    if (boot !== this.name) {
      throw new ResponseError("boot", `it names the boot ${boot}`, this.name);
    }
    // A signed request has a nonce, so there is no older response to it.
    if (!isSigned(request)) {
      this.#checkFreshness(created);
    }
    this.clock.hear(created);
    return new Response(response, created);
  }

  #checkFreshness(created: number): void {
    const behind = this.clock.now() - created;
    if (behind > STALE_AFTER) {
      const found = `it was signed ${behind} s before this request, by the enclave's clock`;
      throw new ResponseError("stale", found, `at most ${STALE_AFTER} s`);
    }
  }
}

function documentOf(response: HttpResponse): Bytes {
  if (response.status !== 200) {
    // Whether it is signed or not: there is no key yet to check the signature with.
    const problem = readProblem(response);
    throw problem
      ? new UnauthenticatedError(problem)
      : new UnexpectedResponseError(response.status, "it is not a problem");
  }
  const { document } = (readJson(response.body) ?? {}) as { document?: unknown };
  const decoded = typeof document === "string" ? fromBase64(document) : undefined;
  if (decoded === undefined) {
    throw new UnexpectedResponseError(response.status, "it has no document in base64");
  }
  return decoded;
}

/** How far a response to an unsigned request may lie behind the enclave's clock, in seconds. */
const STALE_AFTER = 60;
