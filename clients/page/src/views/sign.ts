/** Signing a Nostr event, and showing it. */

import { nostrSigner, type SignedEvent, type UnsignedEvent, type UserKey } from "@permafrost/client";
import type { App, View } from "../app.js";
import { type Child, field, form, h, section } from "../dom.js";
import { copyable, facts } from "../show.js";
import { isSplit } from "../split/custody.js";
import { signTogether } from "../split/sign.js";
import { fileInput, passphraseInput, working } from "../split/testing.js";

export function sign(app: App): View {
  const enabled = app.user?.keys.filter(({ status }) => status === "enabled") ?? [];
  // Keys that have not been replaced come first.
  const keys = enabled.toSorted((one, other) => Number(isReplaced(one)) - Number(isReplaced(other)));
  const [first] = keys;
  if (app.user === undefined || first === undefined) {
    return { title: "Sign", content: [h("p", {}, "You have no enabled key.")] };
  }
  const { session } = app.user;
  const choice = h("select", {}, ...keys.map((key) => h("option", { value: key.id }, nameOf(key))));
  const chosen = () => keys.find(({ id }) => id === choice.value) ?? first;
  const shown = h("div", {});
  const share = shareFields();
  const show = () => {
    shown.replaceChildren(facts(["Public key", copyable(chosen().npub, "the public key")]));
    share.content.hidden = !isSplit(chosen());
  };
  choice.addEventListener("change", show);
  show();
  return {
    title: "Sign",
    content: [
      section("Your key", keys.length > 1 && field("Sign with", choice), shown, share.content),
      ...signing(app, async (event) => {
        const key = chosen();
        if (!isSplit(key)) {
          return { event: await nostrSigner(session, key).signEvent(event), by: "Signed in the enclave." };
        }
        await working(app, "Signing together with the enclave\u2026");
        return {
          event: await signTogether(session, key, event, share.read()),
          by: "Signed together with the enclave.",
        };
      }),
    ],
  };
}

type Sign = (event: UnsignedEvent) => Promise<{ event: SignedEvent; by: string }>;

/** What a split key is signed with: the passkey, or a share file. */
function shareFields() {
  const file = fileInput(false, false);
  const passphrase = passphraseInput(false);
  const content = h(
    "div",
    {},
    h(
      "p",
      {},
      "You sign together with the enclave: your passkey opens your share for this moment, and this page forgets it.",
    ),
    h(
      "details",
      {},
      h("summary", {}, "Sign with a share file instead"),
      field("Share file", file, "Your own, if your passkey cannot keep a share; or the recovery file."),
      field("Its passphrase", passphrase),
    ),
  );
  return { content, read: () => ({ files: Array.from(file.files ?? []), passphrase: passphrase.value }) };
}

function signing(app: App, signEvent: Sign): Exclude<Child, undefined | false>[] {
  const content = h("textarea", { rows: "4", required: true });
  const kind = h("input", { type: "number", min: "0", max: "65535", required: true, value: "1" });
  const result = h("div", { "aria-live": "polite" });
  const note = form(
    "Sign",
    (it) =>
      app.attempt(it, async () => {
        const unsigned = { created_at: app.now(), kind: Number(kind.value), tags: [], content: content.value };
        const { event, by } = await signEvent(unsigned);
        const signed = JSON.stringify(event, null, 2);
        result.replaceChildren(section("The signed event", copyable(signed, "the event", 2)));
        app.say(by, "done");
      }),
    field("Text", content),
    field("Kind", kind, "1 is a short text note (NIP-01)."),
  );
  return [section("A Nostr event", note), result];
}

function isReplaced({ replaced_by }: UserKey): boolean {
  return replaced_by !== undefined;
}

function nameOf(key: UserKey): string {
  return `${key.npub.slice(0, 12)}\u2026${isReplaced(key) ? ", replaced" : ""}`;
}
