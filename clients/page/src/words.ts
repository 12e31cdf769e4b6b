/** What went wrong, in words for the person who sees it. */

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
    return `${refusal(error)} The new passkey \u201c${error.userName}\u201d may be left in your password manager: delete it there if it does not log in.`;
  }
  if (error instanceof ProblemError) {
    return refusal(error);
  }
  if (error instanceof PasskeyError) {
    return PASSKEYS[error.reason] ?? `The passkey was not used (${error.reason}).`;
  }
  if (error instanceof AttestationError) {
    const why = RULES[error.rule] ?? "What answered here is not the enclave that this page expects.";
    return `${why} (${error.rule}: ${error.found})`;
  }
  if (error instanceof ResponseError) {
    return `An answer was not signed by the verified enclave, so nothing in it was believed. (${error.rule}: ${error.found})`;
  }
  if (error instanceof UnauthenticatedError) {
    return `The server in front of the enclave says: ${error.problem.detail}. It may be true or not.`;
  }
  if (error instanceof ConnectionError) {
    return "There was no whole answer. What you asked for may have been done or not: look before you try again.";
  }
  if (error instanceof ExpectationError) {
    return `This page does not know which enclave to expect. ${error.message}.`;
  }
  return error instanceof Error ? error.message : String(error);
}

function refusal({ problem }: ProblemError): string {
  return PROBLEMS[problemName(problem)] ?? `The enclave refused: ${problem.detail}.`;
}

/** Whether the session is over, by the enclave's word. */
export function isSessionOver(error: unknown): boolean {
  return error instanceof ProblemError && ["session-ended", "device-changed"].includes(problemName(error.problem));
}

const PROBLEMS: Readonly<Record<string, string>> = {
  "no-people": "This deployment takes no people: its configuration has no section for them.",
  "challenge-expired": "That took longer than two minutes. Please try again.",
  "challenge-invalid": "The enclave has started anew meanwhile. Please try again.",
  "passkey-unknown": "This passkey is not known here, was revoked, or still waits for approval.",
  "passkey-exists": "This passkey was registered before.",
  "passkey-attestation":
    "This deployment takes passkeys of some makers only, and asks for their word. This authenticator did not give it.",
  "passkey-origin": "This passkey answered for another page than the one that the enclave serves.",
  "passkey-user-verification": "The passkey did not check that it is you: it needs a PIN, a fingerprint or a face.",
  "passkey-counter": "This passkey has been used with an older state: it may have been copied. The enclave refused it.",
  "key-disabled": "This key is disabled: it never signs again.",
  "key-replaced": "This key was replaced before, and is replaced once.",
  "last-passkey": "This is the last passkey. Make recovery codes or name guardians before you revoke it.",
  "link-invalid": "This code is wrong, was used, or is older than ten minutes.",
  "recovery-code-invalid":
    "This recovery code is wrong or was used. After five wrong ones the enclave looks at none for an hour.",
  "recovery-not-ready": "The delay is not over yet.",
  "recovery-not-found":
    "There is no such recovery: it was cancelled, completed, forgotten after a week, or you are not a guardian.",
  "recovery-impossible": "This user has named no guardians: it takes a recovery code.",
  "user-not-found": "There is no such user.",
  "session-ended": "Your session is over.",
  "device-changed": "Your session is over: the device says other things about itself than at login.",
  "rate-limited": "Too many requests. Please wait a while.",
  "not-permitted": "Your session, your policy or this deployment does not allow that.",
};

const PASSKEYS: Readonly<Record<string, string>> = {
  NotAllowedError: "No passkey was used: you said no, it took too long, or there is none here for this page.",
  InvalidStateError: "This authenticator has a passkey for this user already.",
  SecurityError: "Passkeys of this deployment are for another address than the one this page is at.",
  NotSupportedError: "This browser, or this address, has no passkeys: they take https, or localhost.",
};

const RULES: Readonly<Record<string, string>> = {
  root: "What answered here is no enclave under the root of trust that this page knows.",
  measurements: "An enclave answered, but with other code or another configuration than this page expects.",
  deployment: "An enclave of another deployment answered.",
  "debug-mode": "The enclave runs in debug mode, where the machine around it reads its memory.",
  "too-old": "The proof is too old, or this machine's clock is wrong.",
  "from-the-future": "The proof is from the future, or this machine's clock is wrong.",
  "certificate-expired": "A certificate of the proof has expired, or this machine's clock is wrong.",
  "certificate-not-yet-valid": "A certificate of the proof is not valid yet, or this machine's clock is wrong.",
  nonce: "The proof was made for somebody else, or before.",
  "oblivious-keys": "The keys that requests are encrypted to are not the enclave's.",
};
