/** Published data to check against: PERMAFROST_FIXTURES, else `../shared/fixtures` beside the clone. */

import { existsSync, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Bytes, bytes, fromBase64 } from "../src/bytes.js";

const repository = fileURLToPath(new URL("../../..", import.meta.url));
const fixtures = process.env.PERMAFROST_FIXTURES ?? join(repository, "../shared/fixtures");

/** Why the tests that need published data are skipped; undefined if it is there. */
export const noFixtures = existsSync(fixtures) ? undefined : "there are no published vectors: set PERMAFROST_FIXTURES";

/** The bytes of a file of the fixtures' folder `attestation`; base64 is decoded. */
export function attestationFixture(name: string): Bytes {
  const content = readFileSync(join(fixtures, "attestation", name));
  if (!name.endsWith(".b64")) {
    return bytes(content);
  }
  const decoded = fromBase64(content.toString("latin1").replace(/\s+/g, ""));
  if (decoded === undefined) {
    throw new Error(`${name} is not base64`);
  }
  return decoded;
}

/** The bytes of a file of the repository. */
export function repositoryFile(path: string): Bytes {
  return bytes(readFileSync(join(repository, path)));
}

/** The text of a file of the repository. */
export function repositoryText(path: string): string {
  return readFileSync(join(repository, path), "utf8");
}

/** A file of `clients/vectors`, which the Rust tests run, too. */
export function vectors<T>(name: string): T {
  return JSON.parse(repositoryText(`clients/vectors/${name}`));
}

/** The folder of the programs, built with the emulated NSM: PERMAFROST_PROGRAMS. */
export const programs = process.env.PERMAFROST_PROGRAMS;

/** Why the tests that need the programs are skipped; undefined if they are there. */
export const noPrograms = programs ? undefined : "there are no programs: set PERMAFROST_PROGRAMS";

/** The path of a program. */
export function program(name: string): string {
  return join(programs ?? "", name);
}

/** Chromium: PERMAFROST_CHROMIUM, else `chromium` in the PATH. */
export const chromium = [process.env.PERMAFROST_CHROMIUM, ...inPath("chromium")].find(
  (path) => path && existsSync(path),
);

/** Why the tests that need a browser are skipped; undefined if there is one. */
export const noChromium = chromium ? undefined : "there is no Chromium: set PERMAFROST_CHROMIUM";

function inPath(name: string): string[] {
  return (process.env.PATH ?? "").split(delimiter).map((folder) => join(folder, name));
}
