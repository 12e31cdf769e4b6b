/** What the page does with an enclave, or a file beside it, that is not as expected. */

import { expect, test } from "vitest";
import { readExpectation } from "../src/expectation.js";
import { onStack } from "./scene.js";

onStack("an enclave that is not the expected one", (scene) => {
  test.each([
    ["other code", { releases: [{ name: "another", pcr1: "1".repeat(96) }] }, "measurements"],
    ["another configuration", { configurations: [{ name: "another", pcr2: "2".repeat(96) }] }, "measurements"],
    ["another deployment", { deployment: "another" }, "deployment"],
    ["another root, AWS's", { roots: undefined }, "root"],
  ])("%s is refused in words, and is asked for nothing but its proof", async (_, changed, rule) => {
    const person = await scene.person();
    await person.page.route("**/permafrost.json", async (route) => {
      const file = await (await route.fetch()).json();
      await route.fulfill({ json: { ...file, ...changed } });
    });
    const asked: string[] = [];
    person.page.on("request", (request) => asked.push(new URL(request.url()).pathname));
    await person.open();
    await person.sees("The enclave is not verified");
    expect(await person.reads("main")).toContain(`(${rule}: `);
    expect(asked.filter((path) => path.startsWith("/v1/"))).toEqual(["/v1/attestation"]);
    expect(await person.page.getByRole("navigation").getByRole("link").count()).toBe(0);
  });

  test("a clock that is wrong by a day is reported", async () => {
    const person = await scene.person();
    await person.page.addInitScript("{ const now = Date.now; Date.now = () => now() + 86400000; }");
    await person.open();
    await person.sees("The enclave is not verified");
    expect(await person.reads("main")).toContain("this machine's clock is wrong");
  });

  test("a browser whose clock is two minutes wrong registers and signs by the enclave's clock", async () => {
    const person = await scene.person();
    await person.page.addInitScript("{ const now = Date.now; Date.now = () => now() + 120000; }");
    await person.open();
    await person.register();
    expect(await person.sign("by the enclave's clock")).toContain('"sig"');
  });
});

test.each([
  ["no JSON", "{"],
  ["an unknown member", { extra: 1 }],
  ["no release", { releases: [] }],
  ["a release without a PCR", { releases: [{ name: "one" }] }],
  ["a PCR that is short", { configurations: [{ name: "one", pcr2: "00" }] }],
  ["no deployment", { deployment: undefined }],
  ["an enclave that is no origin", { enclave: "javascript:1" }],
  ["roots that are none", { roots: [] }],
])("a permafrost.json with %s is refused", (_, changed) => {
  const good = {
    deployment: "example",
    releases: [{ name: "one", pcr1: "1".repeat(96) }],
    configurations: [{ name: "one", pcr2: "2".repeat(96) }],
  };
  expect(readExpectation(JSON.stringify(good), "https://example.org").isAwsRoot).toBe(true);
  const text = typeof changed === "string" ? changed : JSON.stringify({ ...good, ...changed });
  expect(() => readExpectation(text, "https://example.org")).toThrow(/permafrost.json/);
});
