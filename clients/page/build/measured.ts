/** What a build ends with: the size of the page, which has a limit, and the digest by which anyone can compare it. */

import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { gzipSync } from "node:zlib";
import type { Plugin } from "vite";

/** The most bytes of all files together, each compressed by gzip. */
export interface Limits {
  /** Of what everybody loads. */
  readonly first: number;
  /** Of what is loaded only by those who need it: WebAssembly, and modules that are imported when they are used. */
  readonly later: number;
}

/** Fails above the limits. */
export function measured(limits: Limits): Plugin {
  let folder = "";
  const later = new Set<string>();
  return {
    name: "measured",
    apply: "build",
    configResolved(config) {
      folder = resolve(config.root, config.build.outDir);
    },
    generateBundle(_, bundle) {
      const first = new Set<string>();
      const walk = (name: string) => {
        const chunk = bundle[name];
        if (chunk?.type === "chunk" && !first.has(name)) {
          first.add(name);
          chunk.imports.forEach(walk);
        }
      };
      const entries = Object.values(bundle).filter((file) => file.type === "chunk" && file.isEntry);
      for (const { fileName } of entries) {
        walk(fileName);
      }
      for (const { type, fileName } of Object.values(bundle)) {
        if (type === "chunk" ? !first.has(fileName) : fileName.endsWith(".wasm")) {
          later.add(fileName);
        }
      }
    },
    closeBundle() {
      const files = filesOf(folder);
      for (const kind of ["first", "later"] as const) {
        const these = files.filter((path) => later.has(relative(folder, path)) === (kind === "later"));
        const gzip = these.reduce((sum, path) => sum + gzipSync(readFileSync(path), { level: 9 }).length, 0);
        const limit = limits[kind];
        this.info(`loaded ${kind}: ${these.length} files, ${gzip} bytes gzip (at most ${limit})`);
        if (gzip > limit) {
          this.error(`what is loaded ${kind} has ${gzip} bytes gzip; accepted: ${limit}`);
        }
      }
      this.info(`digest of the page: sha-256=${digestOf(folder)}`);
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
