/** What the tests run: PERMAFROST_PROGRAMS, the folder that Cargo puts the programs in, and PERMAFROST_CHROMIUM. */

import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";

const programs = process.env.PERMAFROST_PROGRAMS;

export const chromiumPath = [process.env.PERMAFROST_CHROMIUM, ...inPath("chromium")].find(
  (path): path is string => path !== undefined && path !== "" && existsSync(path),
);

/** Why the tests are skipped; undefined if everything is there. */
export const missing = programs
  ? chromiumPath
    ? undefined
    : "there is no Chromium: set PERMAFROST_CHROMIUM"
  : "there are no programs: set PERMAFROST_PROGRAMS";

export function program(name: string): string {
  return join(programs ?? "", name);
}

function inPath(name: string): string[] {
  return (process.env.PATH ?? "").split(delimiter).map((folder) => join(folder, name));
}
