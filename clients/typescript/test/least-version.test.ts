import { describe, expect, test } from "vitest";
import { demanding } from "../src/least-version.js";

describe("the oldest version of a key's record that a request accepts", () => {
  test("is part of the target", () => {
    expect(demanding("/v1/keys/ab", undefined)).toBe("/v1/keys/ab");
    expect(demanding("/v1/keys/ab/sign", 7)).toBe("/v1/keys/ab/sign?least_version=7");
    expect(demanding("/v1/keys/ab?a=b", 7)).toBe("/v1/keys/ab?a=b&least_version=7");
  });

  test.each([0, -1, 1.5, Number.NaN, 2 ** 53])("is not %s", (version) => {
    expect(() => demanding("/v1/keys/ab", version)).toThrow(TypeError);
  });
});
