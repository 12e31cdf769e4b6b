/** What asks the user for a passkey: the browser, or what a test puts in its place. */

import { type Bytes, bytes, toBase64url } from "../bytes.js";

/** A passkey to be made. */
export interface NewPasskey {
  /** 32 bytes. */
  readonly challenge: Bytes;
  readonly rpId: string;
  /** 16 bytes. */
  readonly userHandle: Bytes;
  /** What the authenticator shows the user in its list. It goes to the authenticator and nowhere else. */
  readonly userName: string;
  readonly attestation: Conveyance;
}

/** Whether the authenticator's vendor has to vouch for it: `none` or `direct` (WebAuthn Level 3 section 5.4.7). */
export type Conveyance = "none" | "direct";

/** A request to sign with a passkey. */
export interface PasskeyQuestion {
  /** 32 bytes. */
  readonly challenge: Bytes;
  readonly rpId: string;
  /** The passkey to use; left out: the user chooses. */
  readonly credentialId?: string;
}

/** A response of WebAuthn Level 3 section 5.1.8 or 5.1.9 as the enclave reads it: bytes in base64url without padding. */
export interface PasskeyResponse {
  readonly id: string;
  readonly rawId: string;
  readonly type: "public-key";
  readonly response: Readonly<Record<string, string | readonly string[] | null>>;
}

/** A passkey that was made. */
export interface MadePasskey {
  readonly response: PasskeyResponse;
  /** Whether the authenticator says that the passkey has a PRF (WebAuthn Level 3 section 10.1.4). */
  readonly prf: boolean;
}

/** A request to evaluate the PRF of a passkey (WebAuthn Level 3 section 10.1.4). */
export interface PrfQuestion {
  readonly rpId: string;
  /** The passkey to use; left out: the user chooses. */
  readonly credentialId?: string;
  /** The input, of any length. */
  readonly salt: Bytes;
}

export interface Authenticator {
  /** Makes a passkey: `clientDataJSON`, `attestationObject` and `transports`. It asks for a PRF. */
  create(passkey: NewPasskey): Promise<MadePasskey>;
  /** Has a passkey sign: `clientDataJSON`, `authenticatorData`, `signature` and `userHandle`. */
  get(question: PasskeyQuestion): Promise<PasskeyResponse>;
  /** The output of the passkey's PRF for this input: 32 bytes, which whoever calls it zeroes. {@link PrfError}: it has no PRF. */
  evaluate(question: PrfQuestion): Promise<Bytes>;
  /** Signals that the enclave does not know a passkey, so that it is not offered again; false if there is no way to signal it. */
  forget(passkey: UnknownPasskey): Promise<boolean>;
}

/** A passkey that the enclave has refused, or revoked. */
export interface UnknownPasskey {
  readonly rpId: string;
  /** Base64url without padding. */
  readonly credentialId: string;
}

/** The user did not consent, or there is no suitable authenticator. Nothing was sent. */
export class PasskeyError extends Error {
  override readonly name = "PasskeyError";

  constructor(
    /** The name of the browser's `DOMException`: `NotAllowedError`, `InvalidStateError`, `SecurityError`, ... */
    readonly reason: string,
    options?: ErrorOptions,
  ) {
    super(`the passkey did not sign: ${reason}`, options);
  }
}

/** The passkey, its authenticator or the browser has no PRF, so the passkey cannot keep a share. Nothing was sent. */
export class PrfError extends Error {
  override readonly name = "PrfError";

  constructor() {
    super(
      "the passkey gave no PRF output; accepted: a passkey, an authenticator and a browser with the PRF extension of WebAuthn Level 3, or a share file instead",
    );
  }
}

/**
 * `navigator.credentials` (WebAuthn Level 3 section 5.1). Only what the enclave reads of the responses is sent: `toJSON()` would repeat the
 * public key and the authenticator data, and header fields have little room.
 *
 * `create`, `get` and `evaluate` throw {@link PasskeyError}. `forget` is `signalUnknownCredential` (section 5.1.10), which not every browser has.
 */
export const browserAuthenticator: Authenticator = {
  async create({ challenge, rpId, userHandle, userName, attestation }) {
    const credential = await asked(() =>
      navigator.credentials.create({
        publicKey: {
          challenge,
          rp: { id: rpId, name: rpId },
          user: { id: userHandle, name: userName, displayName: userName },
          pubKeyCredParams: [-7, -8, -257].map((alg) => ({ type: "public-key", alg })),
          authenticatorSelection: {
            residentKey: "required",
            requireResidentKey: true,
            userVerification: "required",
          },
          attestation,
          // Some authenticators give a PRF only to passkeys that were made with one.
          extensions: { prf: {} },
        },
      }),
    );
    const { clientDataJSON, attestationObject, getTransports } =
      credential.response as AuthenticatorAttestationResponse;
    const response = responseOf(credential, {
      clientDataJSON: encoded(clientDataJSON),
      attestationObject: encoded(attestationObject),
      transports: getTransports?.call(credential.response) ?? [],
    });
    return { response, prf: credential.getClientExtensionResults().prf?.enabled === true };
  },

  async get(question) {
    const credential = await assertion(question);
    const { clientDataJSON, authenticatorData, signature, userHandle } =
      credential.response as AuthenticatorAssertionResponse;
    return responseOf(credential, {
      clientDataJSON: encoded(clientDataJSON),
      authenticatorData: encoded(authenticatorData),
      signature: encoded(signature),
      userHandle: userHandle === null ? null : encoded(userHandle),
    });
  },

  async evaluate({ salt, ...question }) {
    // A signature of a random challenge, which goes nowhere: it approves nothing.
    const challenge = crypto.getRandomValues(new Uint8Array(32));
    const credential = await assertion({ ...question, challenge }, { prf: { eval: { first: salt } } });
    const first = credential.getClientExtensionResults().prf?.results?.first;
    if (first === undefined) {
      throw new PrfError();
    }
    const output = ArrayBuffer.isView(first)
      ? new Uint8Array(first.buffer as ArrayBuffer, first.byteOffset, first.byteLength)
      : new Uint8Array(first);
    if (output.length !== 32) {
      throw new PasskeyError("DataError");
    }
    return output;
  },

  async forget({ rpId, credentialId }) {
    try {
      await PublicKeyCredential.signalUnknownCredential({ rpId, credentialId });
      return true;
    } catch {
      return false;
    }
  },
};

async function assertion(
  { challenge, rpId, credentialId }: PasskeyQuestion,
  extensions?: AuthenticationExtensionsClientInputs,
): Promise<PublicKeyCredential> {
  return asked(() =>
    navigator.credentials.get({
      publicKey: {
        challenge,
        rpId,
        userVerification: "required",
        ...(credentialId === undefined
          ? {}
          : { allowCredentials: [{ type: "public-key", id: fromBase64url(credentialId) }] }),
        ...(extensions === undefined ? {} : { extensions }),
      },
    }),
  );
}

async function asked(ask: () => Promise<Credential | null>): Promise<PublicKeyCredential> {
  if (globalThis.navigator?.credentials === undefined) {
    throw new PasskeyError("NotSupportedError");
  }
  let credential: Credential | null;
  try {
    credential = await ask();
  } catch (error) {
    throw new PasskeyError(error instanceof Error ? error.name : String(error), { cause: error });
  }
  if (credential === null) {
    throw new PasskeyError("NotFoundError");
  }
  return credential as PublicKeyCredential;
}

function responseOf(credential: PublicKeyCredential, response: PasskeyResponse["response"]): PasskeyResponse {
  const id = encoded(credential.rawId);
  return { id, rawId: id, type: "public-key", response };
}

function encoded(buffer: ArrayBuffer): string {
  return toBase64url(new Uint8Array(buffer));
}

function fromBase64url(text: string): Bytes {
  const base64 = text.replaceAll("-", "+").replaceAll("_", "/");
  return bytes(Array.from(atob(base64), (character) => character.charCodeAt(0)));
}
