/** The enclave as an Oblivious HTTP gateway, and the parent as the relay, which sees only sizes and times. */

import { AttestationError } from "../attestation/error.js";
import { type Bytes, equal, sha256, toHex } from "../bytes.js";
import type { Connection } from "../connection.js";
import { UnauthenticatedError, UnexpectedResponseError } from "../error.js";
import { get, type HttpRequest, type HttpResponse, values } from "../http.js";
import { type BootName, CONTENT_TYPE, ENCLAVE_ATTESTATION } from "../http-signature/profile.js";
import { ResponseError } from "../http-signature/response.js";
import { readProblem } from "../problem.js";
import { BinaryHttpError, decodeResponse, encodeRequest } from "./bhttp.js";
import { type KeyConfiguration, KeyConfigurationError, readKeyConfigurations } from "./keys.js";
import { encapsulate, ObliviousError, REQUEST_TYPE, RESPONSE_TYPE } from "./ohttp.js";
import { padRequest } from "./padding.js";

/** The relay did not return an encapsulated response: the enclave has other keys by now, or the parent responds itself. */
export class NotEncapsulated extends Error {
  override readonly name = "NotEncapsulated";

  constructor(
    override readonly cause: UnauthenticatedError | UnexpectedResponseError,
    /** The boot that the response names, if any. */
    readonly boot: string | undefined,
  ) {
    super(cause.message);
  }
}

export class Gateway {
  private constructor(
    private readonly connection: Connection,
    private readonly boot: BootName,
    /** What requests are sealed to: the document vouches for it. */
    readonly key: KeyConfiguration,
  ) {}

  /**
   * Fetches the key configurations and compares them with the digest that the attestation document binds.
   *
   * @throws {AttestationError} `oblivious-keys`: the document binds no keys, or other keys.
   */
  static async verify(connection: Connection, boot: BootName, bound: Bytes | undefined): Promise<Gateway> {
    if (bound === undefined) {
      const found = "the document binds no Oblivious HTTP keys";
      throw new AttestationError("oblivious-keys", found, "oblivious_keys in its user_data");
    }
    const response = await connection.send(get("/v1/oblivious-keys", [[ENCLAVE_ATTESTATION, boot]]));
    if (response.status !== 200) {
      throw refusal(response);
    }
    const digest = await sha256(response.body);
    if (!equal(digest, bound)) {
      const found = `the key configurations have SHA-256 ${toHex(digest)}`;
      throw new AttestationError("oblivious-keys", found, `${toHex(bound)}, which the document binds`);
    }
    try {
      return new Gateway(connection, boot, readKeyConfigurations(response.body));
    } catch (error) {
      if (error instanceof KeyConfigurationError) {
        throw new AttestationError("oblivious-keys", error.message, "RFC 9458 section 3");
      }
      throw error;
    }
  }

  /**
   * Sends a request so that only the enclave can read it, and reads the response, which only this client can read.
   *
   * @throws {NotEncapsulated}
   * @throws {ResponseError} `encapsulation`: an encapsulated response that does not open, or does not contain a response.
   */
  async send(request: HttpRequest): Promise<HttpResponse> {
    const encapsulated = await encapsulate(this.key, padRequest(encodeRequest(request)));
    const response = await this.connection.send({
      method: "POST",
      target: "/v1/oblivious",
      // For the parent of several enclaves. Nothing depends on it.
      fields: [
        [CONTENT_TYPE, REQUEST_TYPE],
        [ENCLAVE_ATTESTATION, this.boot],
      ],
      body: encapsulated.request,
    });
    const [contentType] = values(response.fields, CONTENT_TYPE);
    if (response.status !== 200 || contentType !== RESPONSE_TYPE) {
      const [boot] = values(response.fields, ENCLAVE_ATTESTATION);
      throw new NotEncapsulated(refusal(response), boot);
    }
    try {
      return decodeResponse(await encapsulated.open(response.body));
    } catch (error) {
      if (error instanceof ObliviousError || error instanceof BinaryHttpError) {
        throw new ResponseError("encapsulation", error.message, "the enclave's response to this request");
      }
      throw error;
    }
  }
}

function refusal(response: HttpResponse): UnauthenticatedError | UnexpectedResponseError {
  const problem = readProblem(response);
  return problem
    ? new UnauthenticatedError(problem)
    : new UnexpectedResponseError(response.status, "it is neither encapsulated nor a problem");
}
