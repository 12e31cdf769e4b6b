/** Signing a Nostr event, and showing it. */

import { nostrSigner } from "@permafrost/client";
import type { App, View } from "../app.js";
import { field, form, h, section } from "../dom.js";
import { copyable, facts } from "../show.js";

export function sign(app: App): View {
  const key = app.user?.keys.find(({ status }) => status === "active") ?? app.user?.keys[0];
  if (app.user === undefined || key === undefined) {
    return { title: "Sign", content: [h("p", {}, "You have no key.")] };
  }
  const signer = nostrSigner(app.user.session, key);
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
          const signed = JSON.stringify(await signer.signEvent(event), null, 2);
          result.replaceChildren(section("The signed event", copyable(signed, "the event", 2)));
        },
        "Signed in the enclave.",
      ),
    field("Text", content),
    field("Kind", kind, "1 is a short text note (NIP-01)."),
  );
  return {
    title: "Sign",
    content: [
      section("Your key", facts(["Public key", copyable(key.npub, "the public key")])),
      section("A Nostr event", note),
      result,
    ],
  };
}
