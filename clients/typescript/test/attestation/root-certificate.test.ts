import { expect, test } from "vitest";
import { Document } from "../../src/attestation/document.js";
import { Measurements } from "../../src/attestation/measurements.js";
import { RootCertificate, RootCertificateError } from "../../src/attestation/root-certificate.js";
import { bytes, concat, toHex, utf8 } from "../../src/bytes.js";
import { attestationFixture, noFixtures, repositoryFile, repositoryText } from "../fixtures.js";
import { refusal } from "./refusal.js";

const PEM = repositoryText("common/src/attestation/aws-nitro-root-g1.pem");

test("the embedded root certificate is the one that AWS publishes, by its bytes and by its digest", async () => {
  const root = RootCertificate.awsNitroG1();
  expect(root.der).toEqual(RootCertificate.fromPem(PEM).der);
  const digest = await crypto.subtle.digest("SHA-256", root.der);
  expect(toHex(new Uint8Array(digest))).toBe("641a0321a3e244efe456463195d606317ed7cdcc3c1756e09893f3c68f79bb5b");
  expect(await root.sha256()).toEqual(new Uint8Array(digest));
});

test.skipIf(noFixtures)("the published file is that root certificate, too", () => {
  const published = new TextDecoder().decode(attestationFixture("aws-nitro-root-g1.pem"));
  expect(RootCertificate.fromPem(published).der).toEqual(RootCertificate.awsNitroG1().der);
});

test("a root certificate reads from PEM and DER alike", () => {
  const { der } = RootCertificate.awsNitroG1();
  expect(RootCertificate.fromDer(der).der).toEqual(der);
  expect(RootCertificate.fromPem(`AWS\n${PEM}\n\n`).der).toEqual(der);
  expect(RootCertificate.fromPem(PEM.replaceAll("\n", "\r\n")).der).toEqual(der);
});

test.each([
  ["nothing", ""],
  ["no block", "no block"],
  ["two blocks", PEM + PEM],
  ["another label", PEM.replaceAll("CERTIFICATE", "PUBLIC KEY")],
  ["no base64", PEM.replace("MII", "M!I")],
  ["half a block", PEM.slice(0, 300)],
  ["the root of builds that accept unsigned documents", repositoryText("image/accept-unsigned-documents.pem")],
])("what is not exactly one certificate is no root: %s", (_, pem) => {
  expect(() => RootCertificate.fromPem(pem)).toThrow(RootCertificateError);
});

test("every truncation and extension of a certificate is refused", () => {
  const { der } = RootCertificate.awsNitroG1();
  for (let end = 0; end < der.length; end += 1) {
    expect(() => RootCertificate.fromDer(der.slice(0, end)), `${end} bytes`).toThrow(RootCertificateError);
  }
  expect(() => RootCertificate.fromDer(concat(der, bytes([0])))).toThrow(RootCertificateError);
});

test("a root certificate cannot be changed from outside", () => {
  const root = RootCertificate.awsNitroG1();
  root.der.fill(0);
  expect(root.der).toEqual(RootCertificate.awsNitroG1().der);
});

/** The example of the Rust verifier's page, with its outcomes. */
test("the example of the Rust verifier ends as it does there", async () => {
  const document = repositoryFile("common/src/attestation/example/document.cbor");
  const root = RootCertificate.fromPem(repositoryText("common/src/attestation/example/root.pem"));
  const release = Measurements.fromJson(repositoryText("common/src/attestation/example/measurements.json"));

  const verified = await Document.parse(document).verify(root, "signed");
  verified.check({ releases: [release], nonce: utf8("example") });
  expect(verified.pcrs.size).toBe(16);
  const nonce = await refusal(() => verified.check({ releases: [release], nonce: utf8("another") }));
  expect(nonce).toMatchObject({ rule: "nonce", found: "the nonce is 6578616d706c65", expected: "616e6f74686572" });

  const parsed = Document.parse(document);
  expect((await refusal(() => parsed.verify(RootCertificate.awsNitroG1(), "signed"))).rule).toBe("root");
  expect((await refusal(() => parsed.verify(root, "now"))).rule).toBe("certificate-expired");
  const altered = bytes(document);
  altered[2000] = (altered[2000] ?? 0) ^ 1;
  await refusal(() => Document.parse(altered).verify(root, "signed"));
});
