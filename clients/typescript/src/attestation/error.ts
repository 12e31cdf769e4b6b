/**
 * The rule that a document broke: a short name that does not change between releases, as in the Rust verifier. The last four
 * are about what the document vouches for.
 */
export type AttestationRule =
  | "input-size"
  | "encoding"
  | "json"
  | "member"
  | "ambiguous"
  | "document-size"
  | "cbor"
  | "trailing-bytes"
  | "cose-structure"
  | "protected-header"
  | "unprotected-header"
  | "signature-length"
  | "field-missing"
  | "field-unknown"
  | "field-duplicate"
  | "field-type"
  | "field-length"
  | "digest"
  | "timestamp"
  | "pcr-index"
  | "root"
  | "certificate-syntax"
  | "certificate-algorithm"
  | "certificate-key"
  | "certificate-issuer"
  | "certificate-not-yet-valid"
  | "certificate-expired"
  | "certificate-basic-constraints"
  | "certificate-path-length"
  | "certificate-key-usage"
  | "certificate-critical-extension"
  | "certificate-signature"
  | "document-signature"
  | "debug-mode"
  | "measurements"
  | "nonce"
  | "user-data"
  | "public-key"
  | "too-old"
  | "from-the-future"
  | "binding"
  | "deployment"
  | "configuration"
  | "oblivious-keys";

/**
 * Why a document, or what it vouches for, is not accepted.
 *
 * `rule` is for programs, `message` for people: the rule, what came, and what would have been accepted. An attestation document has
 * no secrets; text from it is quoted, escaped and cut.
 */
export class AttestationError extends Error {
  override readonly name = "AttestationError";

  constructor(
    readonly rule: AttestationRule,
    readonly found: string,
    readonly expected: string,
  ) {
    super(`${rule}: ${found}; accepted: ${expected}`);
  }
}
