/** Passkeys, sessions, and adding another device. */

import type { Passkey, Session, SessionInfo, User } from "@permafrost/client";
import type { App, View } from "../app.js";
import { button, confirm, field, form, h, section } from "../dom.js";
import { scopeWords } from "../scope.js";
import { digest, facts, time } from "../show.js";
import { linking } from "./linking.js";

export function devices(app: App): View {
  const session = app.user?.session;
  if (session === undefined) {
    return { title: "Devices", content: [] };
  }
  const passkeys = h("ul", { class: "cards" });
  const sessions = h("ul", { class: "cards" });
  const show = (user: User) => {
    const active = user.passkeys.filter(({ status }) => status === "active");
    passkeys.replaceChildren(...active.map((each) => passkeyCard(app, session, each, show)));
    sessions.replaceChildren(...user.sessions.map((each) => sessionCard(app, session, user, each, show)));
  };
  const link = linking(app, session, show);
  show(session.user);
  return {
    title: "Devices",
    content: [section("Passkeys", passkeys), section("Sessions", sessions), section("Another device", link.content)],
    stop: link.stop,
  };
}

function passkeyCard(app: App, session: Session, passkey: Passkey, show: (user: User) => void): HTMLLIElement {
  const isThis = passkey.id === session.info.passkey;
  const name = h("input", { required: true, maxlength: "64", autocomplete: "off", value: passkey.name });
  const rename = form(
    "Rename",
    (it) => app.attempt(it, async () => show(await session.renamePasskey(passkey.id, name.value)), "Renamed."),
    field(`New name of ${passkey.name}`, name),
  );
  const revoke = button(
    "Revoke",
    async (it) => {
      const text = isThis
        ? "You used it for this session, which will end. You can never log in with it again."
        : "The sessions that it opened will end. You can never log in with it again.";
      if (await confirm(`Revoke ${passkey.name}?`, text, "Revoke")) {
        await app.attempt(it, async () => {
          const user = await session.revokePasskey(passkey.id);
          if (isThis) {
            app.leave("The passkey is revoked, and its session has ended.");
          } else {
            show(user);
            app.say("Revoked.", "done");
          }
        });
      }
    },
    "danger",
  );
  revoke.setAttribute("aria-label", `Revoke ${passkey.name}`);
  return h(
    "li",
    {},
    marked(passkey.name, isThis && "used for this session"),
    facts(
      ["Added", time(passkey.added_at)],
      ["Last used", passkey.used_at === 0 ? "never" : time(passkey.used_at)],
      ["Stored", passkey.backed_up ? "synced by your password manager" : "on one device"],
    ),
    h("details", {}, h("summary", {}, `Rename ${passkey.name}`), rename),
    h("div", { class: "actions" }, revoke),
  );
}

function sessionCard(
  app: App,
  session: Session,
  user: User,
  info: SessionInfo,
  show: (user: User) => void,
): HTMLLIElement {
  const isThis = info.id === session.info.id;
  const by = user.passkeys.find(({ id }) => id === info.passkey)?.name ?? "a revoked passkey";
  const device = info.device || "An unnamed device";
  const end = button("End", (it) =>
    app.attempt(it, async () => show(await session.end(info.id)), "The session has ended."),
  );
  end.setAttribute("aria-label", `End the session of ${device}, ${by}`);
  return h(
    "li",
    {},
    marked(device, isThis && "this one"),
    facts(
      ["Opened with", by],
      ["Since", time(info.created_at)],
      ["Until", time(info.expires_at)],
      ...(info.scope === undefined ? [] : scopeWords(info.scope)),
      ["Fingerprint", digest(info.fingerprint.slice(0, 16))],
    ),
    h("div", { class: "actions" }, !isThis && end),
  );
}

/** A heading, and a mark after it that screen readers read separately. */
function marked(name: string, mark: string | false): HTMLHeadingElement {
  return h("h3", {}, name, mark && " ", mark && h("span", { class: "mark" }, mark));
}
