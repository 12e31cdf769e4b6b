/** Keys that a person and the enclave own together: nobody has more than one share of three, and the browser has none. */

import { verifyEvent } from "nostr-tools/pure";
import { verifySchnorr } from "tiny-secp256k1";
import { expect, test } from "vitest";
import { readRecoveryFile, writeRecoveryFile } from "../src/recovery-file.js";
import type { Downloaded, Person } from "./person.js";
import { onStack } from "./scene.js";
import { sync } from "./synced.js";
import { leavesNoTrace } from "./traces.js";

const PASSPHRASE = "five random words in a row";
const DELAY_S = 72 * 3600;

onStack("keys that a person and the enclave own together", (scene) => {
  leavesNoTrace(scene);

  test("a key is made, and signs at two devices with the synced passkey; the page forgets every share", async () => {
    const [laptop, phone] = [await scene.person(), await scene.person()];
    await laptop.register();
    const { key, drawer } = await makeKey(laptop);
    expect(drawer.name).toMatch(/^permafrost-[0-9a-f]{8}-drawer-1\.age$/);
    expect(await laptop.reads("main")).toContain("split: 2 of me, drawer, server (the enclave) sign together");
    expect(await signs(laptop, key)).toBe(await publicKeyOf(drawer));
    // Made, then opened once: one touch for each, and the share was never in a request.
    expect(laptop.prfs).toHaveLength(2);
    expect(laptop.prfs[0]).toEqual(laptop.prfs[1]);

    await sync(laptop, phone);
    await phone.logIn();
    expect(await signs(phone, key)).toBe(await publicKeyOf(drawer));
    expect(laptop.prfs).toHaveLength(3);
  });

  test("after everything is lost but the recovery file and a recovery code, a new passkey signs with the same key, and the old share does not", async () => {
    const alice = await scene.person();
    await alice.register();
    const { key, drawer } = await makeKey(alice);
    const pubkey = await signs(alice, key);
    const [oldShare = ""] = alice.shares;
    await alice.goTo("Recovery");
    await alice.press("Make ten new codes");
    const [user = "", code = ""] = (await alice.reads("pre")).replace("User id: ", "").split("\n");
    await alice.logOut();
    await alice.losesAll();

    await alice.goTo("Recover");
    await alice.write("User id", user);
    await alice.write("Recovery code", code);
    await alice.press("Make a new passkey and start");
    const ticket = await alice.reads(".card .copyable");
    await scene.stack.advance(DELAY_S + 5);
    await alice.open();
    await alice.goTo("Recover");
    await alice.write("Ticket", ticket);
    await alice.press("Complete with the new passkey");
    await alice.sees("Log in");
    await alice.logIn();

    // The share opens with a passkey that is gone.
    await asksToSign(alice, key);
    await alice.hears("opens with your passkey \u201cThis device\u201d");
    const next = await replace(alice, drawer);
    expect(next.name).toContain("-drawer-2.age");
    expect(await alice.reads("main")).toContain("renewed once");
    expect(await signs(alice, key)).toBe(pubkey);

    // The old file is refused by its generation; and so are the old shares of which someone says that they are of the new generation.
    const old = JSON.parse(oldShare);
    const forged = await fileOf({ ...old, generation: 2 });
    await asksToSign(alice, key, drawer);
    await alice.hears("a share from before the shares were last renewed");
    await asksToSign(alice, key, await fileOf(old));
    await alice.hears("a share from before the shares were last renewed");
    await asksToSign(alice, key, forged);
    await alice.hears(/server|signature/);
    expect(await alice.page.locator("pre").count()).toBe(0);
    // The new file signs.
    expect(await signs(alice, key, next)).toBe(pubkey);
  });

  test("renewing takes the passkey and the recovery file, gives a new file, and keeps the public key", async () => {
    const alice = await scene.person();
    await alice.register();
    const { key, drawer } = await makeKey(alice);
    const pubkey = await signs(alice, key);
    await alice.goTo("Keys");
    await begin(alice, "Renew the shares", { "The recovery file": [drawer], "Its passphrase": "not this passphrase" });
    await press(alice, "Renew the shares", /^Renew the shares of key/);
    await alice.hears("the passphrase is wrong");
    await begin(alice, "Renew the shares", { "The recovery file": [drawer], "Its passphrase": PASSPHRASE });
    const [next] = await alice.downloads(1, () => press(alice, "Renew the shares", /^Renew the shares of key/));
    // Until the new file is given back, the old shares sign.
    expect(next?.name).toContain("-drawer-2.age");
    await give(alice, "Test the new file and renew the shares", there(next));
    await alice.hears("The shares are renewed.");
    expect(await signs(alice, key)).toBe(pubkey);
    expect(await signs(alice, key, there(next))).toBe(pubkey);
    await asksToSign(alice, key, drawer);
    await alice.hears("a share from before the shares were last renewed");
  });

  test("a lost recovery file is replaced with the passkey alone, and the lost one signs no more", async () => {
    const alice = await scene.person();
    await alice.register();
    const { key, drawer } = await makeKey(alice);
    const pubkey = await signs(alice, key);
    const next = await replace(alice);
    expect(await signs(alice, key)).toBe(pubkey);
    expect(await signs(alice, key, next)).toBe(pubkey);
    await asksToSign(alice, key, drawer);
    await alice.hears("a share from before the shares were last renewed");
  });

  test("a renewal that is given up, or left, changes nothing", async () => {
    const alice = await scene.person();
    await alice.register();
    const { key, drawer } = await makeKey(alice);
    const pubkey = await signs(alice, key);
    for (const leave of [() => alice.press("Give it up"), () => alice.goTo("Sign")]) {
      await alice.goTo("Keys");
      await begin(alice, "Renew the shares", { "The recovery file": [drawer], "Its passphrase": PASSPHRASE });
      await alice.downloads(1, () => press(alice, "Renew the shares", /^Renew the shares of key/));
      await leave();
      expect(await signs(alice, key)).toBe(pubkey);
    }
    expect(await signs(alice, key, drawer)).toBe(pubkey);
  });

  test("a key does not exist before its recovery file was opened, by the right passphrase and as it was made", async () => {
    const [alice, phone, bob] = [await scene.person(), await scene.person(), await scene.person()];
    await bob.register();
    const foreign = (await makeKey(bob)).drawer;
    await alice.register();
    const drawer = await beginsKey(alice);
    const lines = drawer.content.toString().split("\n");
    const altered = lines.map((line, index) =>
      index === 8 ? line.replace(/^.{4}/, (four) => (four === "AAAA" ? "BBBB" : "AAAA")) : line,
    );
    const damaged = { name: "damaged.age", content: Buffer.from(altered.join("\n")) };
    for (const [file, passphrase, said] of [
      [drawer, "another passphrase", "the passphrase is wrong, or the file is damaged"],
      [damaged, PASSPHRASE, "the passphrase is wrong, or the file is damaged"],
      [foreign, PASSPHRASE, "is another one than this page has just made"],
      [{ name: "note.age", content: Buffer.from("hello") }, PASSPHRASE, "is not a recovery file"],
    ] as const) {
      await give(alice, "Test the file and make the key", file, passphrase);
      await alice.hears(said);
    }
    await sync(alice, phone);
    expect(await keysAt(phone)).toBe(1);
    // Nothing was used up.
    await give(alice, "Test the file and make the key", drawer);
    await alice.hears("The key is made.");
    expect(await keysAt(phone)).toBe(2);
  });

  test("closing the page before that leaves no key", async () => {
    const alice = await scene.person();
    await alice.register();
    await beginsKey(alice);
    await alice.open();
    await alice.logIn();
    await alice.goTo("Keys");
    expect(await alice.page.getByText("Public key", { exact: true }).count()).toBe(1);
    await alice.goTo("Sign");
    expect(await alice.page.getByLabel("Sign with").count()).toBe(0);
  });

  test("an authenticator without a PRF is named, and files take its place", async () => {
    const alice = await scene.person({ prf: false });
    await alice.register();
    await alice.goTo("Keys");
    expect(await alice.reads("main")).toContain("This passkey cannot keep a share");
    // After a login the page learns it from the passkey.
    await alice.logOut();
    await alice.logIn();
    await alice.goTo("Keys");
    expect(await alice.reads("main")).not.toContain("This passkey cannot keep a share");
    await alice.write("Passphrase for the recovery file", PASSPHRASE);
    await alice.press("Make the shares");
    await alice.hears("This passkey cannot keep a share");
    const [drawer, me] = await alice.downloads(2, () => alice.press("Make the shares"));
    await give(alice, "Test the file and make the key", [there(drawer)]);
    await alice.hears("-me-1.age as it was downloaded");
    await give(alice, "Test the file and make the key", [there(drawer), there(me)]);
    await alice.hears("The key is made.");
    await learn(alice, there(drawer), there(me));
    const key = await splitKeyOf(alice);
    const pubkey = await signs(alice, key, there(me));
    expect(pubkey).toBe(await publicKeyOf(there(me)));
    expect(await signs(alice, key, there(drawer))).toBe(pubkey);
    await asksToSign(alice, key);
    await alice.hears("No share of this key was made for a passkey.");
    expect(alice.prfs).toEqual([]);

    await alice.goTo("Keys");
    const files = { "The recovery file": [there(drawer), there(me)], "Its passphrase": PASSPHRASE };
    await begin(alice, "Renew the shares", files);
    const next = await alice.downloads(2, () => press(alice, "Renew the shares", /^Renew the shares of key/));
    await give(alice, "Test the new file and renew the shares", next);
    await alice.hears("The shares are renewed.");
    await learn(alice, ...next);
    expect(await signs(alice, key, there(next[1]))).toBe(pubkey);
  });

  /** Begins a key, and gives the recovery file. */
  async function beginsKey(person: Person): Promise<Downloaded> {
    await person.goTo("Keys");
    await person.write("Passphrase for the recovery file", PASSPHRASE);
    const [drawer] = await person.downloads(1, () => person.press("Make the shares"));
    await learn(person, there(drawer));
    return there(drawer);
  }

  async function makeKey(person: Person): Promise<{ key: string; drawer: Downloaded }> {
    const drawer = await beginsKey(person);
    await give(person, "Test the file and make the key", drawer);
    await person.hears("The key is made.");
    return { key: await splitKeyOf(person), drawer };
  }

  /** Replaces a share: that of the passkey if there is a file. */
  async function replace(person: Person, file?: Downloaded): Promise<Downloaded> {
    await person.goTo("Keys");
    await begin(person, "Replace a lost share", {
      ...(file === undefined ? {} : { "The recovery file, if you have it": [file] }),
      "Its passphrase, or one for the new file": PASSPHRASE,
    });
    const [next] = await person.downloads(1, () =>
      press(person, "Replace a lost share", /^Replace the lost share of key/),
    );
    await give(person, "Test the new file and replace the share", there(next));
    await person.hears("The share is replaced.");
    await learn(person, there(next));
    return there(next);
  }

  /** Fills the fields of a card. */
  async function begin(person: Person, card: string, fields: Record<string, string | Downloaded[]>): Promise<void> {
    for (const [label, value] of Object.entries(fields)) {
      const input = cardOf(person, card).getByLabel(label, { exact: true });
      if (typeof value === "string") {
        await input.fill(value);
      } else {
        const chosen = value.map(({ name, content }) => ({
          name,
          mimeType: "application/octet-stream",
          buffer: content,
        }));
        await input.setInputFiles(chosen);
      }
    }
  }

  async function press(person: Person, card: string, name: RegExp): Promise<void> {
    await cardOf(person, card).getByRole("button", { name }).first().click();
  }

  function cardOf(person: Person, card: string) {
    const section = person.page.locator("section", { hasText: "split: 2 of" });
    return section.locator(".card", { has: person.page.getByRole("heading", { name: card, exact: true }) });
  }

  /** Gives files back for the test. */
  async function give(
    person: Person,
    label: string,
    files: Downloaded | readonly Downloaded[],
    passphrase = PASSPHRASE,
  ): Promise<void> {
    const given = Array.isArray(files) ? files : [files as Downloaded];
    const field = person.page.getByLabel(/^(The recovery file|Both files), as downloaded$/);
    const multiple = await field.getAttribute("multiple");
    expect(multiple === null ? 1 : given.length).toBe(given.length);
    await field.setInputFiles(
      given.map(({ name, content }) => ({ name, mimeType: "application/octet-stream", buffer: content })),
    );
    await person.write("Its passphrase, again", passphrase);
    await person.press(label);
  }

  /** The number of the split key in the list, as npub. */
  async function splitKeyOf(person: Person): Promise<string> {
    await person.goTo("Keys");
    const section = person.page.locator("section", { hasText: "split: 2 of" });
    return (await section.locator(".copyable").first().textContent()) ?? "";
  }

  async function asksToSign(person: Person, key: string, file?: Downloaded): Promise<string> {
    const text = `by both ${crypto.randomUUID()}`;
    person.written.push(text);
    await person.goTo("Keys");
    await person.goTo("Sign");
    await person.page.getByLabel("Sign with").selectOption({ label: `${key.slice(0, 12)}\u2026` });
    if (file !== undefined) {
      await person.page.getByText("Sign with a share file instead").click();
      await person.choose("Share file", file);
      await person.write("Its passphrase", PASSPHRASE);
    }
    await person.write("Text", text);
    await person.press("Sign");
    return text;
  }

  /** Signs, and gives the public key, once the event verifies by two other libraries. */
  async function signs(person: Person, key: string, file?: Downloaded): Promise<string> {
    const text = await asksToSign(person, key, file);
    await person.hears("Signed together with the enclave.");
    const event = JSON.parse(await person.reads("pre"));
    expect(event.content).toBe(text);
    expect(verifyEvent(event)).toBe(true);
    const [pubkey, sig] = [Buffer.from(event.pubkey, "hex"), Buffer.from(event.sig, "hex")];
    expect(verifySchnorr(Buffer.from(event.id, "hex"), pubkey, sig)).toBe(true);
    return event.pubkey;
  }
});

/** How many keys the enclave shows to another device with the same passkey. */
async function keysAt(phone: Person): Promise<number> {
  await phone.open();
  await phone.logIn();
  await phone.goTo("Keys");
  return phone.page.getByText("Public key", { exact: true }).count();
}

async function learn(person: Person, ...files: Downloaded[]): Promise<void> {
  for (const { content } of files) {
    person.shares.push(await readRecoveryFile(content, PASSPHRASE));
  }
}

async function publicKeyOf({ content }: Downloaded): Promise<string> {
  return JSON.parse(await readRecoveryFile(content, PASSPHRASE)).group_public_key;
}

async function fileOf(share: object): Promise<Downloaded> {
  return { name: "forged.age", content: Buffer.from(await writeRecoveryFile(JSON.stringify(share), PASSPHRASE)) };
}

function there<T>(value: T | undefined): T {
  if (value === undefined) {
    throw new Error("there is no file");
  }
  return value;
}
