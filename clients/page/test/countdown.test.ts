/** The time that the page shows for a session is the enclave's. */

import { expect, test } from "vitest";
import type { Person } from "./person.js";
import { onStack } from "./scene.js";

onStack("the countdown", (scene) => {
  test("ends when the enclave ends the session", async () => {
    const [laptop, phone] = [await scene.person(), await scene.person()];
    await laptop.page.clock.install();
    await laptop.open();
    await laptop.register();
    const whole = await laptop.remaining();
    expect(whole).toBeLessThanOrEqual(900);
    await passes(laptop, whole - 60);
    await expect.poll(() => laptop.remaining()).toBeLessThanOrEqual(60);
    expect(await laptop.remaining()).toBeGreaterThan(0);
    await laptop.hears("Your session ends in a minute.");
    await laptop.sign("in the last minute");

    for (const credential of await laptop.credentials()) {
      await phone.takes(credential);
    }
    await phone.logIn();
    expect(await sessionsOf(phone)).toBe(2);
    await passes(laptop, await laptop.remaining());
    await laptop.sees("Log in");
    await laptop.hears("Your session is over: sessions last 15 minutes.");
    expect(await sessionsOf(phone)).toBe(1);
  });

  test("follows the enclave's clock when the page's clock differs", async () => {
    const alice = await scene.person();
    await alice.register();
    expect(await alice.remaining()).toBeGreaterThan(300);
    await scene.stack.advance(600);
    await alice.sign("after a sleep");
    await expect.poll(() => alice.remaining()).toBeLessThanOrEqual(300);
    expect(await alice.remaining()).toBeGreaterThan(0);
  });

  /** Time goes by, for the page and for the enclave. */
  async function passes(person: Person, seconds: number): Promise<void> {
    await scene.stack.advance(seconds);
    await person.page.clock.fastForward(seconds * 1000);
  }

  async function sessionsOf(person: Person): Promise<number> {
    await person.goTo("Activity");
    await person.press("Refresh");
    await person.hears("the enclave's current list");
    await person.goTo("Devices");
    return person.page.getByRole("heading", { name: "Chrome on Linux" }).count();
  }
});
