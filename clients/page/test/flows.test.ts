/** What people do, in a real browser, against the real stack. */

import { verifyEvent } from "nostr-tools/pure";
import { verifySchnorr } from "tiny-secp256k1";
import { expect, test } from "vitest";
import type { Person } from "./person.js";
import { scan } from "./scan.js";
import { onStack } from "./scene.js";
import { leavesNoTrace } from "./traces.js";

const DELAY_S = 72 * 3600;

onStack("people", (scene) => {
  /** Signs, and gives the public key, once the event verifies by two other libraries: noble's curves, and libsecp256k1. */
  const signs = async (person: Person) => {
    const content = `from a person ${crypto.randomUUID()}`;
    const event = JSON.parse(await person.sign(content));
    expect(event.content).toBe(content);
    expect(verifyEvent(event)).toBe(true);
    const [pubkey, sig] = [Buffer.from(event.pubkey, "hex"), Buffer.from(event.sig, "hex")];
    expect(verifySchnorr(Buffer.from(event.id, "hex"), pubkey, sig)).toBe(true);
    expect(verifySchnorr(Buffer.alloc(32), pubkey, sig)).toBe(false);
    return event.pubkey as string;
  };

  leavesNoTrace(scene);

  test("register, log out, log in, and have an event signed that other software verifies", async () => {
    const alice = await scene.person();
    await alice.sees("Log in");
    await alice.register();
    const key = await signs(alice);
    await alice.logOut();
    await alice.hears("The enclave has ended the session");
    await alice.logIn();
    expect(await signs(alice)).toBe(key);
    await alice.goTo("Activity");
    const steps = await alice.page.locator("tbody td:nth-child(2)").allTextContents();
    expect(steps).toEqual(["Logged in", "A session ended", "Registered"]);
  });

  test("a synced passkey is the same user on two devices, with its own session on each", async () => {
    const [laptop, phone] = [await scene.person(), await scene.person()];
    await laptop.register();
    const key = await signs(laptop);
    for (const credential of await laptop.credentials()) {
      await phone.takes(credential);
    }
    await phone.logIn();
    expect(await signs(phone)).toBe(key);
    expect(await signs(laptop)).toBe(key);
    const [[one], [other]] = [await laptop.sessionKeys(), await phone.sessionKeys()];
    expect(one).not.toEqual(other);
    await phone.goTo("Devices");
    expect(await phone.page.getByRole("heading", { name: "Chrome on Linux" }).count()).toBe(2);
    // Each can end the other's session.
    await phone.press(/^End the session/);
    await phone.hears("The session has ended.");
    await laptop.press("Sign");
    await laptop.sees("Log in");
  });

  test("another device is linked by a code, compared, accepted, renamed and revoked", async () => {
    const [laptop, phone] = [await scene.person(), await scene.person()];
    await laptop.register();
    const key = await signs(laptop);
    await laptop.goTo("Devices");
    await laptop.press("Link another device");
    const code = await laptop.reads(".copyable");
    const scanned = scan(
      (await laptop.page
        .getByRole("img", { name: /QR code/ })
        .locator("path")
        .getAttribute("d")) ?? "",
    );
    expect(scanned).toBe(`${scene.stack.origin}/#/link/${code}`);

    await phone.open(`#/link/${code}`);
    await phone.sees("Link this device");
    expect(phone.page.url()).not.toContain(code);
    await phone.write("Name of the passkey", "Another device");
    await phone.press("Make a passkey and offer it");
    const offered = await phone.reads("section .digest");
    await phone.press("Log in");
    await phone.hears("is unknown here");
    const shown = laptop.page.locator(".card .digest");
    await expect.poll(() => shown.count(), { timeout: 15_000 }).toBe(1);
    expect(await shown.textContent()).toBe(offered);
    await laptop.press("They are the same: accept it");
    await laptop.hears("can log in now");
    await phone.press("Log in");
    await phone.sees("Sign");
    expect(await signs(phone)).toBe(key);

    await laptop.page.getByText("Rename Another device").click();
    await laptop.write("New name of Another device", "phone");
    await laptop.page
      .locator("li", { hasText: "Rename Another device" })
      .getByRole("button", { name: "Rename" })
      .click();
    await laptop.hears("Renamed.");
    await laptop.press("Revoke phone");
    await laptop.page.getByRole("dialog").getByRole("button", { name: "Revoke" }).click();
    await laptop.hears("Revoked.");
    await phone.press("Sign");
    await phone.sees("Log in");
    await phone.hears("Your session is over");
    await phone.press("Log in with a passkey");
    await phone.hears("was revoked");

    await laptop.press("Revoke This device");
    await laptop.page.getByRole("dialog").getByRole("button", { name: "Revoke" }).click();
    await laptop.hears("This is the last passkey");
  });

  test("a user who revokes the passkey of their session is logged out, and the password manager forgets it", async () => {
    const alice = await scene.person();
    await alice.register();
    expect(await signs(alice)).toBe(await signs(alice));
    await recoverySheet(alice);
    await alice.goTo("Devices");
    await alice.press("Revoke This device");
    await alice.confirm("Revoke");
    await alice.sees("Log in");
    await alice.hears("its session has ended");
    await expect.poll(() => alice.credentials()).toEqual([]);
  });

  test("an offer that differs is refused, and never logs in", async () => {
    const [laptop, mallory] = [await scene.person(), await scene.person()];
    await laptop.register();
    await laptop.goTo("Devices");
    await laptop.press("Link another device");
    const code = await laptop.reads(".copyable");
    await mallory.offers(code);
    await laptop.press("They differ: refuse it");
    await laptop.hears("The offer is refused.");
    await mallory.press("Log in");
    await mallory.hears("is unknown here");
  });

  test("a session ends after 15 minutes by the enclave's clock, whatever the browser's says", async () => {
    const alice = await scene.person();
    await alice.register();
    await scene.stack.advance(880);
    // The page does not know: the enclave's refusal tells it the time, and it sends the request again.
    await signs(alice);
    await scene.stack.advance(30);
    await alice.press("Sign");
    await alice.sees("Log in");
    await alice.hears("Your session is over");
  });

  test("a user who has lost every passkey recovers with a code, after the delay", async () => {
    const alice = await scene.person();
    await alice.register();
    const key = await signs(alice);
    const { user, codes } = await recoverySheet(alice);
    expect(codes).toHaveLength(10);
    await alice.logOut();
    await alice.losesAll();

    const ticket = await startRecovery(alice, user, codes[4] ?? "");
    await completeRecovery(alice, ticket);
    await alice.hears("The delay is not over yet.");
    await scene.stack.advance(DELAY_S + 5);
    await alice.open();
    await alice.goTo("Recover");
    await completeRecovery(alice, ticket);
    await alice.sees("Log in");
    await alice.logIn();
    expect(await signs(alice)).toBe(key);
  });

  test("a user who still has a passkey sees a recovery and cancels it", async () => {
    const [alice, thief] = [await scene.person(), await scene.person()];
    await alice.register();
    const { user, codes } = await recoverySheet(alice);
    const ticket = await startRecovery(thief, user, codes[0] ?? "");
    await alice.press("Refresh");
    await alice.press("Cancel this recovery");
    await alice.hears("The recovery is cancelled.");
    await scene.stack.advance(DELAY_S + 5);
    await thief.open();
    await thief.goTo("Recover");
    await completeRecovery(thief, ticket);
    await thief.hears("There is no such recovery");
  });

  test("a user who has neither passkey nor code recovers with two guardians of two", async () => {
    const [alice, bob, carol, phone] = [
      await scene.person(),
      await scene.person(),
      await scene.person(),
      await scene.person(),
    ];
    const ids = new Map<Person, string>();
    for (const person of [alice, bob, carol]) {
      await person.register();
      await person.goTo("Recovery");
      ids.set(person, await person.reads(".copyable"));
    }
    await alice.write("Their user ids, one per line", `${ids.get(bob)}\n${ids.get(carol)}`);
    await alice.write("How many have to approve", "2");
    await alice.press("Set the guardians");
    await alice.hears("The guardians are set.");
    const key = await signs(alice);

    const ticket = await startRecovery(phone, ids.get(alice) ?? "");
    for (const [guardian, said] of [
      [bob, "More guardians have to approve."],
      [carol, "The delay has begun."],
    ] as const) {
      await guardian.write("Ticket", ticket);
      await guardian.press("Check the ticket");
      await guardian.press("Approve this recovery");
      await guardian.hears(said);
    }
    await scene.stack.advance(DELAY_S + 5);
    await phone.open();
    await phone.goTo("Recover");
    await completeRecovery(phone, ticket);
    await phone.sees("Log in");
    await phone.logIn();
    expect(await signs(phone)).toBe(key);
  });

  /** The user id and ten codes, as they are shown once. */
  async function recoverySheet(person: Person): Promise<{ user: string; codes: string[] }> {
    await person.goTo("Recovery");
    await person.press("Make ten new codes");
    const [user = "", ...codes] = (await person.reads("pre")).split("\n");
    return { user: user.replace("User id: ", ""), codes };
  }

  async function startRecovery(person: Person, user: string, code = ""): Promise<string> {
    await person.goTo("Recover");
    await person.write("User id", user);
    await person.write("Recovery code", code);
    await person.press("Make a new passkey and start");
    return person.reads(".card .copyable");
  }

  async function completeRecovery(person: Person, ticket: string): Promise<void> {
    await person.write("Ticket", ticket);
    await person.press("Complete with the new passkey");
  }
});
