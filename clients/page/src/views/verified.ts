/** What was checked of the enclave, in words. */

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
        "Before anything was sent, this page asked the enclave for proof of what it is, made for this very visit, and checked it:",
      ),
      checks(app),
      again,
      details(app),
      section(
        "What this does not show",
        h(
          "p",
          {},
          `Whoever serves this page (${location.host}) could serve another one that checks nothing. If that matters to you, take the page `,
          "from somebody else, or build it, and compare the digest of its files with the published one.",
        ),
        h(
          "p",
          {},
          "The server in front of the enclave sees from where, when and how many bytes are sent. It sees nothing of what they say.",
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
    ? "AWS Nitro Enclaves, whose certificate is part of this page"
    : "the certificate in permafrost.json. It is not AWS's: this is not for production";
  return h(
    "ul",
    { class: "checks" },
    h("li", {}, h("strong", {}, "The root of trust. "), `The proof is signed under the root of ${root}.`),
    h("li", {}, h("strong", {}, "The code. "), `The program that runs is ${release}. (PCR1)`),
    h("li", {}, h("strong", {}, "The configuration. "), `Its rules are those of ${configuration}. (PCR2)`),
    h("li", {}, h("strong", {}, "The deployment. "), `It is ${expectation.deployment}.`),
    h("li", {}, h("strong", {}, "No debug mode. "), "The machine around the enclave cannot read its memory."),
    h(
      "li",
      {},
      h("strong", {}, "Now. "),
      "The proof was made for a number that this page had just drawn, at ",
      time(timestampMs / 1000),
      ".",
    ),
    h(
      "li",
      {},
      h("strong", {}, "Requests. "),
      "They are encrypted to a key that the proof names, so only this enclave reads them.",
    ),
    h(
      "li",
      {},
      h("strong", {}, "Answers. "),
      "Each is signed by a key that the proof names, for the very request that was sent.",
    ),
  );
}

function details({ enclave }: App): HTMLDetailsElement {
  const { verified, binding, name } = enclave.boot;
  const pcr = (index: number) => digest(hex(verified.pcrs.get(index)));
  return h(
    "details",
    {},
    h("summary", {}, "The numbers"),
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
