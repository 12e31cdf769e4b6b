/** What a person notices when the enclave restarts: nothing, except for what was encrypted to the boot before. */

import { verifyEvent } from "nostr-tools/pure";
import { expect, test } from "vitest";
import { launch, Person } from "./person.js";
import { missing } from "./programs.js";
import { Stack } from "./stack.js";

test.skipIf(missing)(
  `a session continues at the next boot, which is verified again${missing ? ` (${missing})` : ""}`,
  async () => {
    const stack = await Stack.start();
    const browser = await launch();
    const alice = await Person.at(stack, browser);
    await alice.register();
    const before = JSON.parse(await alice.sign("before"));
    const boot = await bootOf(alice);
    await stack.restartEnclave();
    const after = JSON.parse(await alice.sign("after"));
    expect(after.pubkey).toBe(before.pubkey);
    expect(verifyEvent(after)).toBe(true);
    expect(await bootOf(alice)).not.toBe(boot);
    await alice.press("Verify again");
    await alice.sees("The enclave is verified");
    // The browser's own message about the request that was encrypted to the boot before.
    expect(alice.complaints).toEqual([expect.stringContaining("status of 401")]);
    expect(await alice.kept()).toEqual([]);
    await browser.close();
    await stack.stop();
  },
);

/** The boot that the page has verified. */
async function bootOf(person: Person): Promise<string> {
  await person.goTo("Enclave");
  return person.reads("details div:last-of-type .digest");
}
