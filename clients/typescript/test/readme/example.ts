import { Enclave, Measurements, RootCertificate, signingKeyFromPem } from "@permafrost/client";

/** Has a message signed with a key of the principal `dev`. The files are those of a development stack. */
export async function sign(keyId: string, files: { release: string; root: string; key: string }): Promise<string> {
  const enclave = await Enclave.connect({
    origin: "http://127.0.0.1:8080",
    policy: { releases: [Measurements.fromJson(files.release)], deployment: "development" },
    rootCertificates: [RootCertificate.fromPem(files.root)], // Leave this out in production: the default is AWS's.
  });
  const principal = { name: "dev", key: await signingKeyFromPem(files.key) };

  const response = await enclave.request({
    method: "POST",
    target: `/v1/keys/${keyId}/sign`,
    json: { type: "message", message: "6e6576657220746861776564" },
    principal,
  });
  return response.json<{ signature: string }>().signature;
}
