/** The user's keys, and the operations on them that cannot be undone. */

import type { Session, UserKey } from "@permafrost/client";
import type { App, View } from "../app.js";
import { button, checkbox, confirm, h, section } from "../dom.js";
import { copyable, facts, time } from "../show.js";
import { isSplit } from "../split/custody.js";
import { making, shareCards, Waiting } from "./split-keys.js";

export function keys(app: App): View {
  const { user } = app;
  if (user === undefined) {
    return { title: "Keys", content: [] };
  }
  const waiting = new Waiting();
  return {
    title: "Keys",
    stop: () => waiting.stop(),
    content: [
      h(
        "p",
        {},
        "Your passkey approves each of these operations separately. The deployment's configuration says which of them are allowed; ",
        "the enclave refuses the others.",
      ),
      ...user.keys
        .toSorted(byAge)
        .map((key, index, { length }) =>
          keySection(app, user.session, key, waiting, length === 1 ? undefined : index + 1),
        ),
      making(app, user.session, waiting),
    ],
  };
}

function keySection(app: App, session: Session, key: UserKey, waiting: Waiting, number?: number): HTMLElement {
  const [title, name] = number === undefined ? ["Your key", "the key"] : [`Key ${number}`, `key ${number}`];
  const made = facts(
    ["Public key", copyable(key.npub, `the public key of ${name}`)],
    ["State", stateOf(key)],
    ["Made", time(key.created_at)],
    ["Custody", custodyOf(key)],
    ["Shares", renewals(key.generation - 1)],
  );
  if (key.status === "deleted") {
    return section(title, made);
  }
  if (key.status === "disabled") {
    return section(title, made, deleting(app, session, key, name));
  }
  return section(
    title,
    made,
    ...(isSplit(key) ? shareCards(app, session, key, name, waiting) : [renewing(app, session, key, name)]),
    !isSplit(key) && key.replaced_by === undefined && replacing(app, session, key, name),
    disabling(app, session, key, name),
  );
}

function renewing(app: App, session: Session, key: UserKey, name: string): HTMLElement {
  const renew = button(`Renew the shares of ${name}`, (it) =>
    changing(app, it, () => session.rotateKey(key.id), "The shares are renewed. The public key is the same."),
  );
  return card(
    "Renew the shares",
    "The key consists of three shares, and any two of them sign. The enclave makes new shares, which make the old ones useless. The public key stays the same.",
    renew,
  );
}

function replacing(app: App, session: Session, key: UserKey, name: string): HTMLElement {
  const disable = h("input", { type: "checkbox" });
  // The same key, in case a response is lost and the button is pressed again.
  const order = crypto.randomUUID();
  const replace = button(
    `Replace ${name}`,
    async (it) => {
      const end = disable.checked ? "The old key will never sign again. " : "The old key can still sign. ";
      const text = `${end}Anyone who knows you by the old public key has to learn the new one; nothing moves by itself.`;
      if (await confirm(`Replace ${name}?`, text, "Replace it")) {
        await changing(app, it, () => session.replaceKey(key.id, disable.checked, order), "The new key is ready.");
      }
    },
    "danger",
  );
  return card(
    "Replace it",
    "A new key with a new public key takes its place. This can be done once. Anyone who knows you by the old public key has to learn the new one. Whatever belongs to the old key stays with it.",
    checkbox(`Disable ${name} for good`, disable),
    h("div", { class: "actions" }, replace),
  );
}

function disabling(app: App, session: Session, key: UserKey, name: string): HTMLElement {
  const disable = button(
    `Disable ${name}`,
    async (it) => {
      const text = "It will never sign again. This cannot be undone, not even by a recovery.";
      if (await confirm(`Disable ${name}?`, text, "Disable it")) {
        await changing(app, it, () => session.disableKey(key.id), "The key is disabled.");
      }
    },
    "danger",
  );
  return card("Disable it", "It will never sign again. This cannot be undone.", disable);
}

function deleting(app: App, session: Session, key: UserKey, name: string): HTMLElement {
  const remove = button(
    `Delete ${name}`,
    async (it) => {
      const text = "The enclave forgets its shares. This cannot be undone, not even by a recovery.";
      if (await confirm(`Delete ${name}?`, text, "Delete it")) {
        await changing(app, it, () => session.deleteKey(key.id), "The key is deleted.");
      }
    },
    "danger",
  );
  return card(
    "Delete it",
    "The enclave forgets its shares of this key. The public key stays in this list, so that nothing else is ever taken for it.",
    remove,
  );
}

/** Does it, and shows the keys as they are afterwards. */
async function changing(app: App, it: HTMLButtonElement, act: () => Promise<unknown>, done: string): Promise<void> {
  await app.attempt(it, async () => {
    await act();
    await app.learnKeys();
    app.show("keys", done, "done");
  });
}

function card(title: string, text: string, ...children: readonly Node[]): HTMLElement {
  return h("div", { class: "card" }, h("h3", {}, title), h("p", {}, text), ...children);
}

function byAge(one: UserKey, other: UserKey): number {
  return one.created_at - other.created_at || Number(one.replaces !== undefined) - Number(other.replaces !== undefined);
}

function stateOf({ status, replaces, replaced_by }: UserKey): string {
  const words = [
    { enabled: "signs", disabled: "disabled for good", deleted: "deleted" }[status],
    replaced_by === undefined ? "" : "replaced by another",
    replaces === undefined ? "" : "made to replace another",
  ];
  return words.filter((word) => word !== "").join("; ");
}

function custodyOf(key: UserKey): string {
  const { threshold, participants } = key;
  const names = participants.map(({ name, public_key }) => (public_key === undefined ? `${name} (the enclave)` : name));
  return isSplit(key)
    ? `split: ${threshold} of ${names.join(", ")} sign together`
    : `enclave: ${threshold} of ${participants.length} shares sign, and all are in the enclave`;
}

function renewals(times: number): string {
  return ["never renewed", "renewed once"][times] ?? `renewed ${times} times`;
}
