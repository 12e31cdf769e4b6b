/** What a policy removes from all sessions, and a scope from one. */

import { expect, test } from "vitest";
import { onStack } from "./scene.js";
import { leavesNoTrace } from "./traces.js";

const REFUSED = "does not allow that";
const NOTE = "a note that no one else may read";
const REACTION = "a reaction that no one else may read";

onStack("narrowing", (scene) => {
  leavesNoTrace(scene);

  test("a policy applies to the sessions of every device, and can be undone", async () => {
    const [laptop, phone] = [await scene.person(), await scene.person()];
    await laptop.register();
    for (const credential of await laptop.credentials()) {
      await phone.takes(credential);
    }
    await phone.logIn();
    await laptop.sign(REACTION, 7);

    // The copy of the passkey has the higher counter, so only the copy may approve from here on.
    await phone.goTo("Policy");
    expect(await phone.reads("dl")).toContain("Operationsnot narrowedKinds of eventsnot narrowed");
    await phone.page.getByLabel("Renew a key's shares").uncheck();
    await phone.write("Only these kinds of Nostr events", "1, 30023");
    await phone.press("Set the policy");
    await phone.hears("The policy is set");
    const now = await phone.reads("dl");
    expect(now).toContain("1, 30023");
    expect(now).toContain("sign; make a key together with the enclave; replace a key;");
    expect(now).not.toContain("renew");

    for (const person of [laptop, phone]) {
      await person.asksFor(REACTION, 7);
      await person.hears(REFUSED);
      await person.goTo("Keys");
      await person.press("Renew the shares of the key");
      await person.hears(REFUSED);
      await person.sign(NOTE, 1);
    }

    await phone.goTo("Policy");
    await phone.page.getByLabel("Renew a key's shares").check();
    await phone.write("Only these kinds of Nostr events", "");
    await phone.press("Set the policy");
    await phone.hears("The policy is set");
    expect(await phone.reads("dl")).toContain("Operationsnot narrowedKinds of eventsnot narrowed");
    await laptop.sign(REACTION, 7);
    await phone.goTo("Keys");
    await phone.press("Renew the shares of the key");
    await phone.hears("The shares are renewed.");
    await phone.goTo("Activity");
    await phone.press("Refresh");
    const steps = phone.page.locator("tbody td:nth-child(2)", { hasText: "The policy was set" });
    await expect.poll(() => steps.count()).toBe(2);
  });

  test("a policy without any kind stays as it is when something else is changed", async () => {
    const alice = await scene.person();
    await alice.register();
    await alice.goTo("Policy");
    await alice.write("Only these kinds of Nostr events", "none");
    await alice.press("Set the policy");
    await alice.hears("The policy is set");
    await alice.goTo("Keys");
    await alice.goTo("Policy");
    await alice.page.getByLabel("Disable a key").uncheck();
    await alice.press("Set the policy");
    await alice.hears("The policy is set");
    expect(await alice.reads("dl")).toMatch(/Kinds of eventsnone$/);
    await alice.asksFor(NOTE);
    await alice.hears(REFUSED);
  });

  test("whatever is unticked, a policy can be seen and undone", async () => {
    const alice = await scene.person();
    await alice.register();
    await alice.goTo("Policy");
    for (const box of await alice.page.getByRole("checkbox").all()) {
      await box.uncheck();
    }
    await alice.press("Set the policy");
    await alice.hears("The policy is set");
    await alice.asksFor(NOTE);
    await alice.hears(REFUSED);
    await alice.logOut();
    await alice.logIn();
    await alice.goTo("Policy");
    for (const box of await alice.page.getByRole("checkbox").all()) {
      await box.check();
    }
    await alice.press("Set the policy");
    await alice.hears("The policy is set");
    await alice.sign(NOTE);
  });

  test("a policy is not set without the passkey, nor with invalid kinds", async () => {
    const alice = await scene.person();
    await alice.register();
    await alice.goTo("Policy");
    const sent: string[] = [];
    alice.page.on("request", (request) => sent.push(request.url()));
    for (const kinds of ["one", "1; 7", "65536", "-1", Array.from({ length: 65 }, (_, kind) => kind).join(" ")]) {
      await alice.write("Only these kinds of Nostr events", kinds);
      await alice.press("Set the policy");
      await alice.hears("at most 64 numbers");
      await alice.write("Only these kinds of Nostr events", "");
      await alice.goTo("Keys");
      await alice.goTo("Policy");
    }
    expect(sent).toEqual([]);
    await alice.isVerified(false);
    await alice.write("Only these kinds of Nostr events", "7");
    await alice.press("Set the policy");
    await alice.hears("No passkey was used");
    await alice.sign(NOTE);
  });

  test("a session that may only sign notes does only that, and is shown as such", async () => {
    const [laptop, phone] = [await scene.person(), await scene.person()];
    await laptop.register();
    for (const credential of await laptop.credentials()) {
      await phone.takes(credential);
    }
    await phone.page.getByText("Narrow the session").click();
    await phone.press("Allow only signing");
    await phone.write("Only these kinds of Nostr events", "1");
    await phone.logIn();
    await phone.sign(NOTE);
    await phone.asksFor(REACTION, 7);
    await phone.hears(REFUSED);
    for (const [view, name] of [
      ["Keys", "Renew the shares of the key"],
      ["Devices", "Link another device"],
      ["Policy", "Set the policy"],
      ["Recovery", "Make ten new codes"],
      ["Activity", "Refresh"],
    ] as const) {
      await phone.goTo(view);
      await phone.press(name);
      await phone.hears(REFUSED);
    }

    await laptop.goTo("Activity");
    await laptop.press("Refresh");
    await laptop.hears("the enclave's current list");
    await laptop.goTo("Devices");
    const narrowed = laptop.page.locator("li", { hasText: "Kinds of events" });
    expect(await narrowed.locator("dd").allTextContents()).toEqual(expect.arrayContaining(["sign", "1"]));
    expect(await narrowed.count()).toBe(1);
    await laptop.sign(REACTION, 7);
    await phone.logOut();
  });
});
