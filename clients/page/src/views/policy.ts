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
        app.show("policy", "The policy is set. It applies to every session from now on.", "done");
      }),
    fields.content,
    h("p", {}, "Your passkey approves the change. You can undo it here in the same way."),
  );
  return {
    title: "Policy",
    content: [
      h(
        "p",
        {},
        "The policy says what all your sessions may do, on every device. It can only narrow what this deployment allows. ",
        "You can narrow a single session further when you log in.",
      ),
      section("What it allows now", facts(...scopeWords(session.user.policy))),
      section(
        "Change it",
        h(
          "p",
          {},
          "Viewing, logging out, cancelling a recovery and setting the policy always stay allowed. Otherwise you could lock yourself out.",
        ),
        change,
      ),
      section(
        "What can be signed",
        h(
          "p",
          {},
          "This page signs Nostr events and nothing else. The deployment's configuration says which kinds of payload it signs.",
        ),
      ),
    ],
  };
}
