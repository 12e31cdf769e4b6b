/** Preparing for a recovery, helping with one, and cancelling one. */

import { type Recovery, RecoveryTicket, type Session, type User } from "@permafrost/client";
import type { App, View } from "../app.js";
import { button, confirm, field, form, h, section } from "../dom.js";
import { copyable, digest, facts, time } from "../show.js";

export function recovery(app: App): View {
  const session = app.user?.session;
  if (session === undefined) {
    return { title: "Recovery", content: [] };
  }
  const underWay = h("div", {});
  const show = (user: User) => {
    const cards = user.recoveries.map((each) => recoveryCard(app, session, each, show));
    underWay.replaceChildren(...(cards.length > 0 ? cards : [h("p", {}, "None.")]));
  };
  show(session.user);
  const look = button("Look again", (it) => app.attempt(it, async () => show(await session.refresh())));
  return {
    title: "Recovery",
    content: [
      section("Under way", underWay, look),
      section(
        "Your user id",
        h("p", {}, "Recovery asks for it. Put it on your recovery sheet, and give it to your guardians."),
        copyable(session.user.id, "the user id"),
      ),
      section("Recovery codes", codes(app, session)),
      section("Guardians", guardians(app, session)),
      section("Help somebody", helping(app, session)),
    ],
  };
}

function recoveryCard(app: App, session: Session, recovery: Recovery, show: (user: User) => void): HTMLElement {
  const cancel = button(
    "Cancel this recovery",
    (it) => app.attempt(it, async () => show(await session.cancelRecovery(recovery.id)), "The recovery is cancelled."),
    "danger",
  );
  return h(
    "div",
    { class: "card" },
    h("h3", {}, `New passkey: ${recovery.passkey_name}`),
    facts(
      ["Started", time(recovery.started_at)],
      [
        "May be completed",
        recovery.ready_at === undefined
          ? `after the guardians: ${recovery.approvals} have approved`
          : time(recovery.ready_at),
      ],
      ["Key of the new passkey", digest(recovery.public_key_digest)],
    ),
    h("p", {}, "If that is not you, cancel it."),
    h("div", { class: "actions" }, cancel),
  );
}

function codes(app: App, session: Session): HTMLElement {
  const left = h("p", {}, `You have ${session.user.recovery_codes} unused codes.`);
  const place = h("div", { "aria-live": "polite" });
  const make = button("Make ten new codes", async (it) => {
    const text = "The codes that you have are worth nothing then.";
    if (session.user.recovery_codes > 0 && !(await confirm("Make new codes?", text, "Make new codes"))) {
      return;
    }
    await app.attempt(it, async () => {
      const made = await session.createRecoveryCodes();
      left.replaceChildren(`You have ${made.length} unused codes.`);
      place.replaceChildren(
        h(
          "p",
          {},
          "They are shown this once: the enclave keeps only what checks them. Print them, or write them down, with your user id.",
        ),
        copyable([`User id: ${session.user.id}`, ...made].join("\n"), "the recovery codes", 2),
        button("Print", () => print()),
      );
    });
  });
  return h("div", {}, left, make, place);
}

function guardians(app: App, session: Session): HTMLElement {
  const { guardians } = session.user;
  const users = h("textarea", { rows: "4", autocomplete: "off", spellcheck: "false" });
  users.value = guardians?.users.join("\n") ?? "";
  const threshold = h("input", {
    type: "number",
    min: "0",
    max: "10",
    required: true,
    value: String(guardians?.threshold ?? 0),
  });
  return form(
    "Set the guardians",
    (it) =>
      app.attempt(
        it,
        async () => {
          const ids = users.value.split(/\s+/).filter((id) => id !== "");
          await session.setGuardians({ threshold: Number(threshold.value), users: ids.map((id) => id.toLowerCase()) });
        },
        "The guardians are named.",
      ),
    h(
      "p",
      {},
      "Other users who, enough of them together, can begin a recovery for you. None of them can use your key.",
    ),
    field("Their user ids, one a line", users, "At most ten."),
    field("How many it takes", threshold, "1 or more. For no guardians, leave the ids empty and put 0."),
  );
}

function helping(app: App, session: Session): HTMLElement {
  const text = h("textarea", { rows: "3", required: true, autocomplete: "off", spellcheck: "false" });
  const place = h("div", { "aria-live": "polite" });
  const check = form(
    "Look at the ticket",
    (it) =>
      app.attempt(it, async () => {
        const ticket = RecoveryTicket.parse(text.value);
        place.replaceChildren(ticketCard(app, session, ticket));
      }),
    field("Ticket", text, "From somebody who has named you as a guardian. Make sure that it is from them: call them."),
  );
  return h("div", {}, check, place);
}

function ticketCard(app: App, session: Session, ticket: RecoveryTicket): HTMLElement {
  const approve = button(
    "Approve this recovery",
    (it) =>
      app.attempt(it, async () => {
        const { approvals, ready_at } = await session.approveRecovery(ticket);
        const delay = ready_at === undefined ? "It takes more guardians." : "The delay has begun.";
        app.say(`Approved, with ${approvals} so far. ${delay}`, "done");
      }),
    "primary",
  );
  return h(
    "div",
    { class: "card" },
    h("h3", {}, "A recovery"),
    facts(["Of the user", digest(ticket.user)], ["Key of the new passkey", digest(ticket.publicKeyDigest)]),
    h("div", { class: "actions" }, approve),
  );
}
