/** Recovery for whoever has no passkey left. */

import { type Recovery, RecoveryTicket } from "@permafrost/client";
import type { App, View } from "../app.js";
import { field, form, h, section } from "../dom.js";
import { copyable, digest, facts, time } from "../show.js";

export function recover(app: App): View {
  return {
    title: "Recover",
    content: [
      h(
        "p",
        {},
        "Recovery takes a recovery code, or guardians whom you have named; and then a delay, in which anybody who still has a passkey of yours can cancel it.",
      ),
      section("Start", start(app)),
      section("Complete, after the delay", complete(app)),
    ],
  };
}

function start(app: App): HTMLElement {
  const user = h("input", { required: true, autocomplete: "off", spellcheck: "false", pattern: "[0-9a-fA-F]{32}" });
  const code = h("input", { autocomplete: "off", spellcheck: "false" });
  const passkeyName = h("input", { required: true, maxlength: "64", autocomplete: "off", value: "After recovery" });
  const userName = h("input", { required: true, maxlength: "64", autocomplete: "off", value: "Permafrost" });
  const place = h("div", { "aria-live": "polite" });
  const begin = form(
    "Make a new passkey and start",
    (it) =>
      app.attempt(it, async () => {
        const names = { passkeyName: passkeyName.value, userName: userName.value };
        const { recovery, ticket } = await app.people.startRecovery(
          user.value.trim().toLowerCase(),
          code.value.trim() || undefined,
          names,
        );
        begin.hidden = true;
        place.replaceChildren(started(recovery, ticket));
      }),
    field("User id", user, "32 digits and letters a to f, from your recovery sheet or a guardian."),
    field("Recovery code", code, "Leave it empty to ask your guardians."),
    field("Name of the new passkey", passkeyName),
    field("Name in your password manager", userName, "It goes to your authenticator, and to nobody else."),
  );
  return h("div", {}, begin, place);
}

function started(recovery: Recovery, ticket: RecoveryTicket): HTMLElement {
  const next =
    recovery.ready_at === undefined
      ? "Send the ticket to your guardians. The delay begins when enough of them have approved."
      : "Come back with the ticket when the delay is over.";
  return h(
    "div",
    { class: "card" },
    h("h3", {}, "The recovery has begun"),
    h("p", {}, "Keep this ticket: this page keeps nothing. It is not secret."),
    copyable(String(ticket), "the ticket"),
    h("p", {}, next),
    facts(
      [
        "May be completed",
        recovery.ready_at === undefined ? "after the guardians and the delay" : time(recovery.ready_at),
      ],
      ["Key of the new passkey", digest(recovery.public_key_digest)],
    ),
  );
}

function complete(app: App): HTMLElement {
  const ticket = h("textarea", { required: true, rows: "3", autocomplete: "off", spellcheck: "false" });
  return form(
    "Complete with the new passkey",
    (it) =>
      app.attempt(it, async () => {
        await app.people.completeRecovery(RecoveryTicket.parse(ticket.value));
        app.show("login", "The new passkey is let in. Log in with it, and revoke what you have lost.", "done");
      }),
    field("Ticket", ticket, "86 letters and digits, as you got them when the recovery began."),
  );
}
