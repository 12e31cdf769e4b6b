/**
 * What can go wrong between a program and its enclave, beside an {@link AttestationError} and an {@link AnswerError}.
 *
 * | error | who says so |
 * |---|---|
 * | no error, {@link ProblemError}, {@link ClockDiffersError}, {@link PasskeyLeftError} | the verified boot, about this very request |
 * | {@link UnauthenticatedError} | the parent, or anybody on the way |
 * | {@link AnswerError}, {@link AttestationError} | this library: something is wrong, and it may be an attack |
 * | {@link ConnectionError}, {@link UnexpectedAnswerError} | this library: the request may have been carried out |
 * | TypeError, {@link ProfileError} | this library: nothing was sent |
 */

import type { Problem } from "./problem.js";
import { quoted } from "./quoted.js";

/** There is no whole answer. The request may have been carried out. */
export class ConnectionError extends Error {
  override readonly name = "ConnectionError";

  constructor(
    readonly kind: "no-answer" | "timed-out" | "answer-too-large",
    detail: string,
    options?: ErrorOptions,
  ) {
    super(`${detail}; the request may have been carried out`, options);
  }
}

/** A problem that nobody signed: the parent says it, or someone on the way. It is no evidence of anything. */
export class UnauthenticatedError extends Error {
  override readonly name = "UnauthenticatedError";

  constructor(readonly problem: Problem) {
    super(`said on the way, not by the enclave: ${problem.title} (${problem.status}): ${problem.detail}`);
  }
}

/** The enclave refused the request, or could not carry it out, and signed that it said so. */
export class ProblemError extends Error {
  override readonly name: string = "ProblemError";

  constructor(
    readonly problem: Problem,
    detail = "",
  ) {
    super(`${problem.title} (${problem.status}): ${problem.detail}${detail}`);
  }
}

/** The enclave found `created` too old or in the future, and signed that: the clocks differ, or the request was kept back. */
export class ClockDiffersError extends ProblemError {
  override readonly name = "ClockDiffersError";

  constructor(
    problem: Problem,
    /** The enclave's clock when it answered: seconds since 1970. */
    readonly enclave: number,
    /** This machine's clock when the answer came: seconds since 1970. */
    readonly client: number,
  ) {
    super(problem, `; this machine's clock is ${client - enclave} s ahead of the enclave's`);
  }
}

/** A refusal after a new passkey was made, which nobody could be told to forget, or which the enclave may have after all. */
export class PasskeyLeftError extends ProblemError {
  override readonly name = "PasskeyLeftError";

  constructor(
    problem: Problem,
    /** What the authenticator calls the user of it. */
    readonly userName: string,
  ) {
    super(
      problem,
      `; a passkey of the name ${quoted(userName)} may be left, and can be deleted in the password manager`,
    );
  }
}

/** The answer is not of the form that this client knows. */
export class UnexpectedResponseError extends Error {
  override readonly name = "UnexpectedAnswerError";

  constructor(
    readonly status: number,
    reason: string,
  ) {
    super(`the answer (${status}) is not of the form of this version: ${reason}`);
  }
}
