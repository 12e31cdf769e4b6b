import { describe, expect, test } from "vitest";
import { readBinding } from "../src/binding.js";
import { type Bytes, bytes, concat, toHex } from "../src/bytes.js";
import { refusal } from "./attestation/refusal.js";
import { encode, type Value } from "./forge/cbor.js";
import { hex } from "./hex.js";

const KEY = bytes(Array<number>(32).fill(7));
const DIGEST = bytes(Array<number>(32).fill(9));

type Entries = [Value, Value][];

function entries(): Entries {
  return [
    ["v", 2],
    ["boot_key", KEY],
    ["deployment", "test"],
    ["configuration", DIGEST],
    ["oblivious_keys", KEY],
  ];
}

function userData(change: (entries: Entries) => void = () => undefined): Bytes {
  const changed = entries();
  change(changed);
  return encode({ pairs: changed });
}

/** What the Rust side writes for these values (`Binding::to_user_data`). */
const FIRST = `a461760168626f6f745f6b65795820${toHex(KEY)}6a6465706c6f796d656e7464746573746d636f6e66696775726174696f6e5820${toHex(DIGEST)}`;
const SECOND = `${FIRST.replace("a4617601", "a5617602")}6e6f626c6976696f75735f6b6579735820${toHex(KEY)}`;

function asFirst(each: Entries): void {
  each.splice(0, 1, ["v", 1]);
  each.pop();
}

test("a binding of either version is read", () => {
  expect(toHex(userData())).toBe(SECOND);
  const binding = { bootKey: KEY, deployment: "test", configuration: DIGEST };
  expect(readBinding(hex(SECOND))).toEqual({ ...binding, obliviousKeys: KEY });
  expect(toHex(userData(asFirst))).toBe(FIRST);
  expect(readBinding(hex(FIRST))).toEqual({ ...binding, obliviousKeys: undefined });
});

describe("user data that is no binding is refused", () => {
  test("none", async () => {
    expect((await refusal(() => readBinding(undefined))).rule).toBe("binding");
  });

  test("every truncation and extension", async () => {
    const good = userData();
    for (let end = 0; end < good.length; end += 1) {
      await refusal(() => readBinding(good.slice(0, end)));
    }
    await refusal(() => readBinding(concat(good, bytes([0]))));
  });

  test.each<[string, (entries: Entries) => void]>([
    ["another version", (each) => each.splice(0, 1, ["v", 3])],
    ["version 0", (each) => each.splice(0, 1, ["v", 0])],
    ["version 1 with what belongs to 2", (each) => each.splice(0, 1, ["v", 1])],
    ["version 2 without what belongs to it", (each) => each.pop()],
    ["no version", (each) => each.splice(0, 1)],
    ["no boot key", (each) => each.splice(1, 1)],
    ["a boot key of 31 bytes", (each) => each.splice(1, 1, ["boot_key", KEY.slice(1)])],
    ["a boot key that is a text", (each) => each.splice(1, 1, ["boot_key", toHex(KEY)])],
    ["no deployment", (each) => each.splice(2, 1)],
    ["a deployment without a name", (each) => each.splice(2, 1, ["deployment", ""])],
    ["a deployment of 65 bytes", (each) => each.splice(2, 1, ["deployment", `${"\u{e9}".repeat(32)}a`])],
    ["no configuration", (each) => each.splice(3, 1)],
    ["keys that are null", (each) => each.splice(4, 1, ["oblivious_keys", null])],
    ["keys of 33 bytes", (each) => each.splice(4, 1, ["oblivious_keys", concat(KEY, bytes([0]))])],
    ["a further key", (each) => each.push(["oblivious_keys_too", KEY])],
    ["a key that is a number", (each) => each.unshift([0, 0])],
    ["another order", (each) => each.reverse()],
    ["a key twice", (each) => each.splice(1, 0, ["v", 1])],
  ])("%s", async (_, change) => {
    expect((await refusal(() => readBinding(userData(change)))).rule).toBe("binding");
  });

  test("another encoding of the same", async () => {
    const good = userData();
    const indefinite = concat(bytes([0xbf]), good.slice(1), bytes([0xff]));
    const longer = concat(bytes([0xb8, 5]), good.slice(1));
    for (const encoded of [indefinite, longer, encode([])]) {
      expect((await refusal(() => readBinding(encoded))).rule).toBe("binding");
    }
  });
});
