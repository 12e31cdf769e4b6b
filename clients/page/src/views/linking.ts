/** The first device's side of a link: a code, and then the comparison with what another device offers. */

import type { Passkey, Session, User } from "@permafrost/client";
import type { App } from "../app.js";
import { button, h } from "../dom.js";
import { qrCode } from "../qr.js";
import { copyable, digest, time } from "../show.js";

/** Looks for offers of another device while the view is open; `stop` ends that. */
export function linking(app: App, session: Session, show: (user: User) => void): { content: Node; stop: () => void } {
  const code = h("div", {});
  const offers = h("div", { "aria-live": "polite" });
  let shown = "";

  const showOffers = (user: User) => {
    show(user);
    const pending = user.passkeys.filter(({ status }) => status === "pending");
    const ids = pending.map(({ id }) => id).join();
    if (ids !== shown) {
      shown = ids;
      if (pending.length > 0) {
        // A code is valid for one offer, and this is it.
        code.replaceChildren();
      }
      offers.replaceChildren(...pending.map((each) => offer(app, session, each, showOffers)));
    }
  };
  const look = setInterval(async () => {
    if (code.hasChildNodes() && document.visibilityState === "visible") {
      await session.refresh().then(showOffers, () => undefined);
    }
  }, LOOK_EVERY_MS);
  const make = button("Link another device", (it) =>
    app.attempt(it, async () => {
      const link = await session.createLink();
      const address = `${location.origin}${location.pathname}#/link/${link.code}`;
      code.replaceChildren(
        h(
          "p",
          {},
          "On the other device, scan this code, or open this page and choose \u201cLink this device\u201d. Valid once, until ",
          time(link.expires_at),
          ".",
        ),
        qrCode(address, "QR code of the link code below"),
        copyable(link.code, "the link code"),
        h("p", {}, "Then come back to this page. The other device's passkey appears here for you to compare."),
      );
    }),
  );
  showOffers(session.user);
  return {
    content: h("div", {}, h("p", {}, "A passkey that your password manager syncs needs no link."), make, code, offers),
    stop: () => clearInterval(look),
  };
}

function offer(app: App, session: Session, passkey: Passkey, show: (user: User) => void): HTMLElement {
  const approve = button(
    "They are the same: accept it",
    (it) =>
      app.attempt(it, async () => show(await session.approvePasskey(passkey)), "The other device can log in now."),
    "primary",
  );
  const refuse = button(
    "They differ: refuse it",
    (it) => app.attempt(it, async () => show(await session.revokePasskey(passkey.id)), "The offer is refused."),
    "danger",
  );
  return h(
    "div",
    { class: "card" },
    h("h3", {}, `Offered: ${passkey.name}`),
    h("p", {}, "The other device must show exactly these digits. Compare all of them before you accept it."),
    digest(passkey.public_key_digest),
    h("div", { class: "actions" }, approve, refuse),
  );
}

const LOOK_EVERY_MS = 3000;
