/** Recovery for users who have no passkey left. */

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
        "You need a recovery code, or the approval of guardians whom you have named. Then there is a delay, during which anyone who still has one of your passkeys can cancel the recovery.",
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
    field("User id", user, "32 digits and letters from a to f, from your recovery sheet or a guardian."),
    field("Recovery code", code, "Leave it empty to ask your guardians."),
    field("Name of the new passkey", passkeyName),
    field("Name in your password manager", userName, "It goes only to your authenticator."),
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
    h("p", {}, "Keep this ticket, because this page keeps nothing. It is not secret."),
    copyable(String(ticket), "the ticket"),
    h("p", {}, next),
    facts(
      [
        "Can be completed",
        recovery.ready_at === undefined ? "after the guardians' approval and the delay" : time(recovery.ready_at),
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
        app.show(
          "login",
          "The new passkey is accepted. Log in with it, and revoke the passkeys that you have lost.",
          "done",
        );
      }),
    field("Ticket", ticket, "The 86 characters that you received when the recovery began."),
  );
}
