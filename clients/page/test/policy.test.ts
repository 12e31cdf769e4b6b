/** That the policy works in a browser, and that anything a browser keeps would be found. */

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { onStack } from "./scene.js";

onStack("the page in Chromium", (scene) => {
  test("turns no text into markup or a script, and sends no request to another origin", async () => {
    const alice = await scene.person();
    const refusals = await alice.page.evaluate(async () => {
      const refusal = async (act: () => unknown) => {
        try {
          await act();
          return "accepted";
        } catch (error) {
          return (error as Error).name;
        }
      };
      return [
        await refusal(() => document.body.insertAdjacentHTML("beforeend", "<b>x</b>")),
        await refusal(() => {
          document.createElement("script").src = "https://other.example/x.js";
        }),
        await refusal(() =>
          (
            globalThis as unknown as { trustedTypes: { createPolicy(name: string, rules: object): void } }
          ).trustedTypes.createPolicy("p", {}),
        ),
        await refusal(() => fetch("http://127.0.0.1:9/")),
      ];
    });
    expect(refusals).toEqual(["TypeError", "TypeError", "TypeError", "TypeError"]);
    expect(alice.complaints.join()).toContain("connect-src 'self'");
  });

  test("cannot be embedded in another page", async () => {
    const other = createServer((_, response) => {
      response.setHeader("content-type", "text/html");
      response.end(`<link rel="icon" href="data:,"><iframe src="${scene.stack.origin}/"></iframe>`);
    });
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    const { port } = other.address() as AddressInfo;
    const alice = await scene.person();
    await alice.page.goto(`http://127.0.0.1:${port}/`);
    await expect.poll(() => alice.complaints.join()).toContain("frame-ancestors 'none'");
    other.close();
  });

  test("would be caught if it kept anything", async () => {
    const alice = await scene.person();
    expect(await alice.kept()).toEqual([]);
    await alice.page.evaluate(async () => {
      localStorage.setItem("a", "1");
      sessionStorage.setItem("b", "1");
      // biome-ignore lint/suspicious/noDocumentCookie: that is what is looked for.
      document.cookie = "c=1";
      await caches.open("d");
      await new Promise((resolve) => {
        indexedDB.open("e").onsuccess = resolve;
      });
    });
    const found = ["localStorage a", "sessionStorage b", "indexedDB e", "cache d", "cookie c=1", "cookie c"];
    expect(await alice.kept()).toEqual(found);
  });
});
