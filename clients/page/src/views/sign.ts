/** Signing a Nostr event, and showing it. */

import { nostrSigner, type UserKey } from "@permafrost/client";
import type { App, View } from "../app.js";
import { type Child, field, form, h, section } from "../dom.js";
import { copyable, facts } from "../show.js";

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
  const show = () => shown.replaceChildren(facts(["Public key", copyable(chosen().npub, "the public key")]));
  choice.addEventListener("change", show);
  show();
  return {
    title: "Sign",
    content: [
      section("Your key", keys.length > 1 && field("Sign with", choice), shown),
      ...signing(app, (event) => nostrSigner(session, chosen()).signEvent(event)),
    ],
  };
}

type Sign = ReturnType<typeof nostrSigner>["signEvent"];

function signing(app: App, signEvent: Sign): Exclude<Child, undefined | false>[] {
  const content = h("textarea", { rows: "4", required: true });
  const kind = h("input", { type: "number", min: "0", max: "65535", required: true, value: "1" });
  const result = h("div", { "aria-live": "polite" });
  const note = form(
    "Sign",
    (it) =>
      app.attempt(
        it,
        async () => {
          const event = { created_at: app.now(), kind: Number(kind.value), tags: [], content: content.value };
          const signed = JSON.stringify(await signEvent(event), null, 2);
          result.replaceChildren(section("The signed event", copyable(signed, "the event", 2)));
        },
        "Signed in the enclave.",
      ),
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
