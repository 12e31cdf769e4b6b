/** What runs in the browser: verifies, alters, connects, and reports. */

import { AttestationError, Document, Enclave, RootCertificate } from "/dist/index.js";

const { documents, root } = await (await fetch("/input.json")).json();
const report = { verified: [], accepted: [], rules: {}, altered: 0, response: null, refused: "", stored: 0 };

async function verify(document) {
  return Document.parse(document).verify(RootCertificate.awsNitroG1(), "signed");
}

for (const [name, base64] of documents) {
  const good = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  await verify(good);
  report.verified.push(name);
  // A prime, so that every part of a document is met.
  for (let at = 0; at < good.length; at += 23) {
    const altered = good.with(at, good[at] ^ [0x01, 0x80, 0xff][at % 3]);
    try {
      await verify(altered);
      report.accepted.push(`${name}: ${at}`);
    } catch (error) {
      const rule = error instanceof AttestationError ? error.rule : String(error);
      report.rules[rule] = (report.rules[rule] ?? 0) + 1;
    }
    report.altered += 1;
  }
}

const options = { origin: location.origin, policy: { releases: "any" } };
const rootCertificates = [RootCertificate.fromDer(Uint8Array.from(atob(root), (character) => character.charCodeAt(0)))];
const enclave = await Enclave.connect({ ...options, rootCertificates });
report.response = (await enclave.request({ method: "GET", target: "/v1/health" })).json();
report.refused = await Enclave.connect(options).then(
  () => "accepted",
  (error) => error.rule,
);
const databases = await indexedDB.databases();
const caches = await self.caches.keys();
report.stored = localStorage.length + sessionStorage.length + document.cookie.length + databases.length + caches.length;

await fetch("/report", { method: "POST", body: JSON.stringify(report) });
