import { concat, toBase64url } from "../../src/bytes.js";
import { hex } from "../hex.js";

/** The key pair of a published vector, whose private half WebCrypto accepts as a JWK (RFC 8037). */
export async function keyPair(secretKey: string, publicKey: string): Promise<CryptoKeyPair> {
  const [d, x] = [toBase64url(hex(secretKey)), toBase64url(hex(publicKey))];
  const [privateKey, imported] = await Promise.all([
    crypto.subtle.importKey("jwk", { kty: "OKP", crv: "X25519", d, x }, { name: "X25519" }, false, ["deriveBits"]),
    crypto.subtle.importKey("raw", concat(hex(publicKey)), { name: "X25519" }, true, []),
  ]);
  return { privateKey, publicKey: imported };
}
