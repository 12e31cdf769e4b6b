/** Someone at a browser: a profile of Chromium with an authenticator, and the page open in it. */

import { readFileSync } from "node:fs";
import {
  type Browser,
  type BrowserContext,
  type CDPSession,
  chromium,
  type Download,
  type Page,
} from "playwright-core";
import { expect } from "vitest";
import { chromiumPath } from "./programs.js";
import type { Stack } from "./stack.js";

/** A credential as the virtual authenticator has it. */
export type Credential = Awaited<ReturnType<Person["credentials"]>>[number];

export async function launch(): Promise<Browser> {
  return chromium.launch({
    executablePath: chromiumPath ?? "",
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--disable-lcd-text",
      "--font-render-hinting=none",
    ],
  });
}

/** Gives a page an authenticator whose user consents, with a PRF or without. */
export async function authenticatorOf(
  page: Page,
  hasPrf = true,
): Promise<{ cdp: CDPSession; authenticatorId: string }> {
  const cdp = await page.context().newCDPSession(page);
  await cdp.send("WebAuthn.enable");
  const { authenticatorId } = await cdp.send("WebAuthn.addVirtualAuthenticator", {
    options: {
      protocol: "ctap2",
      transport: "internal",
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
      hasPrf,
    },
  });
  return { cdp, authenticatorId };
}

export class Person {
  /** What the console, the page and the policy complained about. */
  readonly complaints: string[] = [];
  /** The clock that the page has been given, in seconds ahead of this machine's. */
  #ahead = 0;
  /** The texts that were to be signed. */
  readonly written: string[] = [];
  /** Where requests went. */
  readonly hosts = new Set<string>();
  /** The outputs of PRFs that the page has received, and the shares that it has had, as JSON. */
  readonly prfs: Buffer[] = [];
  readonly shares: string[] = [];

  private constructor(
    readonly page: Page,
    private readonly stack: Stack,
    private readonly context: BrowserContext,
    private readonly cdp: CDPSession,
    private readonly authenticatorId: string,
  ) {
    page.on("console", (message) => {
      if (message.type() === "error" || message.type() === "warning") {
        this.complaints.push(message.text());
      }
    });
    page.on("pageerror", (error) => this.complaints.push(String(error)));
    page.on("request", (request) => this.hosts.add(new URL(request.url()).host));
  }

  /** A new profile, whose authenticator has a user who says yes. */
  static async at(stack: Stack, browser: Browser, { prf = true } = {}): Promise<Person> {
    const context = await browser.newContext({ colorScheme: "light", locale: "en-GB", timezoneId: "UTC" });
    const page = await context.newPage();
    const { cdp, authenticatorId } = await authenticatorOf(page, prf);
    const person = new Person(page, stack, context, cdp, authenticatorId);
    await page.addInitScript(KEEP_SESSION_KEYS);
    await page.exposeFunction("keepPrf", (hex: string) => person.prfs.push(Buffer.from(hex, "hex")));
    await page.exposeFunction("keepShare", (json: string) => person.shares.push(json));
    await page.addInitScript(KEEP_SECRETS);
    await person.open();
    return person;
  }

  /** Opens the page, by a clock that agrees with the enclave's. */
  async open(view = ""): Promise<void> {
    // Certificates are judged by this clock, and the emulated NSM's are valid for three hours.
    const moved = this.stack.ahead - this.#ahead;
    this.#ahead = this.stack.ahead;
    await this.page.addInitScript(`{ const now = Date.now; Date.now = () => now() + ${moved * 1000}; }`);
    await this.page.goto("about:blank");
    await this.page.goto(`${this.stack.origin}/${view}`);
    await expect.poll(() => this.heading(), { timeout: 30_000 }).not.toBe("Verifying the enclave");
  }

  async heading(): Promise<string> {
    return (await this.page.locator("h1").textContent()) ?? "";
  }

  /** The text of the only element of this kind, once it is there. */
  async reads(selector: string): Promise<string> {
    return (await this.page.locator(selector).textContent()) ?? "";
  }

  async sees(heading: string): Promise<void> {
    await expect.poll(() => this.heading(), { timeout: 15_000 }).toBe(heading);
  }

  /** What the page says, once it says something like this. */
  async hears(text: string | RegExp): Promise<void> {
    const said = () => this.page.locator('[role="status"]').textContent();
    await expect.poll(said, { timeout: 15_000 }).toMatch(text);
  }

  async press(name: string | RegExp): Promise<void> {
    await this.page
      .getByRole("button", { name, exact: typeof name === "string" })
      .first()
      .click();
  }

  async goTo(view: string): Promise<void> {
    await this.page.getByRole("navigation").getByRole("link", { name: view, exact: true }).click();
    await this.page.locator("nav a[aria-current]", { hasText: view }).waitFor();
  }

  async write(label: string, text: string): Promise<void> {
    await this.page.getByLabel(label, { exact: true }).fill(text);
  }

  async register(passkeyName = "This device"): Promise<void> {
    await this.write("Name of the passkey", passkeyName);
    await this.press("Register with a new passkey");
    await this.sees("Sign");
  }

  /** Makes a passkey for the user whose code it is, and offers it. */
  async offers(code: string, passkeyName = "Another device"): Promise<void> {
    await this.goTo("Link this device");
    await this.write("Link code", code);
    await this.write("Name of the passkey", passkeyName);
    await this.press("Make a passkey and offer it");
    await this.reads("section .digest");
  }

  async logIn(): Promise<void> {
    await this.press("Log in with a passkey");
    await this.sees("Sign");
  }

  async logOut(): Promise<void> {
    await this.press("Log out");
    await this.sees("Log in");
  }

  /** Has an event signed, and gives it as the page shows it. */
  async sign(text: string, kind = 1): Promise<string> {
    await this.asksFor(text, kind);
    await this.hears("Signed in the enclave.");
    return (await this.page.locator("pre").textContent()) ?? "";
  }

  /** Asks for a signature, and hears about it later. */
  async asksFor(text: string, kind = 1): Promise<void> {
    this.written.push(text);
    await this.goTo("Sign");
    await this.write("Text", text);
    await this.write("Kind", String(kind));
    await this.press("Sign");
  }

  /** Does what makes the page download files, and gives them, in the order of their names. */
  async downloads(count: number, act: () => Promise<void>): Promise<Downloaded[]> {
    const waiting: Promise<Downloaded>[] = [];
    const take = (download: Download) => waiting.push(read(download));
    this.page.on("download", take);
    await act();
    const state = async () => [waiting.length, await this.page.locator(".status.failed").allTextContents()] as const;
    // What the page says if it refuses is then in the report.
    await expect.poll(state, { timeout: 30_000 }).toEqual([count, []]);
    this.page.off("download", take);
    return (await Promise.all(waiting)).toSorted((one, other) => (one.name < other.name ? -1 : 1));
  }

  /** Chooses files in a field. */
  async choose(label: string, ...files: readonly Downloaded[]): Promise<void> {
    const chosen = files.map(({ name, content }) => ({ name, mimeType: "application/octet-stream", buffer: content }));
    await this.page.getByLabel(label, { exact: true }).setInputFiles(chosen);
  }

  /** Says yes to a question of the page. */
  async confirm(yes: string): Promise<void> {
    await this.page.getByRole("dialog").getByRole("button", { name: yes }).click();
  }

  /** The time that the page shows for the session, in seconds. */
  async remaining(): Promise<number> {
    const [, minutes, seconds] = /(\d+):(\d\d)$/.exec(await this.reads(".remaining")) ?? [];
    return Number(minutes) * 60 + Number(seconds);
  }

  /** Whether this person proves to the authenticator that it is them. */
  async isVerified(isUserVerified: boolean): Promise<void> {
    await this.cdp.send("WebAuthn.setUserVerified", { authenticatorId: this.authenticatorId, isUserVerified });
  }

  /** The credentials of the authenticator. */
  async credentials() {
    const { authenticatorId } = this;
    return (await this.cdp.send("WebAuthn.getCredentials", { authenticatorId })).credentials;
  }

  /** Puts a credential into the authenticator, as a password manager that synchronises does. */
  async takes(credential: Credential): Promise<void> {
    await this.cdp.send("WebAuthn.addCredential", { authenticatorId: this.authenticatorId, credential });
  }

  /** Loses every passkey. */
  async losesAll(): Promise<void> {
    await this.cdp.send("WebAuthn.clearCredentials", { authenticatorId: this.authenticatorId });
  }

  /** The public keys of the sessions since the page was opened: 65 bytes each. */
  async sessionKeys(): Promise<Buffer<ArrayBuffer>[]> {
    const keys = await this.page.evaluate(() =>
      Promise.all((globalThis as unknown as { made: Promise<number[]>[] }).made),
    );
    return keys.map((key) => Buffer.from(key));
  }

  /** What the browser keeps for the origin, by where it keeps it: empty for this page. */
  async kept(): Promise<string[]> {
    const inPage = await this.page.evaluate(async () => [
      ...Object.keys(localStorage).map((key) => `localStorage ${key}`),
      ...Object.keys(sessionStorage).map((key) => `sessionStorage ${key}`),
      ...(await indexedDB.databases()).map(({ name }) => `indexedDB ${name}`),
      ...(await caches.keys()).map((key) => `cache ${key}`),
      ...(await navigator.serviceWorker.getRegistrations()).map(({ scope }) => `service worker ${scope}`),
      ...(document.cookie ? [`cookie ${document.cookie}`] : []),
    ]);
    const cookies = (await this.context.cookies()).map(({ name }) => `cookie ${name}`);
    return [...inPage, ...cookies];
  }

  async leave(): Promise<void> {
    await this.context.close();
  }
}

/** A file that the page had the browser download. */
export interface Downloaded {
  readonly name: string;
  readonly content: Buffer;
}

async function read(download: Download): Promise<Downloaded> {
  return { name: download.suggestedFilename(), content: readFileSync(await download.path()) };
}

/** What the page has for a moment, so that the tests can look for it elsewhere. */
const KEEP_SECRETS = `if (isSecureContext) {
  const get = CredentialsContainer.prototype.get;
  CredentialsContainer.prototype.get = async function (...given) {
    const credential = await get.apply(this, given);
    const first = credential?.getClientExtensionResults().prf?.results?.first;
    if (first !== undefined) {
      await keepPrf([...new Uint8Array(first)].map((byte) => byte.toString(16).padStart(2, "0")).join(""));
    }
    return credential;
  };
  const encrypt = SubtleCrypto.prototype.encrypt;
  SubtleCrypto.prototype.encrypt = async function (algorithm, key, data) {
    const text = new TextDecoder().decode(data);
    if (text.includes('"participant_key"')) {
      await keepShare(text);
    }
    return encrypt.call(this, algorithm, key, data);
  };
}`;

/** The private halves cannot be exported: no script reads them. */
const KEEP_SESSION_KEYS = `if (isSecureContext) {
  globalThis.made = [];
  const generate = SubtleCrypto.prototype.generateKey;
  SubtleCrypto.prototype.generateKey = async function (...given) {
    const pair = await generate.apply(this, given);
    if (pair.publicKey?.algorithm.name === "ECDSA") {
      made.push(this.exportKey("raw", pair.publicKey).then((raw) => [...new Uint8Array(raw)]));
    }
    return pair;
  };
}`;
