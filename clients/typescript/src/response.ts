/** Responses that have been verified. */

import type { Bytes } from "./bytes.js";
import { ClockDiffersError, ProblemError, UnexpectedResponseError } from "./error.js";
import { type Fields, type HttpResponse, values } from "./http.js";
import { CONTENT_TYPE } from "./http-signature/profile.js";
import { type Problem, problemName, readJson, readProblem } from "./problem.js";

/** A response that the verified boot signed, to the very request that was sent. */
export class Response {
  readonly status: number;
  /** Undefined if the response has none. */
  readonly contentType: string | undefined;
  readonly body: Bytes;
  /** When it was signed, by the enclave's clock: seconds since 1970. */
  readonly created: number;
  /**
   * Its header fields. Only those that the signature covers are authentic: `content-type`, `content-digest` and
   * `x-enclave-attestation`.
   */
  readonly fields: Fields;

  constructor(response: HttpResponse, created: number) {
    this.status = response.status;
    [this.contentType] = values(response.fields, CONTENT_TYPE);
    this.body = response.body;
    this.created = created;
    this.fields = response.fields;
  }

  /** The problem that the response is, if it is one. */
  get problem(): Problem | undefined {
    return readProblem(this);
  }

  /**
   * The body as JSON. The type is the caller's claim: the enclave vouches for the response; nothing checks its form.
   *
   * @throws {ProblemError} or {@link ClockDiffersError} if the status is not 2xx.
   * @throws {UnexpectedResponseError} if the body is neither JSON nor a problem.
   */
  json<T>(): T {
    if (this.status < 200 || this.status > 299) {
      throw this.#refusal();
    }
    const value = readJson(this.body);
    if (value === undefined) {
      throw new UnexpectedResponseError(this.status, "its body is not JSON");
    }
    return value as T;
  }

  #refusal(): Error {
    const { problem } = this;
    if (problem === undefined) {
      return new UnexpectedResponseError(this.status, "it is neither a success nor a problem");
    }
    if (problemName(problem) === "request-expired") {
      return new ClockDiffersError(problem, this.created, Math.floor(Date.now() / 1000));
    }
    return new ProblemError(problem);
  }
}
