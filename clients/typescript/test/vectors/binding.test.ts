import { expect, test } from "vitest";
import { readBinding } from "../../src/binding.js";
import { refusal } from "../attestation/refusal.js";
import { vectors } from "../fixtures.js";
import { hex } from "../hex.js";

interface Bindings {
  readonly bindings: readonly {
    readonly name: string;
    readonly user_data: string;
    readonly boot_key: string;
    readonly deployment: string;
    readonly configuration: string;
    readonly oblivious_keys: string | null;
  }[];
  readonly refused: readonly { readonly name: string; readonly user_data: string }[];
}

const { bindings, refused } = vectors<Bindings>("binding.json");

test.each(bindings)("$name is read", ({ user_data, boot_key, deployment, configuration, oblivious_keys }) => {
  expect(readBinding(hex(user_data))).toEqual({
    bootKey: hex(boot_key),
    deployment,
    configuration: hex(configuration),
    obliviousKeys: oblivious_keys === null ? undefined : hex(oblivious_keys),
  });
});

test.each(refused)("user data is refused: $name", async ({ user_data }) => {
  expect((await refusal(() => readBinding(hex(user_data)))).rule).toBe("binding");
});
