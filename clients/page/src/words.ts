/** What went wrong, as text for the user. */

import {
  AttestationError,
  ConnectionError,
  PasskeyError,
  PasskeyLeftError,
  ProblemError,
  problemName,
  ResponseError,
  UnauthenticatedError,
} from "@permafrost/client";
import { ExpectationError } from "./expectation.js";

/** One or two sentences. */
export function words(error: unknown): string {
  if (error instanceof PasskeyLeftError) {
    return `${refusal(error)} The new passkey \u201c${error.userName}\u201d may remain in your password manager. Delete it there if you cannot log in with it.`;
  }
  if (error instanceof ProblemError) {
    return refusal(error);
  }
  if (error instanceof PasskeyError) {
    return PASSKEYS[error.reason] ?? `The passkey was not used (${error.reason}).`;
  }
  if (error instanceof AttestationError) {
    const why = RULES[error.rule] ?? "The server did not prove to be the enclave that this page expects.";
    return `${why} (${error.rule}: ${error.found})`;
  }
  if (error instanceof ResponseError) {
    return `A response was not signed by the verified enclave, so this page ignored it. (${error.rule}: ${error.found})`;
  }
  if (error instanceof UnauthenticatedError) {
    return `The server in front of the enclave says: ${error.problem.detail}. The enclave has not confirmed it, so it may be untrue.`;
  }
  if (error instanceof ConnectionError) {
    return "No complete response arrived. Your request may or may not have been carried out: check before you try again.";
  }
  if (error instanceof ExpectationError) {
    return `This page does not know which enclave to expect. ${error.message}.`;
  }
  return error instanceof Error ? error.message : String(error);
}

function refusal({ problem }: ProblemError): string {
  return PROBLEMS[problemName(problem)] ?? `The enclave refused: ${problem.detail}.`;
}

/** Whether the enclave says that the session is over. */
export function isSessionOver(error: unknown): boolean {
  return error instanceof ProblemError && ["session-ended", "device-changed"].includes(problemName(error.problem));
}

const PROBLEMS: Readonly<Record<string, string>> = {
  "no-people": "This deployment has no users: its configuration does not allow them.",
  "challenge-expired": "That took longer than two minutes. Please try again.",
  "challenge-invalid": "The enclave has restarted. Please try again.",
  "passkey-unknown": "This passkey is unknown here, was revoked, or is still waiting for approval.",
  "passkey-exists": "This passkey is already registered.",
  "passkey-attestation":
    "This deployment accepts only passkeys whose vendor vouches for them. Your authenticator's statement was missing or not accepted.",
  "passkey-origin": "This passkey was used on another page than the one that the enclave accepts.",
  "passkey-user-verification": "The passkey did not verify that it is you. It needs a PIN, a fingerprint or a face.",
  "passkey-counter": "The enclave refused this passkey: its counter went back, so it may have been copied.",
  "ceremony-not-found":
    "Nothing has changed: that took longer than ten minutes, or the enclave has restarted. Delete what you have downloaded, and begin again.",
  "ceremony-failed": "Nothing has changed: the ceremony failed. Delete what you have downloaded, and begin again.",
  "ceremony-message-refused":
    "An earlier attempt is still under way. It ends by itself within ten minutes: begin again then.",
  "key-disabled": "This key is disabled. It will never sign again.",
  "key-deleted": "This key is deleted. It will never sign again.",
  "key-enabled": "This key still signs. Disable it before you delete it.",
  "key-replaced": "This key has been replaced already. A key can be replaced once.",
  "last-passkey": "This is the last passkey. Make recovery codes or name guardians before you revoke it.",
  "link-invalid": "This code is wrong, has been used, or is older than ten minutes.",
  "recovery-code-invalid":
    "This recovery code is wrong or has been used. After five wrong codes, the enclave accepts none for an hour.",
  "recovery-not-ready": "The delay is not over yet.",
  "recovery-not-found":
    "There is no such recovery: it was cancelled or completed, it expired after a week, or you are not a guardian.",
  "recovery-impossible": "This user has named no guardians, so a recovery code is needed.",
  "user-not-found": "There is no such user.",
  "session-ended": "Your session is over.",
  "device-changed": "Your session is over: the description of this device has changed since the login.",
  "rate-limited": "Too many requests. Please wait a while.",
  "not-permitted": "Your session, your policy or this deployment does not allow that.",
};

const PASSKEYS: Readonly<Record<string, string>> = {
  NotAllowedError: "No passkey was used: you cancelled, it took too long, or this device has none for this page.",
  InvalidStateError: "This authenticator already has a passkey for this user.",
  SecurityError: "Passkeys of this deployment belong to another address than this page's.",
  NotSupportedError: "Passkeys are not available in this browser or at this address: they need https, or localhost.",
};

const RULES: Readonly<Record<string, string>> = {
  root: "The proof does not lead to a root certificate that this page trusts.",
  measurements: "This is an enclave, but its code or its configuration is not what this page expects.",
  deployment: "This enclave belongs to another deployment.",
  "debug-mode": "The enclave runs in debug mode, in which the machine around it can read its memory.",
  "too-old": "The proof is too old, or this machine's clock is wrong.",
  "from-the-future": "The proof is from the future, or this machine's clock is wrong.",
  "certificate-expired": "A certificate of the proof has expired, or this machine's clock is wrong.",
  "certificate-not-yet-valid": "A certificate of the proof is not valid yet, or this machine's clock is wrong.",
  nonce: "The proof was made for someone else, or at an earlier time.",
  "oblivious-keys": "The keys that requests are encrypted to are not the enclave's.",
};
