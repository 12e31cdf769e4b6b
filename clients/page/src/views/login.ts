/** Logging in, and registering. */

import type { App, View } from "../app.js";
import { button, field, form, h, section } from "../dom.js";
import { scopeFields } from "../scope.js";

export function login(app: App): View {
  const passkeyName = h("input", { required: true, maxlength: "64", autocomplete: "off", value: app.device });
  const userName = h("input", { required: true, maxlength: "64", autocomplete: "off", value: "Permafrost" });
  const logIn = button(
    "Log in with a passkey",
    (it) =>
      app.attempt(it, async () => {
        const session = await app.people.login(narrowing.read());
        app.enter(session, await session.keys());
      }),
    "primary",
  );
  const narrowing = scopeFields("session");
  const register = form(
    "Register with a new passkey",
    (it) =>
      app.attempt(it, async () => {
        const names = { passkeyName: passkeyName.value, userName: userName.value };
        const { session, key } = await app.people.register(names);
        app.enter(session, [key]);
      }),
    field("Name of the passkey", passkeyName, "Shown in your list of devices. Only the enclave can read it."),
    field("Name in your password manager", userName, "It goes only to your authenticator."),
  );
  return {
    title: "Log in",
    content: [
      h(
        "p",
        {},
        "Your signing key is in the enclave and never leaves it. With your passkey you open a session of 15 minutes.",
      ),
      h(
        "details",
        {},
        h("summary", {}, "Narrow the session"),
        h("p", {}, "For a device that you do not trust. The enclave refuses everything else in this session."),
        narrowing.content,
      ),
      h("div", { class: "actions" }, logIn),
      section(
        "New here?",
        h(
          "p",
          {},
          "Registering makes a passkey on this device and a signing key in the enclave. It asks for no name and no address.",
        ),
        register,
      ),
    ],
  };
}
