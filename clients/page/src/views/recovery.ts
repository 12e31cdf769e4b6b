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
  const look = button("Refresh", (it) => app.attempt(it, async () => show(await session.refresh())));
  return {
    title: "Recovery",
    content: [
      section("Under way", underWay, look),
      section(
        "Your user id",
        h("p", {}, "You need it for a recovery. Put it on your recovery sheet, and give it to your guardians."),
        copyable(session.user.id, "the user id"),
      ),
      section("Recovery codes", codes(app, session)),
      section("Guardians", guardians(app, session)),
      section("Help someone", helping(app, session)),
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
        "Can be completed",
        recovery.ready_at === undefined
          ? `after the guardians' approval (${recovery.approvals} so far) and the delay`
          : time(recovery.ready_at),
      ],
      ["Key of the new passkey", digest(recovery.public_key_digest)],
    ),
    h("p", {}, "If this was not you, cancel it."),
    h("div", { class: "actions" }, cancel),
  );
}

function codes(app: App, session: Session): HTMLElement {
  const left = h("p", {}, `You have ${session.user.recovery_codes} unused codes.`);
  const place = h("div", { "aria-live": "polite" });
  const make = button("Make ten new codes", async (it) => {
    const text = "The codes that you have now will stop working.";
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
          "The codes are shown only once: the enclave keeps only what it needs to check them. Print them or write them down, together with your user id.",
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
        "The guardians are set.",
      ),
    h(
      "p",
      {},
      "Guardians are other users. Enough of them together can begin a recovery for you. None of them can use your key.",
    ),
    field("Their user ids, one per line", users, "At most ten."),
    field("How many have to approve", threshold, "At least 1. To have no guardians, leave the ids empty and enter 0."),
  );
}

function helping(app: App, session: Session): HTMLElement {
  const text = h("textarea", { rows: "3", required: true, autocomplete: "off", spellcheck: "false" });
  const place = h("div", { "aria-live": "polite" });
  const check = form(
    "Check the ticket",
    (it) =>
      app.attempt(it, async () => {
        const ticket = RecoveryTicket.parse(text.value);
        place.replaceChildren(ticketCard(app, session, ticket));
      }),
    field("Ticket", text, "From someone who has named you as a guardian. Call them to make sure that it is theirs."),
  );
  return h("div", {}, check, place);
}

function ticketCard(app: App, session: Session, ticket: RecoveryTicket): HTMLElement {
  const approve = button(
    "Approve this recovery",
    (it) =>
      app.attempt(it, async () => {
        const { approvals, ready_at } = await session.approveRecovery(ticket);
        const delay = ready_at === undefined ? "More guardians have to approve." : "The delay has begun.";
        app.say(`Approved: ${approvals} so far. ${delay}`, "done");
      }),
    "primary",
  );
  return h(
    "div",
    { class: "card" },
    h("h3", {}, "A recovery"),
    facts(["User", digest(ticket.user)], ["Key of the new passkey", digest(ticket.publicKeyDigest)]),
    h("div", { class: "actions" }, approve),
  );
}
