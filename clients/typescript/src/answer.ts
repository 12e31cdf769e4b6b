/** Answers that are believed. */

import type { Bytes } from "./bytes.js";
import { ClockDiffersError, ProblemError, UnexpectedAnswerError } from "./error.js";
import { type Fields, type HttpAnswer, values } from "./http.js";
import { CONTENT_TYPE } from "./http-signature/profile.js";
import { type Problem, problemName, readJson, readProblem } from "./problem.js";

/** An answer that the verified boot signed, to the very request that was sent. */
export class Answer {
  readonly status: number;
  /** Undefined where the answer has none. */
  readonly contentType: string | undefined;
  readonly body: Bytes;
  /** When it was signed, by the enclave's clock: seconds since 1970. */
  readonly created: number;
  /**
   * Its header fields. Only those that the signature covers are authentic: `content-type`, `content-digest` and
   * `x-enclave-attestation`.
   */
  readonly fields: Fields;

  constructor(answer: HttpAnswer, created: number) {
    this.status = answer.status;
    [this.contentType] = values(answer.fields, CONTENT_TYPE);
    this.body = answer.body;
    this.created = created;
    this.fields = answer.fields;
  }

  /** The problem that it is, if it is one. */
  get problem(): Problem | undefined {
    return readProblem(this);
  }

  /**
   * The body as JSON. The type is the caller's word: the enclave vouches for the answer, not this library for its form.
   *
   * @throws {ProblemError} or {@link ClockDiffersError} when the status is not 2xx.
   * @throws {UnexpectedAnswerError} when the body is neither JSON nor a problem.
   */
  json<T>(): T {
    if (this.status < 200 || this.status > 299) {
      throw this.#refusal();
    }
    const value = readJson(this.body);
    if (value === undefined) {
      throw new UnexpectedAnswerError(this.status, "its body is not JSON");
    }
    return value as T;
  }

  #refusal(): Error {
    const { problem } = this;
    if (problem === undefined) {
      return new UnexpectedAnswerError(this.status, "it is neither a success nor a problem");
    }
    if (problemName(problem) === "request-expired") {
      return new ClockDiffersError(problem, this.created, Math.floor(Date.now() / 1000));
    }
    return new ProblemError(problem);
  }
}
