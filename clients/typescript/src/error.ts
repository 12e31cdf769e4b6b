/**
 * What can go wrong between a program and its enclave, in addition to {@link AttestationError} and {@link ResponseError}.
 *
 * | error | stated by |
 * |---|---|
 * | no error, {@link ProblemError}, {@link ClockDiffersError}, {@link PasskeyLeftError} | the verified boot, about this very request |
 * | {@link UnauthenticatedError} | the parent, or anyone on the path: not evidence of anything |
 * | {@link ResponseError}, {@link AttestationError} | this library: a check failed, and it may be an attack |
 * | {@link ConnectionError}, {@link UnexpectedResponseError} | this library: the request may have been carried out |
 * | TypeError, {@link ProfileError} | this library: nothing was sent |
 */

import type { Problem } from "./problem.js";
import { quoted } from "./quoted.js";

/** No whole response arrived. The request may have been carried out. */
export class ConnectionError extends Error {
  override readonly name = "ConnectionError";

  constructor(
    readonly kind: "no-response" | "timed-out" | "response-too-large",
    detail: string,
    options?: ErrorOptions,
  ) {
    super(`${detail}; the request may have been carried out`, options);
  }
}

/** An unsigned problem: it comes from the parent, or from anyone on the path. It is not evidence of anything. */
export class UnauthenticatedError extends Error {
  override readonly name = "UnauthenticatedError";

  constructor(readonly problem: Problem) {
    super(`not signed by the enclave: ${problem.title} (${problem.status}): ${problem.detail}`);
  }
}

/** The enclave refused the request, or could not carry it out, and signed the problem that says so. */
export class ProblemError extends Error {
  override readonly name: string = "ProblemError";

  constructor(
    readonly problem: Problem,
    detail = "",
  ) {
    super(`${problem.title} (${problem.status}): ${problem.detail}${detail}`);
  }
}

/** The enclave found `created` too old or in the future, and signed that: the clocks differ, or the request was held back. */
export class ClockDiffersError extends ProblemError {
  override readonly name = "ClockDiffersError";

  constructor(
    problem: Problem,
    /** The enclave's clock when it signed the response: seconds since 1970. */
    readonly enclave: number,
    /** This machine's clock when the response arrived: seconds since 1970. */
    readonly client: number,
  ) {
    super(problem, `; this machine's clock is ${client - enclave} s ahead of the enclave's`);
  }
}

/** A refusal after a new passkey was made, which the password manager could not be told to forget, or which the enclave may have after all. */
export class PasskeyLeftError extends ProblemError {
  override readonly name = "PasskeyLeftError";

  constructor(
    problem: Problem,
    /** What the authenticator calls the user of the passkey. */
    readonly userName: string,
  ) {
    super(problem, `; a passkey named ${quoted(userName)} may remain, and can be deleted in the password manager`);
  }
}

/** The response is not of a form that this client knows. */
export class UnexpectedResponseError extends Error {
  override readonly name = "UnexpectedResponseError";

  constructor(
    readonly status: number,
    reason: string,
  ) {
    super(`the response (${status}) is not of a form that this version knows: ${reason}`);
  }
}
