/** Recovery files of the page and share files of the command line: each opens what the other has written. */

import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { verifyEvent } from "nostr-tools/pure";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { RecoveryFileError, readRecoveryFile, writeRecoveryFile } from "../src/recovery-file.js";
import { missing, program } from "./programs.js";
import { Stack } from "./stack.js";

const PASSPHRASE = "five random words in a row";

describe.skipIf(missing)(`share files${missing ? ` (${missing})` : ""}`, () => {
  let stack: Stack;
  let folder: string;
  let key: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "permafrost-files-"));
    writeFileSync(join(folder, "passphrase"), `${PASSPHRASE}\n`);
    writeFileSync(
      join(folder, "event.json"),
      JSON.stringify({ created_at: 1, kind: 1, tags: [], content: "both ways" }),
    );
    stack = await Stack.start();
    const outs = ["me", "drawer"].flatMap((name) => ["--share-out", `${name}=${join(folder, `${name}.age`)}`]);
    const made = ["create", "--custody", "split", "--threshold", "2", ...outs, "me", "drawer", "server"];
    key = JSON.parse(await keys(made)).id;
  });

  afterAll(async () => {
    await stack?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  async function keys([command = "", ...rest]: readonly string[]): Promise<string> {
    const access = ["--profile", join(stack.folder, "client.toml"), "--passphrase-file", join(folder, "passphrase")];
    const given = ["keys", command, ...access, "--json", ...rest];
    const { stdout } = await promisify(execFile)(program("permafrost"), given).catch((failed) => {
      throw new Error(`permafrost ${given.join(" ")}: ${failed.stdout} ${failed.stderr}`);
    });
    return stdout;
  }

  test("the page opens what the command line has written, and the command line signs and reshares with what the page has written", async () => {
    for (const name of ["me", "drawer"]) {
      const json = await readRecoveryFile(readFileSync(join(folder, `${name}.age`)), PASSPHRASE);
      expect(JSON.parse(json)).toMatchObject({ version: 1, key_id: key, participant: name });
      writeFileSync(join(folder, `${name}-page.age`), await writeRecoveryFile(json, PASSPHRASE));
    }
    const [drawer, event] = [join(folder, "drawer-page.age"), join(folder, "event.json")];
    const signed = JSON.parse(await keys(["sign", key, "--share", drawer, "--event", event]));
    expect(verifyEvent(signed.event)).toBe(true);

    const outs = ["me", "drawer"].flatMap((name) => ["--share-out", `${name}=${join(folder, `${name}-2.age`)}`]);
    await keys(["reshare", key, "--share", drawer, "--threshold", "2", ...outs, "me", "drawer", "server"]);
    const next = JSON.parse(await readRecoveryFile(readFileSync(join(folder, "drawer-2.age")), PASSPHRASE));
    expect(next).toMatchObject({ key_id: key, generation: 2, group_public_key: signed.event.pubkey });
  }, 300_000);

  test("a file that does not open is refused by name, and so is what is no age file", async () => {
    const file = Buffer.from(await writeRecoveryFile("{}", PASSPHRASE));
    const kind = (content: Uint8Array, passphrase: string) =>
      readRecoveryFile(content, passphrase).then(
        () => "opened",
        (error) => (error instanceof RecoveryFileError ? error.kind : String(error)),
      );
    expect(await kind(file, PASSPHRASE)).toBe("opened");
    expect(await kind(file, "another passphrase")).toBe("passphrase");
    for (const content of ["", "hello", "-----BEGIN AGE ENCRYPTED FILE-----\nhello"]) {
      expect(await kind(Buffer.from(content), PASSPHRASE)).toBe("not-a-share-file");
    }
  });
});
