/** What the page knows while it is open. None of it is kept anywhere else. */

import { type Enclave, People, type Session, type UserKey } from "@permafrost/client";
import type { Expectation } from "./expectation.js";
import { isSessionOver, words } from "./words.js";

/** What a view shows. */
export interface View {
  readonly title: string;
  readonly content: readonly (Node | string)[];
  /** Called when another view replaces this one. */
  readonly stop?: () => void;
}

export interface LoggedIn {
  readonly session: Session;
  readonly keys: readonly UserKey[];
}

export class App {
  readonly people: People;
  /** The description by which the user recognises this device. */
  readonly device = deviceName();
  #user: LoggedIn | undefined;

  constructor(
    readonly expectation: Expectation,
    readonly enclave: Enclave,
    /** Shows a view again, by its address (`devices`), with a message beside it. */
    readonly show: (view: string, text?: string, kind?: "done" | "failed") => void,
    /** Shows a message, which screen readers announce. */
    readonly say: (text: string, kind?: "done" | "failed") => void,
  ) {
    this.people = new People(enclave, { device: this.device });
  }

  get user(): LoggedIn | undefined {
    return this.#user;
  }

  /** The enclave's clock, in seconds since 1970. */
  now(): number {
    return this.enclave.boot.clock.now();
  }

  enter(session: Session, keys: readonly UserKey[]): void {
    this.#user = { session, keys };
    this.show("sign");
  }

  /** Fetches the user's keys again. */
  async learnKeys(): Promise<void> {
    if (this.#user !== undefined) {
      const { session } = this.#user;
      this.#user = { session, keys: await session.keys() };
    }
  }

  /** Forgets the session on this side. */
  leave(why: string): void {
    this.#user = undefined;
    this.show("login", why);
  }

  /** Does something that may fail, with its button disabled meanwhile, and says how it went. */
  async attempt<T>(button: HTMLButtonElement, act: () => Promise<T>, done?: string): Promise<T | undefined> {
    if (button.getAttribute("aria-disabled") === "true") {
      return undefined;
    }
    button.setAttribute("aria-disabled", "true");
    this.say("");
    try {
      const result = await act();
      if (done !== undefined) {
        this.say(done, "done");
      }
      return result;
    } catch (error) {
      if (isSessionOver(error)) {
        this.leave(`${words(error)} Log in again.`);
      } else {
        this.say(words(error), "failed");
      }
      return undefined;
    } finally {
      button.removeAttribute("aria-disabled");
      if (!button.isConnected && document.activeElement === document.body) {
        // If the focused button is gone, the focus moves to the top of the view.
        document.querySelector("h1")?.focus();
      }
    }
  }
}

/** Browser and system, and no more. */
function deviceName(): string {
  const agent = navigator.userAgent;
  const browser = BROWSERS.find(([mark]) => agent.includes(mark))?.[1] ?? "A browser";
  const system = SYSTEMS.find(([mark]) => agent.includes(mark))?.[1];
  return system === undefined ? browser : `${browser} on ${system}`;
}

/** The first match counts: many browsers also name those that they descend from. */
const BROWSERS = [
  ["Edg/", "Edge"],
  ["OPR/", "Opera"],
  ["Firefox/", "Firefox"],
  ["Chrome/", "Chrome"],
  ["Safari/", "Safari"],
] as const;

const SYSTEMS = [
  ["Android", "Android"],
  ["iPhone", "iPhone"],
  ["iPad", "iPad"],
  ["Windows", "Windows"],
  ["Mac OS X", "macOS"],
  ["CrOS", "ChromeOS"],
  ["Linux", "Linux"],
] as const;
