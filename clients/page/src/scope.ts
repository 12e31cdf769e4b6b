/** What sessions may do, as text, and the fields that narrow it. */

import type { Scope } from "@permafrost/client";
import { button, checkbox, field, h } from "./dom.js";

/** What a scope narrows: one session, or, as the policy, all sessions of the user. */
export type Narrowed = "session" | "policy";

interface Right {
  readonly label: string;
  readonly operations: readonly string[];
  /** A policy never removes these: no one could ever restore them, or stop a thief. */
  readonly stays?: true;
}

/** The fields, filled with a scope, and how to read them. */
export function scopeFields(narrowed: Narrowed, scope: Scope = {}): { content: Node; read: () => Scope } {
  const boxes = offered(narrowed).map((right) => ({
    right,
    box: h("input", { type: "checkbox", checked: has(scope.operations, right) }),
  }));
  const onlySign = button("Allow only signing", () => {
    for (const { right, box } of boxes) {
      box.checked = right.operations.includes("sign");
    }
  });
  const kinds = h("input", { autocomplete: "off", value: scope.nostr_kinds && (scope.nostr_kinds.join(", ") || NONE) });
  const hint = "Numbers separated by commas, or the word none. Empty: all kinds. 1 is a short text note (NIP-01).";
  return {
    content: h(
      "div",
      {},
      h(
        "fieldset",
        {},
        h("legend", {}, narrowed === "session" ? "This session may" : "Your sessions may"),
        ...boxes.map(({ right, box }) => checkbox(right.label, box)),
        h("div", { class: "actions" }, onlySign),
      ),
      field("Only these kinds of Nostr events", kinds, hint),
    ),
    read: () => ({
      ...operationsOf(
        narrowed,
        boxes.filter(({ box }) => box.checked).map(({ right }) => right),
      ),
      ...(scope.keys === undefined ? {} : { keys: scope.keys }),
      ...kindsOf(kinds.value),
    }),
  };
}

/** What a scope leaves, as rows for {@link facts}. */
export function scopeWords({ operations, keys, nostr_kinds }: Scope = {}): (readonly [string, string])[] {
  const rights = RIGHTS.filter((right) => has(operations, right)).map(({ label }) => label.toLowerCase());
  return [
    ["Operations", operations === undefined ? "not narrowed" : rights.join("; ") || "none that this page has"],
    ["Kinds of events", nostr_kinds === undefined ? "not narrowed" : nostr_kinds.join(", ") || NONE],
    ...(keys === undefined ? [] : ([["Keys", keys.map((id) => id.slice(0, 8)).join(", ") || "none"]] as const)),
  ];
}

/** What a scope can remove. */
function offered(narrowed: Narrowed): readonly Right[] {
  return RIGHTS.filter(({ stays }) => narrowed === "session" || !stays);
}

function has(operations: Scope["operations"], right: Right): boolean {
  return operations === undefined || right.operations.every((operation) => operations.includes(operation));
}

/** Left out if nothing is narrowed, so that it does not remove what a later release adds. */
function operationsOf(narrowed: Narrowed, chosen: readonly Right[]): Pick<Scope, "operations"> {
  const choices = offered(narrowed);
  if (chosen.length === choices.length) {
    return {};
  }
  const kept = RIGHTS.filter((right) => !choices.includes(right));
  const operations = [...NEEDED, ...[...chosen, ...kept].flatMap(({ operations }) => operations)];
  return { operations: [...new Set(operations)] };
}

/** @throws {TypeError} for anything but up to 64 numbers of 16 bits, or the word `none`. */
function kindsOf(text: string): Pick<Scope, "nostr_kinds"> {
  if (text.trim().toLowerCase() === NONE) {
    return { nostr_kinds: [] };
  }
  const parts = text.split(/[\s,]+/).filter((part) => part !== "");
  if (parts.length > 64 || !parts.every((part) => /^\d{1,5}$/.test(part) && Number(part) <= 65535)) {
    throw new TypeError(
      "The kinds of events must be at most 64 numbers from 0 to 65535, separated by commas, or the word none.",
    );
  }
  return parts.length === 0 ? {} : { nostr_kinds: parts.map(Number) };
}

/** What this page always needs: to find the key, and to log out. */
const NEEDED = ["list_keys", "show_key", "end_session"];

const RIGHTS: readonly Right[] = [
  { label: "Sign", operations: ["sign"] },
  { label: "Make a key together with the enclave", operations: ["create_key", "take_part"] },
  { label: "Renew a key's shares, and replace lost ones", operations: ["rotate_key", "take_part"] },
  { label: "Replace a key", operations: ["replace_key"] },
  { label: "Name keys", operations: ["label_key"] },
  { label: "Disable a key", operations: ["disable_key"] },
  { label: "Delete a disabled key", operations: ["delete_key"] },
  {
    label: "Link, rename and revoke passkeys",
    operations: ["create_link", "approve_passkey", "rename_passkey", "revoke_passkey"],
  },
  {
    label: "Make recovery codes, name guardians and act as one",
    operations: ["create_recovery_codes", "set_guardians", "approve_recovery"],
  },
  { label: "Cancel a recovery", operations: ["cancel_recovery"], stays: true },
  { label: "See passkeys, sessions and activity", operations: ["show_user"], stays: true },
  { label: "Set the policy", operations: ["set_policy"], stays: true },
];

/** No kinds, as written in a field: an empty field means all kinds. */
const NONE = "none";
