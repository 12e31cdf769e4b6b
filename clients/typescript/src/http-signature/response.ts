/** Signed responses. */

import type { Bytes } from "../bytes.js";
import { type HttpRequest, type HttpResponse, pathOf, queryOf, values } from "../http.js";
import { quoted } from "../quoted.js";
import { verifyEd25519 } from "./key.js";
import {
  type BootName,
  CONTENT_DIGEST,
  CONTENT_TYPE,
  contentDigest,
  ENCLAVE_ATTESTATION,
  isBootName,
  LABEL,
  optionalField,
  ProfileError,
  type ProfileRule,
  REQUEST_NONCE,
  requiredField,
  SIGNATURE,
  SIGNATURE_INPUT,
  SIGNATURE_INPUT_MAX,
  SIGNATURE_MAX,
  SignatureBase,
  signatureBytes,
  signatureItem,
} from "./profile.js";

/** The rule that a response breaks. `verifyResponse` does not judge the last three: its callers, which know the boot and the path, do. */
export type ResponseRule = ProfileRule | "content-digest" | "signature" | "boot" | "stale" | "encapsulation";

/** Why a response is not the verified boot's response to this request: nothing in it can be trusted. */
export class ResponseError extends Error {
  override readonly name = "ResponseError";

  constructor(
    readonly rule: ResponseRule,
    readonly found: string,
    readonly expected: string,
  ) {
    super(`the response is not authentic: ${rule}: ${found}; accepted: ${expected}`);
  }
}

/** What an authentic response says in addition to its status and body. */
export interface VerifiedResponse {
  /** When it was signed, by the enclave's clock: seconds since 1970. */
  readonly created: number;
  /** The boot that it names. */
  readonly boot: BootName;
}

/**
 * Checks that a response is the boot's response to this request as it was sent, with this body.
 *
 * @throws {ResponseError} the caller must not use anything of the response then.
 */
export async function verifyResponse(
  response: HttpResponse,
  request: HttpRequest,
  bootKey: Bytes,
): Promise<VerifiedResponse> {
  try {
    return await verify(response, request, bootKey);
  } catch (error) {
    if (error instanceof ProfileError) {
      throw new ResponseError(error.rule, error.found, error.expected);
    }
    throw error;
  }
}

/** Whether a request counts as signed: it has exactly one `Signature` that begins `permafrost=:`. */
export function isSigned(request: HttpRequest): boolean {
  return requestSignature(request) !== undefined;
}

async function verify(
  { status, fields, body }: HttpResponse,
  request: HttpRequest,
  key: Bytes,
): Promise<VerifiedResponse> {
  const input = requiredField(fields, SIGNATURE_INPUT, SIGNATURE_INPUT_MAX);
  const signature = signatureBytes(requiredField(fields, SIGNATURE, SIGNATURE_MAX));
  const digest = requiredField(fields, CONTENT_DIGEST);
  const boot = requiredField(fields, ENCLAVE_ATTESTATION);
  if (!isBootName(boot)) {
    const found = `x-enclave-attestation is ${quoted(boot)}`;
    throw new ProfileError("field-form", found, "sha-256= and 64 lower-case hex digits");
  }
  const base = new SignatureBase();
  base.cover('"@status"', String(status));
  base.cover('"content-digest"', digest);
  base.cover('"x-enclave-attestation"', boot);
  const contentType = optionalField(fields, CONTENT_TYPE);
  if (contentType !== undefined) {
    base.cover('"content-type"', contentType);
  }
  coverRequest(base, request);

  const { created, parameters } = readParameters(input, base.components);
  const expected = await contentDigest(body);
  if (digest !== expected) {
    throw new ResponseError(
      "content-digest",
      `content-digest is ${quoted(digest)}`,
      `the digest of the body, ${expected}`,
    );
  }
  if (!(await verifyEd25519(key, base.finish(parameters), signature))) {
    throw new ResponseError(
      "signature",
      "the signature does not verify",
      "a signature by the boot's key for this request",
    );
  }
  return { created, boot };
}

/** What a response's signature covers of its request. */
function coverRequest(base: SignatureBase, request: HttpRequest): void {
  base.cover('"@method";req', request.method);
  base.cover('"@path";req', pathOf(request.target));
  base.cover('"@query";req', queryOf(request.target));
  for (const name of COVERED) {
    const value = only(request, name);
    if (value !== undefined) {
      base.cover(`"${name}";req`, value);
    }
  }
  const signature = requestSignature(request);
  if (signature !== undefined) {
    base.cover('"signature";req;key="permafrost"', signature);
  }
}

function requestSignature(request: HttpRequest): string | undefined {
  const field = only(request, SIGNATURE);
  return field === undefined ? undefined : signatureItem(field);
}

/** The value of a field that occurs exactly once and is visible ASCII. */
function only(request: HttpRequest, name: string): string | undefined {
  const [value, ...more] = values(request.fields, name);
  return value === undefined || more.length > 0 || !/^[\t -~]*$/.test(value) ? undefined : value;
}

/**
 * The fields of a request that its response covers, whether or not the request is signed, in this order. A signature does not make them
 * superfluous: operations that need no principal do not check it, and `Passkey-Response` is outside of it.
 */
const COVERED = [CONTENT_DIGEST, REQUEST_NONCE, "passkey-response"] as const;

/** The parameters of a `Signature-Input` that covers exactly these components, in the only accepted form. */
function readParameters(input: string, components: string): { created: number; parameters: string } {
  const parts = /^([a-z]+)=(\(.*\))(;created=(0|[1-9]\d{0,14});keyid="boot")$/.exec(input);
  if (parts === null || parts[1] !== LABEL) {
    const expected = `${LABEL}=(COMPONENTS);created=SECONDS;keyid="boot"`;
    throw new ProfileError("parameter", `signature-input is ${quoted(input)}`, expected);
  }
  const [, , covered = "", parameters = "", created] = parts;
  if (covered !== components) {
    throw new ProfileError("components", `the signature covers ${covered}`, components);
  }
  return { created: Number(created), parameters };
}
