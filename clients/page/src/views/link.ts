/** The second device's side of a link. */

import type { App, View } from "../app.js";
import { button, field, form, h, section } from "../dom.js";
import { digest } from "../show.js";

export function link(app: App, parameter: string): View {
  const code = h("input", {
    required: true,
    autocomplete: "off",
    autocapitalize: "characters",
    spellcheck: "false",
    value: parameter,
  });
  const passkeyName = h("input", { required: true, maxlength: "64", autocomplete: "off", value: app.device });
  const userName = h("input", { required: true, maxlength: "64", autocomplete: "off", value: "Permafrost" });
  const place = h("div", { "aria-live": "polite" });
  const offer = form(
    "Make a passkey and offer it",
    (it) =>
      app.attempt(it, async () => {
        const names = { passkeyName: passkeyName.value, userName: userName.value };
        const passkey = await app.people.offerPasskey(code.value, names);
        offer.hidden = true;
        place.replaceChildren(offered(app, passkey.public_key_digest));
      }),
    field("Link code", code, "The 20 letters and digits that the first device shows."),
    field("Name of the passkey", passkeyName, "Shown in your list of devices."),
    field("Name in your password manager", userName, "It goes only to your authenticator."),
  );
  return {
    title: "Link this device",
    content: [h("p", {}, "On a device where you are logged in, choose Devices and make a link code."), offer, place],
  };
}

function offered(app: App, publicKeyDigest: string): HTMLElement {
  const logIn = button(
    "Log in",
    (it) =>
      app.attempt(it, async () => {
        const session = await app.people.login();
        app.enter(session, await session.keys());
      }),
    "primary",
  );
  return section(
    "Compare",
    h(
      "p",
      {},
      "The first device shows digits, too. If they are the same as these, accept this device there, then log in here.",
    ),
    digest(publicKeyDigest),
    h("div", { class: "actions" }, logIn),
  );
}
