/** What a group of tests shares: a stack, a browser, and the people at it. */

import type { Browser } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe } from "vitest";
import { launch, Person } from "./person.js";
import { missing } from "./programs.js";
import { Stack } from "./stack.js";

/** A group of tests with its own stack; skipped, with the reason in its name, if there are no programs or no browser. */
export function onStack(name: string, tests: (scene: Scene) => void, people: Rules = ""): void {
  describe.skipIf(missing)(`${name}${missing ? ` (${missing})` : ""}`, () => {
    const scene = new Scene();
    beforeAll(() => scene.open(people));
    afterEach(() => scene.empty());
    afterAll(() => scene.close());
    tests(scene);
  });
}

/** What the measured configuration says about people in addition to the page's place: known, or learned from the browser. */
export type Rules = string | ((browser: Browser) => Promise<string>);

export class Scene {
  #stack: Stack | undefined;
  #browser: Browser | undefined;
  #persons: Person[] = [];

  get stack(): Stack {
    return there(this.#stack);
  }

  get browser(): Browser {
    return there(this.#browser);
  }

  /** Those whom the test has let in. */
  get persons(): readonly Person[] {
    return this.#persons;
  }

  /** A new person, with their own profile and authenticator, which has a PRF unless it is left out. */
  async person(authenticator: { prf?: boolean } = {}): Promise<Person> {
    const person = await Person.at(this.stack, this.browser, authenticator);
    this.#persons.push(person);
    return person;
  }

  async open(people: Rules): Promise<void> {
    this.#browser = await launch();
    this.#stack = await Stack.start(typeof people === "string" ? people : await people(this.#browser));
  }

  /** Everybody leaves. */
  async empty(): Promise<void> {
    for (const person of this.#persons.splice(0)) {
      await person.leave();
    }
  }

  async close(): Promise<void> {
    await this.#browser?.close();
    await this.#stack?.stop();
  }
}

function there<T>(value: T | undefined): T {
  if (value === undefined) {
    throw new Error("the scene is not open");
  }
  return value;
}
