/** A boot that responds as the enclave does: the tests of the client talk to it. */

import { type Bytes, toBase64, utf8 } from "../../src/bytes.js";
import { type Fields, type HttpRequest, type HttpResponse, pathOf, queryOf, values } from "../../src/http.js";
import { type BootName, contentDigest, signatureItem } from "../../src/http-signature/profile.js";

export interface Boot {
  readonly name: BootName;
  /** Ed25519, 32 bytes. */
  readonly publicKey: Bytes;
  /** The same key under another name. */
  named(name: BootName): Boot;
  response(request: HttpRequest, status: number, fields: Fields, body: Bytes, created?: number): Promise<HttpResponse>;
}

/** A boot with a new key. The name is any digest: here nothing compares it with a document. */
export async function newBoot(name: BootName): Promise<Boot> {
  const { privateKey, publicKey } = (await crypto.subtle.generateKey({ name: "Ed25519" }, true, [
    "sign",
    "verify",
  ])) as CryptoKeyPair;
  const raw = new Uint8Array(await crypto.subtle.exportKey("raw", publicKey));
  const named = (name: BootName): Boot => ({
    name,
    publicKey: raw,
    named,
    response: (request, status, fields, body, created = Math.floor(Date.now() / 1000)) =>
      sign(privateKey, name, request, { status, fields, body }, created),
  });
  return named(name);
}

/** Follows `docs/signatures.md` without the client's own code: otherwise both could be wrong in the same way. */
async function sign(key: CryptoKey, boot: BootName, request: HttpRequest, response: HttpResponse, created: number) {
  const digest = await contentDigest(response.body);
  const [contentType] = values(response.fields, "content-type");
  const [requestSignature = ""] = values(request.fields, "signature");
  const item = signatureItem(requestSignature);
  const lines = [
    ['"@status"', String(response.status)],
    ['"content-digest"', digest],
    ['"x-enclave-attestation"', boot],
    ...(contentType === undefined ? [] : [['"content-type"', contentType]]),
    ['"@method";req', request.method],
    ['"@path";req', pathOf(request.target)],
    ['"@query";req', queryOf(request.target)],
    ...["content-digest", "request-nonce", "passkey-response"].flatMap((name) => {
      const [value, ...more] = values(request.fields, name);
      return value === undefined || more.length > 0 ? [] : [[`"${name}";req`, value]];
    }),
    ...(item === undefined ? [] : [['"signature";req;key="permafrost"', item]]),
  ];
  const input = `(${lines.map(([identifier]) => identifier).join(" ")});created=${created};keyid="boot"`;
  const base = [...lines.map((line) => line.join(": ")), `"@signature-params": ${input}`].join("\n");
  const signature = new Uint8Array(await crypto.subtle.sign({ name: "Ed25519" }, key, utf8(base)));
  return {
    ...response,
    fields: [
      ...response.fields,
      ["content-digest", digest],
      ["x-enclave-attestation", boot],
      ["signature-input", `permafrost=${input}`],
      ["signature", `permafrost=:${toBase64(signature)}:`],
    ],
  } satisfies HttpResponse;
}
