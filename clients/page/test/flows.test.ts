/** What people do, in a real browser, against the real stack. */

import { verifyEvent } from "nostr-tools/pure";
import type { Browser } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { launch, Person } from "./person.js";
import { missing } from "./programs.js";
import { Stack } from "./stack.js";

describe.skipIf(missing)(`people${missing ? ` (${missing})` : ""}`, () => {
  let stack: Stack;
  let browser: Browser;
  let people: Person[];

  const somebody = async () => {
    const person = await Person.at(stack, browser);
    people.push(person);
    return person;
  };

  beforeAll(async () => {
    stack = await Stack.start();
    browser = await launch();
  });

  afterAll(async () => {
    await browser?.close();
    await stack?.stop();
  });

  beforeEach(() => {
    people = [];
  });

  afterEach(async () => {
    for (const person of people) {
      expect(person.complaints).toEqual([]);
      expect([...person.hosts]).toEqual([new URL(stack.origin).host]);
      expect(await person.kept()).toEqual([]);
      await person.leave();
    }
  });

  test("register, log out, log in, and have an event signed that others verify", async () => {
    const alice = await somebody();
    await alice.sees("Log in");
    await alice.register();
    await alice.logOut();
    await alice.logIn();
    const event = JSON.parse(await alice.sign("never thawed"));
    expect(event.content).toBe("never thawed");
    expect(verifyEvent(event)).toBe(true);
  });
});
