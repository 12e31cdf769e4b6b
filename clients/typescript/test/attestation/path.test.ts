import { describe, expect, test } from "vitest";
import { Document } from "../../src/attestation/document.js";
import type { RootCertificate } from "../../src/attestation/root-certificate.js";
import type { VerifiedDocument } from "../../src/attestation/verified.js";
import { type Bytes, bytes, concat, toHex } from "../../src/bytes.js";
import { boolean, integer, objectIdentifier, sequence } from "../forge/der.js";
import {
  at,
  authority,
  BASIC_CONSTRAINTS,
  DIGITAL_SIGNATURE,
  type Extension,
  ForgedPath,
  INSTANCE,
  KEY_CERT_SIGN,
  keyUsage,
  LEAF,
  MADE,
  type Parameters,
  REGION,
  ROOT,
  unknownExtension,
  ZONE,
} from "../forge/path.js";
import { refusal } from "./refusal.js";

const PATH = await ForgedPath.create();
const FOREIGN = await ForgedPath.create();
const AUTHORITIES = [ROOT, REGION, ZONE, INSTANCE];
const EVERYWHERE = [...AUTHORITIES, LEAF];

async function verify({ document, root }: { document: Bytes; root: RootCertificate }): Promise<VerifiedDocument> {
  return Document.parse(document).verify(root, "signed");
}

/** The refusal of a path with one certificate changed. */
async function refusalOf(index: number, change: (parameters: Parameters) => void) {
  return refusal(async () => verify(await PATH.with(index, change).document()));
}

/** The refusal of a path whose certificates are these. */
async function refusalOver(certificates: readonly Bytes[], signer = PATH) {
  return refusal(async () => verify(await signer.documentOver(certificates)));
}

function place(index: number): string {
  return index === LEAF ? "certificate" : `cabundle[${index}]`;
}

/** Puts an extension in the place of those of its kind. */
function put(extension: Extension) {
  return (parameters: Parameters) => {
    parameters.extensions = [...parameters.extensions.filter(({ oid }) => oid !== extension.oid), extension];
  };
}

test("a good path verifies", async () => {
  const document = await verify(await PATH.document());
  expect(document.timestampMs).toBe(document.judgedAtMs);
});

describe("the path", () => {
  test("another root is refused, even with the same name and key", async () => {
    const [one, other] = await Promise.all([PATH.document(), PATH.document()]);
    const error = await refusal(() => verify({ ...one, root: other.root }));
    expect(error.rule).toBe("root");
    expect(error.found).toContain(toHex(await one.root.sha256()));
    expect(error.expected).toBe(toHex(await other.root.sha256()));
  });

  test("any of several root certificates suffices, and an empty list accepts nothing", async () => {
    const [one, other] = await Promise.all([PATH.document(), FOREIGN.document()]);
    const document = Document.parse(one.document);
    expect((await document.verify([other.root, one.root], "signed")).rootSha256).toEqual(await one.root.sha256());
    expect((await refusal(() => document.verify([], "signed"))).rule).toBe("root");
  });

  test.each([
    [REGION, ZONE],
    [ZONE, INSTANCE],
    [INSTANCE, LEAF],
  ])("certificates out of order are refused: %i and %i", async (one, other) => {
    const certificates = await PATH.certificates();
    [certificates[one], certificates[other]] = [at(certificates, other), at(certificates, one)];
    expect((await refusalOver(certificates)).rule).toBe("certificate-issuer");
  });

  test.each([REGION, ZONE, INSTANCE])("a missing or repeated certificate is refused: %i", async (index) => {
    const certificates = await PATH.certificates();
    expect((await refusalOver(certificates.toSpliced(index, 1))).rule).toBe("certificate-issuer");
    const repeated = certificates.toSpliced(index, 0, at(certificates, index));
    expect(["certificate-issuer", "certificate-path-length"]).toContain((await refusalOver(repeated)).rule);
  });

  test.each([REGION, ZONE, INSTANCE])("a foreign certificate under the same name is refused: %i", async (index) => {
    const [certificates, foreign] = await Promise.all([PATH.certificates(), FOREIGN.certificates()]);
    const error = await refusalOver(certificates.with(index, at(foreign, index)));
    expect(error.rule).toBe("certificate-signature");
    expect(error.found).toContain(place(index));
    expect(error.expected).toContain(place(index - 1));
  });

  test("a foreign leaf is refused, also where it signed the document", async () => {
    const [certificates, foreign] = await Promise.all([PATH.certificates(), FOREIGN.certificates()]);
    const error = await refusalOver(certificates.with(LEAF, at(foreign, LEAF)), FOREIGN);
    expect(error.message).toMatch(/certificate-signature: the signature of certificate .* key of cabundle\[3\]/);
  });

  test("a root that did not sign itself is refused", async () => {
    const certificates = await PATH.certificates();
    const root = at(certificates, ROOT);
    root[root.length - 1] = (root[root.length - 1] ?? 0) ^ 1;
    const error = await refusalOver(certificates);
    expect(error.message).toMatch(/certificate-signature: the signature of cabundle\[0\] .* key of cabundle\[0\]/);
  });

  test("a document signed by another key is refused", async () => {
    expect((await refusalOver(await PATH.certificates(), FOREIGN)).rule).toBe("document-signature");
  });

  test("a bundle of the root alone is enough", async () => {
    const path = await ForgedPath.create();
    path.parameters.splice(REGION, 3);
    path.keys.splice(REGION, 3);
    await verify(await path.document());
  });

  test("a hostile name is escaped and cut in the error", async () => {
    const certificates = await PATH.with(INSTANCE, (parameters) => {
      parameters.names.push(`\u001b[2J\n\u202e${"x".repeat(300)}`);
    }).certificates();
    const { message } = await refusalOver((await PATH.certificates()).with(INSTANCE, at(certificates, INSTANCE)));
    expect(message).toMatch(/^certificate-issuer/);
    expect(message.length).toBeLessThan(400);
    expect(message).toMatch(/^[ -~]*$/);
  });
});

describe("validity", () => {
  test.each(EVERYWHERE)("every certificate must be valid at the time of judgement: %i", async (index) => {
    const early = await refusalOf(index, (parameters) => {
      parameters.notBefore += 1;
    });
    expect(early.rule).toBe("certificate-not-yet-valid");
    expect(early.found).toBe(`${place(index)} is not valid before 2026-01-01T00:00:01Z`);
    const late = await refusalOf(index, (parameters) => {
      parameters.notAfter = parameters.notBefore - 1;
      parameters.notBefore -= 24 * 60 * 60;
    });
    expect(late.rule).toBe("certificate-expired");
    expect(late.found).toBe(`${place(index)} expired after 2025-12-31T23:59:59Z`);
  });

  test("its ends are included", async () => {
    const { document, root } = await PATH.document();
    const at = (seconds: number) => Document.parse(document).verify(root, new Date(seconds * 1000));
    const end = MADE + 3 * 60 * 60;
    for (const good of [MADE, MADE + 1, end, end + 0.999]) {
      await at(good);
    }
    for (const bad of [-1, 0, MADE - 1, end + 1]) {
      await refusal(() => at(bad));
    }
    await expect(Document.parse(document).verify(root, new Date(Number.NaN))).rejects.toThrow(RangeError);
  });

  test("times after 2049 are read as they are written", async () => {
    const after2049 = (parameters: Parameters) => {
      parameters.notAfter = Date.UTC(2051, 0) / 1000;
    };
    await verify(await PATH.with(ROOT, after2049).document());
  });
});

describe("basic constraints", () => {
  test.each(AUTHORITIES)("every certificate but the leaf must be a CA: %i", async (index) => {
    const none = await refusalOf(index, (parameters) => {
      parameters.extensions = [keyUsage(KEY_CERT_SIGN)];
    });
    expect(none.rule).toBe("certificate-basic-constraints");
    for (const content of [sequence(), sequence(boolean(false))]) {
      const error = await refusalOf(index, put({ oid: BASIC_CONSTRAINTS, critical: true, content }));
      expect(error.rule).toBe("certificate-basic-constraints");
    }
  });

  test("a CA whose basic constraints are not critical is refused", async () => {
    const error = await refusalOf(ZONE, put({ ...authority(1), critical: false }));
    expect(error.message).toBe(
      "certificate-basic-constraints: cabundle[2] has basic constraints CA true, path length 1; accepted: critical, CA true",
    );
  });

  test.each([
    ["null", bytes([5, 0])],
    ["a boolean that is neither 00 nor ff", sequence(bytes([1, 1, 1]))],
    ["a negative path length", sequence(boolean(true), bytes([2, 1, 0xff]))],
    ["something after them", concat(sequence(), bytes([5, 0]))],
    ["something in them", sequence(boolean(true), integer(1), integer(1))],
  ])("those that cannot be read do not count as none: %s", async (_, content) => {
    const error = await refusalOf(LEAF, put({ oid: BASIC_CONSTRAINTS, critical: false, content }));
    expect(error.rule).toBe("certificate-syntax");
  });

  test("a leaf that is a CA, or has a path length, is refused", async () => {
    const pathLength = { oid: BASIC_CONSTRAINTS, critical: true, content: sequence(integer(0)) };
    for (const extension of [authority(), authority(0), pathLength]) {
      expect((await refusalOf(LEAF, put(extension))).rule).toBe("certificate-basic-constraints");
    }
  });

  test.each([
    [ROOT, 2],
    [REGION, 1],
    [ZONE, 0],
  ])("a path longer than a CA allows is refused: %i", async (index, allowed) => {
    const error = await refusalOf(index, put(authority(allowed)));
    expect(error.rule).toBe("certificate-path-length");
    expect(error.found).toBe(`${INSTANCE - index} CA certificates follow ${place(index)}`);
    expect(error.expected).toContain(`at most ${allowed}`);
  });
});

describe("key usage", () => {
  test.each(AUTHORITIES)("a CA without keyCertSign is refused: %i", async (index) => {
    for (const bits of [0, DIGITAL_SIGNATURE]) {
      expect((await refusalOf(index, put(keyUsage(bits)))).rule).toBe("certificate-key-usage");
    }
    const none = await refusalOf(index, (parameters) => {
      parameters.extensions = parameters.extensions.filter(({ oid }) => oid === BASIC_CONSTRAINTS);
    });
    expect(none.rule).toBe("certificate-key-usage");
  });

  test("a leaf without digitalSignature is refused", async () => {
    for (const bits of [0, 0x08]) {
      expect((await refusalOf(LEAF, put(keyUsage(bits)))).rule).toBe("certificate-key-usage");
    }
  });

  test("one that cannot be read does not count as none", async () => {
    const content = bytes([3, 2, 7, 0xff]);
    const error = await refusalOf(LEAF, put({ ...keyUsage(DIGITAL_SIGNATURE), content }));
    expect(error.rule).toBe("certificate-syntax");
  });
});

describe("other extensions", () => {
  test.each(EVERYWHERE)("an unknown one is refused only if it is critical: %i", async (index) => {
    const error = await refusalOf(index, put(unknownExtension(true)));
    expect(error.rule).toBe("certificate-critical-extension");
    expect(error.found).toContain("1.3.6.1.4.1.55555.1");
    await verify(await PATH.with(index, put(unknownExtension(false))).document());
  });

  test("a known critical one that is not judged is refused", async () => {
    const nameConstraints = { oid: "2.5.29.30", critical: true, content: sequence() };
    expect((await refusalOf(ZONE, put(nameConstraints))).rule).toBe("certificate-critical-extension");
  });

  test("a repeated one is refused", async () => {
    const error = await refusalOf(ZONE, (parameters) => {
      parameters.extensions.push(unknownExtension(false), unknownExtension(false));
    });
    expect(error.rule).toBe("certificate-syntax");
  });
});

describe("the form of a certificate", () => {
  test.each(EVERYWHERE)("another curve is refused wherever it is: %i", async (index) => {
    const path = PATH.with(index, () => undefined);
    path.keys[index] = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, [
      "sign",
      "verify",
    ]);
    // The document is signed by some P-384 key: the path is refused before that is looked at.
    expect((await refusalOver(await path.certificates())).rule).toBe("certificate-key");
  });

  test.each([
    ["ecdsa-with-SHA256", sequence(objectIdentifier("1.2.840.10045.4.3.2"))],
    ["ecdsa-with-SHA384 with parameters", sequence(objectIdentifier("1.2.840.10045.4.3.3"), bytes([5, 0]))],
  ])("another algorithm is refused: %s", async (_, algorithm) => {
    const error = await refusalOf(REGION, (parameters) => {
      parameters.algorithm = algorithm;
    });
    expect(error.rule).toBe("certificate-algorithm");
  });

  test.each([0, 1, 3])("another version than 3 is refused: %i", async (version) => {
    const error = await refusalOf(ZONE, (parameters) => {
      parameters.version = version;
    });
    expect(error.rule).toBe("certificate-syntax");
    expect(error.found).toContain(`version ${version + 1}`);
  });

  test.each([REGION, ZONE, INSTANCE, LEAF])("one that is not DER is refused: %i", async (index) => {
    const certificates = await PATH.certificates();
    const good = at(certificates, index);
    for (const bad of [concat(good, bytes([0])), good.slice(0, -1)]) {
      expect((await refusalOver(certificates.with(index, bad))).rule).toBe("certificate-syntax");
    }
  });

  test("every truncation of one is refused", async () => {
    const certificates = await PATH.certificates();
    const good = at(certificates, ZONE);
    for (let end = 1; end < good.length; end += 1) {
      const { rule } = await refusalOver(certificates.with(ZONE, good.slice(0, end)));
      expect(rule, `${end} bytes`).toBe("certificate-syntax");
    }
  });
});
