import { expect, test } from "vitest";
import { KeyConfigurationError, readKeyConfigurations } from "../../src/oblivious/keys.js";
import { vectors } from "../fixtures.js";
import { hex } from "../hex.js";

interface Lists {
  readonly lists: readonly {
    readonly name: string;
    readonly list: string;
    readonly id: number;
    readonly public_key: string;
  }[];
  readonly refused: readonly { readonly name: string; readonly list: string }[];
}

const { lists, refused } = vectors<Lists>("key-configurations.json");

test.each(lists)("a key is found: $name", ({ list, id, public_key }) => {
  expect(readKeyConfigurations(hex(list))).toEqual({ id, publicKey: hex(public_key) });
});

test.each(refused)("a list is refused: $name", ({ list }) => {
  expect(() => readKeyConfigurations(hex(list))).toThrow(KeyConfigurationError);
});
