/** What people do to their keys, each with the passkey's approval. */

import { verifyEvent } from "nostr-tools/pure";
import { expect, test } from "vitest";
import type { Person } from "./person.js";
import { onStack } from "./scene.js";
import { leavesNoTrace } from "./traces.js";

const ALL = `operations = ["list_keys", "show_key", "sign", "rotate_key", "replace_key", "disable_key", "delete_key"]`;

onStack(
  "keys",
  (scene) => {
    leavesNoTrace(scene);

    test("a key with renewed shares signs under the same public key", async () => {
      const alice = await scene.person();
      await alice.register();
      const key = await signs(alice);
      await alice.goTo("Keys");
      await alice.press("Renew the shares of the key");
      await alice.hears("The public key is the same.");
      expect(await alice.reads("main")).toContain("renewed once");
      expect(await signs(alice)).toBe(key);
    });

    test("a replaced key signs beside the new one until it is disabled", async () => {
      const alice = await scene.person();
      await alice.register();
      const old = await signs(alice);
      await alice.goTo("Keys");
      await alice.press("Replace the key");
      await alice.confirm("Replace it");
      await alice.hears("The new key is ready.");
      expect(await alice.page.getByRole("button", { name: /^Replace/ }).allTextContents()).toEqual(["Replace key 2"]);

      const made = await signs(alice);
      expect(made).not.toBe(old);
      await alice.page.getByLabel("Sign with").selectOption({ index: 1 });
      await alice.write("Text", "by the old key");
      await alice.press("Sign");
      await expect.poll(() => alice.reads("pre")).toContain("by the old key");
      expect(JSON.parse(await alice.reads("pre")).pubkey).toBe(old);

      await alice.goTo("Keys");
      await alice.press("Disable key 1");
      await alice.confirm("Disable it");
      await alice.hears("The key is disabled.");
      expect(await alice.reads("main")).toContain("disabled for good; replaced by another");
      expect(await signs(alice)).toBe(made);
      expect(await alice.page.getByLabel("Sign with").count()).toBe(0);
    });

    test("a key is disabled when it is replaced if the user chooses that, and then only the new one is left", async () => {
      const alice = await scene.person();
      await alice.register();
      const old = await signs(alice);
      await alice.goTo("Keys");
      await alice.page.getByLabel("Disable the key for good").check();
      await alice.press("Replace the key");
      expect(await alice.reads("dialog p")).toContain("The old key will never sign again.");
      await alice.confirm("Replace it");
      await alice.hears("The new key is ready.");
      expect(await alice.page.getByRole("button", { name: /^Disable/ }).allTextContents()).toEqual(["Disable key 2"]);
      expect(await signs(alice)).not.toBe(old);
      await alice.goTo("Keys");
      await alice.press("Disable key 2");
      await alice.confirm("Disable it");
      await alice.hears("The key is disabled.");
      await alice.goTo("Sign");
      expect(await alice.reads("main")).toContain("You have no enabled key.");
    });

    test("a disabled key can be deleted, and stays in the list", async () => {
      const alice = await scene.person();
      await alice.register();
      await alice.goTo("Keys");
      expect(await alice.page.getByRole("button", { name: /^Delete/ }).count()).toBe(0);
      await alice.press("Disable the key");
      await alice.confirm("Disable it");
      await alice.hears("The key is disabled.");
      await alice.press("Delete the key");
      await alice.confirm("Delete it");
      await alice.hears("The key is deleted.");
      expect(await alice.reads("main")).toContain("deleted");
      expect(await alice.page.getByRole("button", { name: /^(Delete|Disable|Replace|Renew)/ }).count()).toBe(0);
      await alice.goTo("Activity");
      await alice.press("Refresh");
      await expect.poll(() => alice.reads("main")).toContain("Your key was deleted");
    });

    test("nothing is done without the user's consent, or without the passkey", async () => {
      const alice = await scene.person();
      await alice.register();
      const key = await signs(alice);
      const used = async () => (await alice.credentials()).map(({ signCount }) => signCount);
      const before = await used();
      await alice.goTo("Keys");
      await alice.press("Disable the key");
      await alice.confirm("Cancel");
      expect(await used()).toEqual(before);

      await alice.isVerified(false);
      await alice.press("Disable the key");
      await alice.confirm("Disable it");
      await alice.hears("No passkey was used");
      await alice.press("Renew the shares of the key");
      await alice.hears("No passkey was used");
      expect(await signs(alice)).toBe(key);
      await alice.goTo("Keys");
      expect(await alice.reads("main")).toContain("never renewed");
    });
  },
  ALL,
);

onStack("keys of a deployment that lets people renew shares, and no more", (scene) => {
  test("what it does not allow is refused with the reason, and changes nothing", async () => {
    const alice = await scene.person();
    await alice.register();
    const key = await signs(alice);
    await alice.goTo("Keys");
    await alice.press("Replace the key");
    await alice.confirm("Replace it");
    await alice.hears("this deployment does not allow that");
    await alice.press("Disable the key");
    await alice.confirm("Disable it");
    await alice.hears("this deployment does not allow that");
    await alice.press("Renew the shares of the key");
    await alice.hears("The shares are renewed.");
    expect(await signs(alice)).toBe(key);
  });
});

/** Signs, and returns the public key if the event verifies. */
async function signs(person: Person): Promise<string> {
  const event = JSON.parse(await person.sign(`by a key ${crypto.randomUUID()}`));
  expect(verifyEvent(event)).toBe(true);
  return event.pubkey;
}
