/** The vendor that vouches for Chromium's virtual authenticators. */

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Browser } from "playwright-core";
import { authenticatorOf } from "./person.js";

/**
 * The attestation certificate, in PEM. It is signed by its own key, which is the same in every Chromium, so it is also the root that it
 * leads to.
 */
export async function vendorCertificate(browser: Browser): Promise<string> {
  const server = createServer((_, response) => {
    response.setHeader("content-type", "text/html");
    response.end('<link rel="icon" href="data:,">');
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const page = await browser.newPage();
  await authenticatorOf(page);
  await page.goto(`http://localhost:${(server.address() as AddressInfo).port}/`);
  const made = Buffer.from(await page.evaluate(attested));
  await page.context().close();
  server.close();
  return pem(certificateOf(made));
}

/** The attestation object of a new passkey. */
async function attested(): Promise<number[]> {
  const some = new Uint8Array(16);
  const credential = (await navigator.credentials.create({
    publicKey: {
      challenge: some,
      rp: { id: "localhost", name: "localhost" },
      user: { id: some, name: "somebody", displayName: "somebody" },
      pubKeyCredParams: [{ type: "public-key", alg: -7 }],
      attestation: "direct",
    },
  })) as PublicKeyCredential;
  return [...new Uint8Array((credential.response as AuthenticatorAttestationResponse).attestationObject)];
}

/** The one byte string of `x5c`, an array of one (CBOR: 0x81), with a length of two bytes (0x59). */
function certificateOf(attestationObject: Buffer): Buffer {
  const at = attestationObject.indexOf("x5c") + 3;
  if (attestationObject.subarray(at, at + 2).toString("hex") !== "8159") {
    throw new Error(`not one certificate: ${attestationObject.toString("hex")}`);
  }
  return attestationObject.subarray(at + 4, at + 4 + attestationObject.readUInt16BE(at + 2));
}

function pem(der: Buffer): string {
  const lines = der.toString("base64").match(/.{1,64}/g) ?? [];
  return ["-----BEGIN CERTIFICATE-----", ...lines, "-----END CERTIFICATE-----", ""].join("\n");
}
