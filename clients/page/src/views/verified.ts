/** What was checked about the enclave, as text. */

import type { App, View } from "../app.js";
import { button, h, section } from "../dom.js";
import type { Named } from "../expectation.js";
import { digest, facts, time } from "../show.js";

export function verified(app: App): View {
  const again = button("Verify again", (it) =>
    app.attempt(it, async () => {
      await app.enclave.verifyAgain();
      app.show("enclave");
    }),
  );
  return {
    title: "The enclave is verified",
    content: [
      h(
        "p",
        {},
        "Before it sent anything else, this page asked the enclave for a proof of what it is, made for this very visit, and checked it:",
      ),
      checks(app),
      again,
      details(app),
      section(
        "What this does not prove",
        h(
          "p",
          {},
          `The server of this page (${location.host}) could serve another page that checks nothing. If that matters to you, get the page `,
          "from someone else or build it yourself, and compare the digest of its files with the published one.",
        ),
        h(
          "p",
          {},
          "The server in front of the enclave sees where requests come from, when they are sent and how long they are. It cannot read them.",
        ),
      ),
    ],
  };
}

function checks({ expectation, enclave }: App): HTMLUListElement {
  const { pcrs, timestampMs } = enclave.boot.verified;
  const release = nameOf(expectation.releases, pcrs.get(1));
  const configuration = nameOf(expectation.configurations, pcrs.get(2));
  const root = expectation.isAwsRoot
    ? "the root certificate of AWS Nitro Enclaves, which is part of this page"
    : "a root certificate that permafrost.json names. It is not AWS's, so this is not a production enclave";
  return h(
    "ul",
    { class: "checks" },
    h("li", {}, h("strong", {}, "The root certificate. "), `The proof leads to ${root}.`),
    h("li", {}, h("strong", {}, "The code. "), `The enclave runs ${release}. (PCR1)`),
    h("li", {}, h("strong", {}, "The configuration. "), `It is configured with ${configuration}. (PCR2)`),
    h("li", {}, h("strong", {}, "The deployment. "), `It is called ${expectation.deployment}.`),
    h("li", {}, h("strong", {}, "No debug mode. "), "The machine around the enclave cannot read the enclave's memory."),
    h(
      "li",
      {},
      h("strong", {}, "Freshness. "),
      "The proof contains a random number that this page had just chosen. It was made at ",
      time(timestampMs / 1000),
      ".",
    ),
    h(
      "li",
      {},
      h("strong", {}, "Requests. "),
      "They are encrypted to a key that the proof names, so only this enclave can read them.",
    ),
    h(
      "li",
      {},
      h("strong", {}, "Responses. "),
      "Each is signed with a key that the proof names, for the very request that was sent.",
    ),
  );
}

function details({ enclave }: App): HTMLDetailsElement {
  const { verified, binding, name } = enclave.boot;
  const pcr = (index: number) => digest(hex(verified.pcrs.get(index)));
  return h(
    "details",
    {},
    h("summary", {}, "Details"),
    facts(
      ["PCR0, code and configuration", pcr(0)],
      ["PCR1, code", pcr(1)],
      ["PCR2, configuration", pcr(2)],
      ["SHA-256 of the configuration", digest(hex(binding.configuration))],
      ["SHA-256 of the root certificate", digest(hex(verified.rootSha256))],
      ["Enclave", h("code", {}, verified.moduleId)],
      ["Boot", h("code", { class: "digest" }, name)],
    ),
  );
}

function nameOf(known: readonly Named[], pcr: Uint8Array | undefined): string {
  return known.find((each) => each.pcr === hex(pcr))?.name ?? "unknown";
}

function hex(bytes: Uint8Array | undefined): string {
  return Array.from(bytes ?? [], (byte) => byte.toString(16).padStart(2, "0")).join("");
}
