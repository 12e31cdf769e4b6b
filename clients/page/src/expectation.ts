/** `permafrost.json`: what the page expects of the enclave. It is part of the page, and not of what the enclave says. */

import { type ConnectOptions, Measurements, RootCertificate } from "@permafrost/client";

/** A release or a configuration: the name that people know it by, and its PCR (96 hex digits). */
export interface Named {
  readonly name: string;
  readonly pcr: string;
}

export interface Expectation {
  readonly options: ConnectOptions;
  readonly deployment: string;
  /** PCR1: the code. */
  readonly releases: readonly Named[];
  /** PCR2: the configuration. */
  readonly configurations: readonly Named[];
  /** Whether the root certificate is AWS's, and not one that the file names. */
  readonly isAwsRoot: boolean;
}

/** Why the file does not say which enclave to expect. */
export class ExpectationError extends Error {
  override readonly name = "ExpectationError";
}

/**
 * Reads the file beside the page.
 *
 * @throws {ExpectationError}
 */
export async function loadExpectation(): Promise<Expectation> {
  let response: Response;
  try {
    response = await fetch(new URL("permafrost.json", document.baseURI), {
      cache: "no-store",
      credentials: "omit",
      redirect: "error",
      referrerPolicy: "no-referrer",
    });
  } catch (error) {
    throw new ExpectationError(`permafrost.json cannot be fetched: ${error}`);
  }
  if (!response.ok) {
    throw new ExpectationError(`permafrost.json is missing beside this page (status ${response.status})`);
  }
  return readExpectation(await response.text(), location.origin);
}

/**
 * @param origin the page's: the enclave is there unless the file names another origin.
 * @throws {ExpectationError} with the member that is missing, unknown or malformed.
 */
export function readExpectation(text: string, origin: string): Expectation {
  let file: Record<string, unknown>;
  try {
    file = JSON.parse(text);
  } catch {
    throw new ExpectationError("permafrost.json is not JSON");
  }
  const unknown = Object.keys(file).find((name) => !MEMBERS.includes(name));
  if (unknown !== undefined) {
    throw new ExpectationError(`permafrost.json has ${JSON.stringify(unknown)}; accepted: ${MEMBERS.join(", ")}`);
  }
  const deployment = textOf(file, "deployment", /^[a-z0-9-]{1,64}$/, "1 to 64 of a-z 0-9 -");
  const releases = namedOf(file, "releases", "pcr1");
  const configurations = namedOf(file, "configurations", "pcr2");
  const roots = file.roots === undefined ? undefined : rootsOf(file.roots);
  const measured = releases.flatMap((release) =>
    configurations.map(({ pcr }) => Measurements.fromJson(JSON.stringify({ PCR1: release.pcr, PCR2: pcr }))),
  );
  return {
    options: {
      origin: file.enclave === undefined ? origin : textOf(file, "enclave", /^https?:\/\//, "an origin"),
      policy: { releases: measured, deployment, maxAgeMs: 5 * 60_000 },
      ...(roots === undefined ? {} : { rootCertificates: roots }),
    },
    deployment,
    releases,
    configurations,
    isAwsRoot: roots === undefined,
  };
}

function textOf(file: Record<string, unknown>, member: string, form: RegExp, accepted: string): string {
  const value = file[member];
  if (typeof value !== "string" || !form.test(value)) {
    throw new ExpectationError(`permafrost.json: ${member} is missing or malformed; accepted: ${accepted}`);
  }
  return value;
}

function namedOf(file: Record<string, unknown>, member: string, pcr: "pcr1" | "pcr2"): Named[] {
  const list = file[member];
  if (!Array.isArray(list) || list.length === 0) {
    throw new ExpectationError(`permafrost.json: ${member} is missing or empty; accepted: a list of name and ${pcr}`);
  }
  return list.map((each: Record<string, unknown>) => ({
    name: textOf(each, "name", /^.{1,100}$/, "1 to 100 characters"),
    pcr: textOf(each, pcr, /^[0-9a-f]{96}$/, "96 hex digits in lower case"),
  }));
}

function rootsOf(value: unknown): RootCertificate[] {
  if (!Array.isArray(value) || value.length === 0 || !value.every((each) => typeof each === "string")) {
    throw new ExpectationError("permafrost.json: roots is malformed; accepted: a list of certificates in PEM");
  }
  return value.map((pem) => RootCertificate.fromPem(pem));
}

const MEMBERS = ["enclave", "deployment", "roots", "releases", "configurations"];
