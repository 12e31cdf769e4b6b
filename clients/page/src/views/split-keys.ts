/** Keys that the user and the enclave own together: making one, renewing its shares, replacing a lost one. */

import type { Session, UserKey } from "@permafrost/client";
import type { App } from "../app.js";
import { field, form, h, section } from "../dom.js";
import { needsFiles, newKey, renewed, replaced, WithoutPrf } from "../split/changes.js";
import { isOfThisPage, MEANING } from "../split/custody.js";
import type { NewShares } from "../split/new-shares.js";
import { fileInput, passphraseInput, type Testing, testing, working } from "../split/testing.js";

/** Ceremonies of a view that wait for the user's test. */
export class Waiting {
  readonly #shares = new Set<NewShares>();

  add(shares: NewShares): void {
    this.#shares.add(shares);
  }

  remove(shares: NewShares): void {
    this.#shares.delete(shares);
  }

  /** Gives up what nobody can test any more. */
  stop(): void {
    for (const shares of this.#shares) {
      // Otherwise it ends by itself after ten minutes.
      shares.abort().catch(() => undefined);
    }
    this.#shares.clear();
  }
}

/** A section in which a key is made. */
export function making(app: App, session: Session, waiting: Waiting): HTMLElement {
  const passphrase = passphraseInput();
  const explanation = h("p", {}, needsFiles(session) ? TWO_FILES : "");
  const made = steps(app, waiting, explanation, "Make the shares", () => newKey(session, passphrase.value), NEW, [
    field("Passphrase for the recovery file", passphrase, HINT),
  ]);
  return section("Make a key together with the enclave", h("p", {}, `Nobody ever has the whole key. ${MEANING}`), made);
}

/** What can be done with the shares of a split key. */
export function shareCards(app: App, session: Session, key: UserKey, name: string, waiting: Waiting): HTMLElement[] {
  if (!isOfThisPage(key)) {
    return [
      card("Its shares", h("p", {}, "This key was made by another program, which can renew and replace its shares.")),
    ];
  }
  return [renewing(app, session, key, name, waiting), replacing(app, session, key, name, waiting)];
}

function renewing(app: App, session: Session, key: UserKey, name: string, waiting: Waiting): HTMLElement {
  const files = fileInput(true);
  const passphrase = passphraseInput();
  const explanation = h("p", {}, needsFiles(session) ? "Choose both files." : "");
  const give = () => renewed(session, key, { files: Array.from(files.files ?? []), passphrase: passphrase.value });
  return card(
    "Renew the shares",
    h(
      "p",
      {},
      "Every participant gets a new share, which makes the old ones useless one by one. The public key stays the same. It takes your passkey and the recovery file, and gives you a new recovery file with the same passphrase.",
    ),
    steps(app, waiting, explanation, `Renew the shares of ${name}`, give, RENEWED, [
      field("The recovery file", files, "If your own share is in a file, too: both files."),
      field("Its passphrase", passphrase),
    ]),
  );
}

function replacing(app: App, session: Session, key: UserKey, name: string, waiting: Waiting): HTMLElement {
  const files = fileInput(false, false);
  const passphrase = passphraseInput();
  const explanation = h("p", {}, needsFiles(session) ? TWO_FILES : "");
  const give = () => replaced(session, key, { files: Array.from(files.files ?? []), passphrase: passphrase.value });
  return card(
    "Replace a lost share",
    h(
      "p",
      {},
      "If your passkey is new, or another one than the share was made for, choose the recovery file: this passkey gets a share. If you have lost the recovery file, choose nothing: you get a new one. The public key stays the same, and the lost share does not sign with the enclave any more.",
    ),
    steps(app, waiting, explanation, `Replace the lost share of ${name}`, give, REPLACED, [
      field("The recovery file, if you have it", files),
      field("Its passphrase, or one for the new file", passphrase, HINT),
    ]),
  );
}

/** A form that gives new shares, and then the step in which they are tested. */
function steps(
  app: App,
  waiting: Waiting,
  explanation: HTMLElement,
  label: string,
  give: () => Promise<NewShares>,
  said: Testing,
  fields: readonly Node[],
): HTMLElement {
  const place = h("div", { "aria-live": "polite" });
  const first = form(
    label,
    (it) =>
      app.attempt(it, async () => {
        await working(app, "Making new shares together with the enclave\u2026");
        const shares = await give().catch((error) => {
          if (error instanceof WithoutPrf) {
            explanation.replaceChildren(error.message);
          }
          throw error;
        });
        if (!place.isConnected) {
          await shares.abort();
          return;
        }
        waiting.add(shares);
        first.hidden = true;
        app.say("");
        place.replaceChildren(
          testing(app, shares, said, (outcome) => {
            waiting.remove(shares);
            if (outcome === "given up") {
              place.replaceChildren();
              first.hidden = false;
            }
          }),
        );
        place.querySelector("h3")?.focus();
      }),
    ...fields,
  );
  return h("div", {}, explanation, first, place);
}

function card(title: string, ...children: readonly Node[]): HTMLElement {
  return h("div", { class: "card" }, h("h3", {}, title), ...children);
}

const TWO_FILES =
  "This passkey cannot keep a share, because the passkey, its authenticator or this browser lacks the PRF extension of WebAuthn. You receive your own share as a second file, and sign by choosing that file.";

const HINT =
  "At least 12 characters, better five random words. It cannot be recovered, and this page keeps it nowhere. Who finds the file and guesses it has one share of three.";

const NEW: Testing = {
  label: "Test the file and make the key",
  done: "The key is made. You and the enclave sign with it together.",
  before: "the key does not exist",
};

const RENEWED: Testing = {
  label: "Test the new file and renew the shares",
  done: "The shares are renewed. The public key is the same.",
  before: "the old shares stay in force, and so does the old recovery file",
  after: "Destroy the old recovery file when this is done, and not earlier.",
};

const REPLACED: Testing = {
  label: "Test the new file and replace the share",
  done: "The share is replaced. The public key is the same.",
  before: "the old shares stay in force, and so does the old recovery file",
  after: "Destroy the old recovery file, if you have it, when this is done, and not earlier.",
};
