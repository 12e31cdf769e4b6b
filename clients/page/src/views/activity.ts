/** What happened to the user, as the enclave keeps it in the sealed record. */

import type { Activity, User } from "@permafrost/client";
import type { App, View } from "../app.js";
import { button, h } from "../dom.js";
import { time } from "../show.js";

export function activity(app: App): View {
  const session = app.user?.session;
  const rows = h("tbody");
  if (session === undefined) {
    return { title: "Activity", content: [] };
  }
  const show = (user: User) => rows.replaceChildren(...user.activity.map((step) => row(user, step)));
  show(session.user);
  const refresh = button("Refresh", (it) =>
    app.attempt(it, async () => show(await session.refresh()), "This is the enclave's current list."),
  );
  return {
    title: "Activity",
    content: [
      h(
        "p",
        {},
        "The last 100 steps, newest first. If you do not recognise one, revoke the passkey that it came from.",
      ),
      h(
        "div",
        { class: "scroll", tabindex: "0", role: "region", "aria-label": "Activity" },
        h(
          "table",
          {},
          h("thead", {}, h("tr", {}, ...["When", "What", "Which"].map((name) => h("th", { scope: "col" }, name)))),
          rows,
        ),
      ),
      refresh,
    ],
  };
}

function row(user: User, { at, what, detail }: Activity): HTMLTableRowElement {
  return h("tr", {}, h("td", {}, time(at)), h("td", {}, STEPS[what] ?? what), h("td", {}, which(user, detail)));
}

/** The passkey's name or the session's device, if it still exists; otherwise the beginning of the id. */
function which(user: User, detail: string): Node | string {
  if (detail === "") {
    return "";
  }
  const passkey = user.passkeys.find(({ id }) => id === detail);
  const session = user.sessions.find(({ id }) => id.endsWith(`.${detail}`));
  return passkey?.name ?? (session?.device || h("code", {}, detail.slice(0, 8)));
}

const STEPS: Readonly<Record<string, string>> = {
  registered: "Registered",
  logged_in: "Logged in",
  session_ended: "A session ended",
  link_created: "A link code was made",
  passkey_offered: "Another device offered a passkey",
  passkey_added: "A passkey was added",
  passkey_renamed: "A passkey was renamed",
  passkey_revoked: "A passkey was revoked",
  policy_set: "The policy was set",
  recovery_codes_made: "Recovery codes were made",
  recovery_code_wrong: "Someone tried a wrong recovery code",
  guardians_set: "Guardians were named",
  guardian_approved: "You approved as a guardian",
  recovery_started: "A recovery was started",
  recovery_approved: "A guardian approved a recovery",
  recovery_cancelled: "A recovery was cancelled",
  recovered: "A recovery was completed",
  rotate_key: "Your key's shares were renewed",
  start_refresh: "New shares of your key were asked for",
  start_reshare: "Other participants of your key were asked for",
  replace_key: "Your key was replaced",
  disable_key: "Your key was disabled",
  delete_key: "Your key was deleted",
};
