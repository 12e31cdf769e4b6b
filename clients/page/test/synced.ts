/** One person's passkeys at two devices. */

import type { Person } from "./person.js";

/**
 * Gives `to` the passkeys of `from`, with their PRFs. A virtual authenticator does not give its PRF secrets away with a credential, so what
 * `to` asks of its authenticator is asked of that of `from`; the two have nothing else in common.
 */
export async function sync(from: Person, to: Person): Promise<void> {
  await to.page.exposeFunction("askTheSynced", (question: Question) => from.page.evaluate(ask, question));
  await to.page.addInitScript(ASK_THE_SYNCED);
  await to.open();
}

/** What a page asks of passkeys, with bytes as numbers. */
interface Question {
  readonly challenge: number[];
  readonly rpId: string;
  readonly allowed: number[][];
  readonly salt: number[] | null;
}

/** Runs in the page of the device that has the authenticator. */
async function ask({ challenge, rpId, allowed, salt }: Question) {
  const numbers = (buffer: ArrayBuffer | null) => buffer && [...new Uint8Array(buffer)];
  const credential = (await navigator.credentials.get({
    publicKey: {
      challenge: Uint8Array.from(challenge),
      rpId,
      userVerification: "required",
      allowCredentials: allowed.map((id) => ({ type: "public-key", id: Uint8Array.from(id) })),
      ...(salt === null ? {} : { extensions: { prf: { eval: { first: Uint8Array.from(salt) } } } }),
    },
  })) as PublicKeyCredential;
  const { clientDataJSON, authenticatorData, signature, userHandle } =
    credential.response as AuthenticatorAssertionResponse;
  return {
    rawId: numbers(credential.rawId),
    response: [clientDataJSON, authenticatorData, signature, userHandle].map(numbers),
    prf: numbers((credential.getClientExtensionResults().prf?.results?.first as ArrayBuffer | undefined) ?? null),
  };
}

/** In the place of `navigator.credentials.get`. */
const ASK_THE_SYNCED = `if (isSecureContext) {
  const numbers = (bytes) => [...new Uint8Array(bytes.buffer ?? bytes, bytes.byteOffset ?? 0, bytes.byteLength)];
  const buffer = (numbers) => numbers && Uint8Array.from(numbers).buffer;
  CredentialsContainer.prototype.get = async ({ publicKey }) => {
    const { challenge, rpId, allowCredentials = [], extensions } = publicKey;
    const salt = extensions?.prf?.eval?.first;
    const { rawId, response, prf } = await askTheSynced({
      challenge: numbers(challenge),
      rpId,
      allowed: allowCredentials.map(({ id }) => numbers(id)),
      salt: salt ? numbers(salt) : null,
    });
    const [clientDataJSON, authenticatorData, signature, userHandle] = response.map(buffer);
    return {
      rawId: buffer(rawId),
      response: { clientDataJSON, authenticatorData, signature, userHandle },
      getClientExtensionResults: () => (prf ? { prf: { results: { first: buffer(prf) } } } : {}),
    };
  };
}`;
