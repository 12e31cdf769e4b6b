/** Signed requests. */

import { toBase64, toBase64url } from "../bytes.js";
import { type HttpRequest, pathOf, queryOf } from "../http.js";
import { quoted } from "../quoted.js";
import { type Principal, sign } from "./key.js";
import {
  type BootName,
  CONTENT_DIGEST,
  CONTENT_TYPE,
  contentDigest,
  ENCLAVE_ATTESTATION,
  IDEMPOTENCY_KEY,
  LABEL,
  optionalField,
  ProfileError,
  SIGNATURE,
  SIGNATURE_INPUT,
  SIGNED_FIELDS,
  SignatureBase,
} from "./profile.js";

/** What makes a signature unique. */
export interface Once {
  /** Seconds since 1970, at most 15 digits. */
  readonly created: number;
  /** 16 to 64 of `A-Z a-z 0-9 - _`, used once. */
  readonly nonce: string;
}

/** This machine's time, and a nonce of 16 random bytes. */
export function once(): Once {
  const nonce = toBase64url(crypto.getRandomValues(new Uint8Array(16)));
  return { created: Math.floor(Date.now() / 1000), nonce };
}

/**
 * Signs a request for a boot: the same request with `Content-Digest`, `X-Enclave-Attestation`, `Signature-Input` and `Signature`.
 * `Content-Type` and `Idempotency-Key` are covered if they are present.
 *
 * @throws {ProfileError} if the enclave would not accept the request as it is; nothing is signed then.
 */
export async function signRequest(
  request: HttpRequest,
  principal: Principal,
  boot: BootName,
  { created, nonce }: Once = once(),
): Promise<HttpRequest> {
  checkParameter("created", String(created), /^\d{1,15}$/, "seconds since 1970, at most 15 digits");
  checkParameter("nonce", nonce, /^[A-Za-z0-9_-]{16,64}$/, "16 to 64 of A-Z a-z 0-9 - _");
  checkParameter("keyid", principal.name, /^[A-Za-z0-9._-]{1,64}$/, "1 to 64 of A-Z a-z 0-9 - _ .");
  const digest = await contentDigest(request.body);
  const base = cover(request, digest, boot);
  const parameters = `;created=${created};nonce="${nonce}";keyid="${principal.name}"`;
  const signature = await sign(principal.key, base.finish(parameters));
  return {
    ...request,
    fields: [
      ...request.fields.filter(([name]) => !SIGNED_FIELDS.includes(name)),
      [CONTENT_DIGEST, digest],
      [ENCLAVE_ATTESTATION, boot],
      [SIGNATURE_INPUT, `${LABEL}=${base.components}${parameters}`],
      [SIGNATURE, `${LABEL}=:${toBase64(signature)}:`],
    ],
  };
}

/**
 * Refuses a method or a target that would be signed in another form than it is sent.
 *
 * @throws {ProfileError} `request-target`.
 */
export function checkRequestLine(method: string, target: string): void {
  if (!/^[A-Z]+$/.test(method) || !/^\/(?!\/)[!-~]*$/.test(target) || target.endsWith("?") || target.includes("#")) {
    const expected =
      "a method in upper case; / and visible ASCII, not //, without a fragment, without a ? that no query follows";
    throw new ProfileError("request-target", `the request is ${quoted(`${method} ${target}`)}`, expected);
  }
}

/** The components that a request must cover, with their values. */
function cover(request: HttpRequest, digest: string, boot: BootName): SignatureBase {
  const { method, target, fields } = request;
  checkRequestLine(method, target);
  const base = new SignatureBase();
  base.cover('"@method"', method);
  base.cover('"@path"', pathOf(target));
  base.cover('"@query"', queryOf(target));
  base.cover('"content-digest"', digest);
  base.cover('"x-enclave-attestation"', boot);
  for (const name of [CONTENT_TYPE, IDEMPOTENCY_KEY]) {
    const value = optionalField(fields, name);
    if (value !== undefined) {
      base.cover(`"${name}"`, value);
    }
  }
  return base;
}

function checkParameter(name: string, value: string, form: RegExp, expected: string): void {
  if (!form.test(value)) {
    throw new ProfileError("parameter", `${name} is ${quoted(value)}`, expected);
  }
}
