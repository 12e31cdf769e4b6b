/** Signed answers. */

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
  requiredField,
  SIGNATURE,
  SIGNATURE_INPUT,
  SIGNATURE_INPUT_MAX,
  SIGNATURE_MAX,
  SignatureBase,
  signatureBytes,
  signatureItem,
} from "./profile.js";

/** The rule that an answer breaks; the last three are judged by whoever knows the boot and the way. */
export type ResponseRule = ProfileRule | "content-digest" | "signature" | "boot" | "stale" | "encapsulation";

/** Why an answer is not the verified boot's to this request: nothing in it can be believed. */
export class ResponseError extends Error {
  override readonly name = "AnswerError";

  constructor(
    readonly rule: ResponseRule,
    readonly found: string,
    readonly expected: string,
  ) {
    super(`the answer is not authentic: ${rule}: ${found}; accepted: ${expected}`);
  }
}

/** What an authentic answer says beside its status and body. */
export interface VerifiedResponse {
  /** When it was signed, by the enclave's clock: seconds since 1970. */
  readonly created: number;
  /** The boot that it names. */
  readonly boot: BootName;
}

/**
 * Checks that an answer is the boot's, to this request as it was sent, with this body.
 *
 * @throws {AnswerError} nothing of the answer is to be used then.
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
    throw new ResponseError("content-digest", `content-digest is ${quoted(digest)}`, `that of the body, ${expected}`);
  }
  if (!(await verifyEd25519(key, base.finish(parameters), signature))) {
    throw new ResponseError("signature", "the signature does not verify", "one by the boot's key, for this request");
  }
  return { created, boot };
}

/** What an answer's signature covers of its request. */
function coverRequest(base: SignatureBase, request: HttpRequest): void {
  base.cover('"@method";req', request.method);
  base.cover('"@path";req', pathOf(request.target));
  base.cover('"@query";req', queryOf(request.target));
  const signature = requestSignature(request);
  if (signature !== undefined) {
    base.cover('"signature";req;key="permafrost"', signature);
  }
}

function requestSignature(request: HttpRequest): string | undefined {
  const [field, ...more] = values(request.fields, SIGNATURE);
  return field === undefined || more.length > 0 ? undefined : signatureItem(field);
}

/** The parameters of `Signature-Input`, once it covers exactly these components, in the one form there is. */
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
