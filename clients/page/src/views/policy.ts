/** What all sessions of the user may do. */

import type { App, View } from "../app.js";
import { form, h, section } from "../dom.js";
import { scopeFields, scopeWords } from "../scope.js";
import { facts } from "../show.js";

export function policy(app: App): View {
  const session = app.user?.session;
  if (session === undefined) {
    return { title: "Policy", content: [] };
  }
  const fields = scopeFields("policy", session.user.policy);
  const change = form(
    "Set the policy",
    (it) =>
      app.attempt(it, async () => {
        await session.setPolicy(fields.read());
        app.show("policy", "The policy is set: it holds for every session from now on.", "done");
      }),
    fields.content,
    h("p", {}, "Your passkey approves the change. It is taken back here, in the same way."),
  );
  return {
    title: "Policy",
    content: [
      h(
        "p",
        {},
        "What all your sessions may do, on every device. It takes away from what this deployment allows, and never adds to it. ",
        "One session alone can be narrowed further when you log in.",
      ),
      section("What it leaves now", facts(...scopeWords(session.user.policy))),
      section(
        "Change it",
        h(
          "p",
          {},
          "Looking, logging out, cancelling a recovery and setting the policy cannot be taken away: there would be no way back.",
        ),
        change,
      ),
      section(
        "What is signed at all",
        h(
          "p",
          {},
          "This page has Nostr events signed, and nothing else. Which payloads the deployment takes is its configuration's to say.",
        ),
      ),
    ],
  };
}
