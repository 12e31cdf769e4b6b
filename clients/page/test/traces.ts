/** What a flow may leave behind: nothing in the browser, and nothing about anyone at the parent. */

import { afterEach, expect } from "vitest";
import type { Scene } from "./scene.js";
import { has } from "./secrets.js";

/** After each test of the scene, looks into every storage of the browser, and into the parent's log and database. */
export function leavesNoTrace(scene: Scene): void {
  afterEach(async () => {
    const secrets: Buffer[] = [];
    for (const person of scene.persons) {
      expect(person.complaints).toEqual([]);
      expect([...person.hosts]).toEqual([new URL(scene.stack.origin).host]);
      expect(await person.kept()).toEqual([]);
      for (const { credentialId, userHandle = "" } of await person.credentials()) {
        secrets.push(Buffer.from(credentialId, "base64"), Buffer.from(userHandle, "base64"));
      }
      secrets.push(...person.prfs, ...person.shares.flatMap(secretsOf));
      secrets.push(...person.written.map((text) => Buffer.from(text)), ...(await person.sessionKeys()));
    }
    const [log, database] = [scene.stack.log(), scene.stack.database()];
    expect(log.includes("/v1/oblivious")).toBe(true);
    expect(database.includes("SQLite format 3")).toBe(true);
    expect(secrets.length).toBeGreaterThan(2);
    for (const secret of secrets) {
      expect(secret.length).toBeGreaterThanOrEqual(16);
      expect(has(log, secret)).toBe(false);
      expect(has(database, secret)).toBe(false);
    }
  });
}

/** What is secret in the JSON of a share: the participant's key, and the key package with the signing share in it. */
function secretsOf(json: string): Buffer[] {
  const { participant_key, key_package } = JSON.parse(json) as Record<string, string>;
  const keyPackage = Buffer.from(key_package ?? "", "hex");
  // After the header (5 bytes) and the identifier (32): the signing share.
  return [Buffer.from(participant_key ?? "", "hex"), keyPackage, keyPackage.subarray(37, 69)];
}
