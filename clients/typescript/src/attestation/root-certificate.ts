/** Root certificates. */

import { type Bytes, bytes, fromHex, sha256 } from "../bytes.js";
import { PemError, readPem } from "../pem.js";
import { DerError } from "./der.js";
import { readCertificate } from "./x509.js";

/** Why a text or bytes are not a {@link RootCertificate}. */
export class RootCertificateError extends Error {
  override readonly name = "RootCertificateError";
}

/**
 * A root certificate: a document's `cabundle` must begin with it, byte for byte.
 *
 * There is no default. A verifier of production enclaves uses {@link RootCertificate.awsNitroG1}; one of development enclaves reads the
 * development root certificate of that very emulator. It is not judged here; verification applies the rules of every other certificate
 * of the path to it, including validity.
 */
export class RootCertificate {
  readonly #der: Bytes;
  readonly #pin: Bytes | undefined;

  private constructor(der: Bytes, pin?: Bytes) {
    this.#der = der;
    this.#pin = pin;
  }

  /**
   * The AWS Nitro Enclaves root G1 of the commercial partitions, as AWS publishes it: the certificate, and the SHA-256 of its DER,
   * `641a0321a3e244efe456463195d606317ed7cdcc3c1756e09893f3c68f79bb5b`. Valid until 2049-10-28.
   */
  static awsNitroG1(): RootCertificate {
    return new RootCertificate(RootCertificate.fromPem(AWS_NITRO_G1).#der, fromHex(AWS_NITRO_G1_SHA256));
  }

  /**
   * A root certificate from PEM (RFC 7468): one `CERTIFICATE` block; text around it is skipped.
   *
   * @throws {RootCertificateError} without such a block, with more than one, or if its content is not one certificate.
   */
  static fromPem(pem: string): RootCertificate {
    let der: Bytes;
    try {
      der = readPem(pem, "CERTIFICATE");
    } catch (error) {
      if (error instanceof PemError) {
        throw new RootCertificateError(`the root is not PEM: ${error.message}`);
      }
      throw error;
    }
    return RootCertificate.fromDer(der);
  }

  /**
   * A root certificate from DER: one X.509 certificate of version 3 and nothing after it.
   *
   * @throws {RootCertificateError}
   */
  static fromDer(der: Uint8Array): RootCertificate {
    try {
      readCertificate(der);
    } catch (error) {
      if (error instanceof DerError) {
        throw new RootCertificateError(
          `the root is not a certificate: ${error.message}; accepted: X.509 version 3 in DER`,
        );
      }
      throw error;
    }
    return new RootCertificate(bytes(der));
  }

  /** The certificate in DER. */
  get der(): Bytes {
    return bytes(this.#der);
  }

  /** The SHA-256 that the certificate must have: 32 bytes. */
  async sha256(): Promise<Bytes> {
    return this.#pin ?? sha256(this.#der);
  }
}

const AWS_NITRO_G1_SHA256 = "641a0321a3e244efe456463195d606317ed7cdcc3c1756e09893f3c68f79bb5b";

const AWS_NITRO_G1 = `-----BEGIN CERTIFICATE-----
MIICETCCAZagAwIBAgIRAPkxdWgbkK/hHUbMtOTn+FYwCgYIKoZIzj0EAwMwSTEL
MAkGA1UEBhMCVVMxDzANBgNVBAoMBkFtYXpvbjEMMAoGA1UECwwDQVdTMRswGQYD
VQQDDBJhd3Mubml0cm8tZW5jbGF2ZXMwHhcNMTkxMDI4MTMyODA1WhcNNDkxMDI4
MTQyODA1WjBJMQswCQYDVQQGEwJVUzEPMA0GA1UECgwGQW1hem9uMQwwCgYDVQQL
DANBV1MxGzAZBgNVBAMMEmF3cy5uaXRyby1lbmNsYXZlczB2MBAGByqGSM49AgEG
BSuBBAAiA2IABPwCVOumCMHzaHDimtqQvkY4MpJzbolL//Zy2YlES1BR5TSksfbb
48C8WBoyt7F2Bw7eEtaaP+ohG2bnUs990d0JX28TcPQXCEPZ3BABIeTPYwEoCWZE
h8l5YoQwTcU/9KNCMEAwDwYDVR0TAQH/BAUwAwEB/zAdBgNVHQ4EFgQUkCW1DdkF
R+eWw5b6cp3PmanfS5YwDgYDVR0PAQH/BAQDAgGGMAoGCCqGSM49BAMDA2kAMGYC
MQCjfy+Rocm9Xue4YnwWmNJVA44fA0P5W2OpYow9OYCVRaEevL8uO1XYru5xtMPW
rfMCMQCi85sWBbJwKKXdS6BptQFuZbT73o/gBh1qUxl/nNr12UO8Yfwr6wPLb+6N
IwLz3/Y=
-----END CERTIFICATE-----`;
