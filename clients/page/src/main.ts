/** Verifies the enclave, and only then offers anything. */

import "./style.css";
import { Enclave } from "@permafrost/client";
import { App, type LoggedIn, type View } from "./app.js";
import { button, h } from "./dom.js";
import { loadExpectation } from "./expectation.js";
import { activity } from "./views/activity.js";
import { devices } from "./views/devices.js";
import { keys } from "./views/keys.js";
import { link } from "./views/link.js";
import { login } from "./views/login.js";
import { policy } from "./views/policy.js";
import { recover } from "./views/recover.js";
import { recovery } from "./views/recovery.js";
import { sign } from "./views/sign.js";
import { verified } from "./views/verified.js";
import { words } from "./words.js";

type Make = (app: App, parameter: string) => View;

/** Without a session: the name in the address, the name in the menu, the view. */
const OPEN: readonly (readonly [string, string, Make])[] = [
  ["login", "Log in", login],
  ["link", "Link this device", link],
  ["recover", "Recover", recover],
  ["enclave", "Enclave", verified],
];

/** With a session. */
const OWN: readonly (readonly [string, string, Make])[] = [
  ["sign", "Sign", sign],
  ["keys", "Keys", keys],
  ["devices", "Devices", devices],
  ["policy", "Policy", policy],
  ["recovery", "Recovery", recovery],
  ["activity", "Activity", activity],
  ["enclave", "Enclave", verified],
];

const menu = h("nav", { "aria-label": "Views" });
const clock = h("div", { class: "session" });
const status = h("div", { class: "status", role: "status", "aria-live": "polite" });
const main = h("main", { id: "main", tabindex: "-1" });
let current: View | undefined;
let warned: LoggedIn["session"] | undefined;

document.body.append(
  h("a", { class: "skip", href: "#main" }, "Skip to the content"),
  h("header", {}, h("a", { class: "name", href: "#/enclave" }, "Permafrost"), clock, menu),
  status,
  main,
);
document.querySelector(".skip")?.addEventListener("click", (event) => {
  event.preventDefault();
  main.focus();
});
void begin();

async function begin(): Promise<void> {
  place({
    title: "Verifying the enclave",
    content: [h("p", {}, "Nothing is sent to the enclave until this page has verified it.")],
  });
  let app: App;
  try {
    const expectation = await loadExpectation();
    const enclave = await Enclave.connect(expectation.options);
    app = new App(expectation, enclave, show, say);
  } catch (error) {
    const again = button("Try again", () => void begin());
    place({
      title: "The enclave is not verified",
      content: [
        h("p", {}, words(error)),
        h("p", {}, "This page sends nothing to an enclave that it cannot verify."),
        again,
      ],
    });
    return;
  }
  let beside = () => say("");
  window.addEventListener("hashchange", route);
  setInterval(tick, 1000);
  route();

  /** Shows a view, which may be the current one. */
  function show(view: string, text = "", kind?: "done" | "failed"): void {
    beside = () => say(text, kind);
    if (location.hash === `#/${view}`) {
      route();
    } else {
      location.hash = `#/${view}`;
    }
  }

  function route(): void {
    const [, name = "", parameter = ""] = /^#\/([a-z]*)(?:\/([A-Za-z0-9_-]*))?$/.exec(location.hash) ?? [];
    if (parameter !== "") {
      // Codes do not stay in the address bar.
      history.replaceState(null, "", `#/${name}`);
    }
    const views = app.user === undefined ? OPEN : OWN;
    const [at, , make] = views.find(([known]) => known === name) ?? views[0] ?? ["enclave", "Enclave", verified];
    menu.replaceChildren(
      ...views.map(([known, label]) =>
        h("a", { href: `#/${known}`, "aria-current": known === at ? "page" : undefined }, label),
      ),
    );
    beside();
    beside = () => say("");
    showSession();
    place(make(app, parameter));
  }

  function showSession(): void {
    const { user } = app;
    if (user === undefined) {
      clock.replaceChildren();
      return;
    }
    const out = button("Log out", (it) =>
      app.attempt(it, async () => {
        await user.session.end();
        app.leave("You are logged out. The enclave has ended the session.");
      }),
    );
    clock.replaceChildren(h("span", { class: "remaining" }, remaining(user.session.remainingS())), out);
  }

  function tick(): void {
    const { user } = app;
    const seconds = user?.session.remainingS();
    if (seconds === undefined) {
      return;
    }
    if (seconds <= 0) {
      app.leave("Your session is over: sessions last 15 minutes. Log in again.");
      return;
    }
    if (seconds <= WARNING_S && warned !== user?.session) {
      warned = user?.session;
      say("Your session ends in a minute. Anything that you have not sent by then is lost.");
    }
    clock.querySelector(".remaining")?.replaceChildren(remaining(seconds));
  }
}

function place(view: View): void {
  current?.stop?.();
  current = view;
  document.title = `${view.title} - Permafrost`;
  const heading = h("h1", { tabindex: "-1" }, view.title);
  main.replaceChildren(heading, ...view.content);
  heading.focus();
}

function say(text: string, kind: "done" | "failed" | undefined = undefined): void {
  status.className = kind === undefined ? "status" : `status ${kind}`;
  status.replaceChildren(text);
}

function remaining(seconds: number): string {
  const minutes = Math.floor(seconds / 60);
  return `Session: ${minutes}:${String(seconds % 60).padStart(2, "0")}`;
}

const WARNING_S = 60;
