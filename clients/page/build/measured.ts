/** What a build ends with: the size of the page, which has a limit, and the digest by which anyone can compare it. */

import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { gzipSync } from "node:zlib";
import type { Plugin } from "vite";

/** Fails above so many bytes of all files together, each compressed by gzip. */
export function measured(limit: number): Plugin {
  let folder = "";
  return {
    name: "measured",
    apply: "build",
    configResolved(config) {
      folder = resolve(config.root, config.build.outDir);
    },
    closeBundle() {
      const files = filesOf(folder);
      const gzip = files.reduce((sum, path) => sum + gzipSync(readFileSync(path), { level: 9 }).length, 0);
      this.info(`${files.length} files, ${gzip} bytes gzip (at most ${limit})`);
      this.info(`digest of the page: sha-256=${digestOf(folder)}`);
      if (gzip > limit) {
        this.error(`the page has ${gzip} bytes gzip; accepted: ${limit}`);
      }
    },
  };
}

/**
 * SHA-256, in hex, over a line for each file but `permafrost.json`, in the order of their paths: the SHA-256 of the file in hex, two
 * spaces, the path, a line feed. `sha256sum` writes such lines.
 */
export function digestOf(folder: string): string {
  const lines = filesOf(folder)
    .map((path) => [relative(folder, path), readFileSync(path)] as const)
    .filter(([name]) => name !== "permafrost.json")
    .map(([name, content]) => `${createHash("sha256").update(content).digest("hex")}  ${name}\n`);
  return createHash("sha256").update(lines.join("")).digest("hex");
}

function filesOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}
