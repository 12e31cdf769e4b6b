/** What this side refuses in split custody. */

/**
 * - `ceremony`: the enclave began another ceremony, or a message, a result or a certificate of one is not accepted. No share is of use.
 * - `signature`: the enclave's part of a signature is wrong. There is no signature.
 * - `share`: a text is not a share, or a share is of another generation than the key.
 * - `argument`: the caller asked for something that there is not. Nothing was sent.
 */
export type SplitErrorKind = "ceremony" | "signature" | "share" | "argument";

/** A refusal of this side. What the enclave refuses is a {@link ProblemError}. */
export class SplitError extends Error {
  override readonly name = "SplitError";

  constructor(
    readonly kind: SplitErrorKind,
    message: string,
    /** The participants that provably broke the protocol. */
    readonly participants: readonly string[] = [],
  ) {
    super(message);
  }
}
