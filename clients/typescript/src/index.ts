/**
 * Verify a Permafrost enclave, talk to it, and accept nothing that it has not signed.
 *
 * {@link Enclave.connect} fetches an attestation document for a fresh nonce, verifies it up to a root certificate, and judges it
 * by a policy. From then on, only that boot of the enclave can read what is sent, and every response is checked.
 *
 * For auditors, {@link Document} verifies a document by itself: {@link Document.read}, {@link Document.verify},
 * {@link VerifiedDocument.check}.
 */

export { type At, Document } from "./attestation/document.js";
export { DocumentForm, type TextEncoding } from "./attestation/encoded.js";
export { AttestationError, type AttestationRule } from "./attestation/error.js";
export { Measurements, MeasurementsError } from "./attestation/measurements.js";
export type { Policy } from "./attestation/policy.js";
export { RootCertificate, RootCertificateError } from "./attestation/root-certificate.js";
export type { VerifiedDocument } from "./attestation/verified.js";
export { type Binding, readBinding } from "./binding.js";
export type { Boot } from "./boot.js";
export type { Bytes } from "./bytes.js";
export type { EnclaveClock } from "./clock.js";
export type { Fetch } from "./connection.js";
export { type Ask, type ConnectOptions, Enclave } from "./enclave.js";
export {
  ClockDiffersError,
  ConnectionError,
  PasskeyLeftError,
  ProblemError,
  UnauthenticatedError,
  UnexpectedResponseError,
} from "./error.js";
export type { EnclavePolicy } from "./expectation.js";
export type { Fields } from "./http.js";
export { generateSessionKey, type Principal, publicKeyText, signingKeyFromPem } from "./http-signature/key.js";
export { type BootName, ProfileError, type ProfileRule } from "./http-signature/profile.js";
export { ResponseError, type ResponseRule } from "./http-signature/response.js";
export type { ImportBody, ImportRequest } from "./import.js";
export { PemError } from "./pem.js";
export type * from "./people/api.js";
export {
  type Authenticator,
  browserAuthenticator,
  type Conveyance,
  type MadePasskey,
  type NewPasskey,
  PasskeyError,
  type PasskeyQuestion,
  type PasskeyResponse,
  PrfError,
  type PrfQuestion,
  type UnknownPasskey,
} from "./people/authenticator.js";
export { type NostrSigner, nostrSigner } from "./people/nostr.js";
export { PasskeySecret, type ShareName, WrappedShareError } from "./people/passkey-secret.js";
export { type PasskeyNames, People, type PeopleOptions } from "./people/people.js";
export { Session, type SignedEvent, type UnsignedEvent } from "./people/session.js";
export { RecoveryTicket } from "./people/ticket.js";
export { type Problem, problemName } from "./problem.js";
export { Response } from "./response.js";
