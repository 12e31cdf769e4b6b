/** Every view, light and dark, by axe-core; and a signature by keyboard alone. */

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { expect, test } from "vitest";
import type { Person } from "./person.js";
import { onStack } from "./scene.js";
import { tour } from "./views.js";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

onStack("accessibility", (scene) => {
  test("no view has a violation, light or dark", async () => {
    const [alice, helper] = [await scene.person(), await scene.person()];
    const violations: string[] = [];
    let looked = 0;
    await tour(alice, helper, async (view, whose = alice) => {
      for (const colorScheme of ["light", "dark"] as const) {
        await whose.page.emulateMedia({ colorScheme });
        violations.push(...(await violationsOf(whose)).map((each) => `${view}, ${colorScheme}: ${each}`));
        looked += 1;
      }
    });
    expect(violations).toEqual([]);
    expect(looked).toBe(46);
    // The file that was missing, and the response that a stranger received.
    expect(alice.complaints.filter((text) => !text.includes("status of 404"))).toEqual([]);
  });

  test("axe-core finds what is wrong", async () => {
    const alice = await scene.person();
    await alice.page.evaluate(() => document.querySelector("section label")?.remove());
    expect(await violationsOf(alice)).not.toEqual([]);
  });

  test("a user registers and signs by keyboard alone", async () => {
    const alice = await scene.person();
    await alice.sees("Log in");
    await tabTo(alice, "Register with a new passkey");
    await alice.page.keyboard.press("Enter");
    await alice.sees("Sign");
    expect(await focused(alice)).toBe("Sign");
    await tabTo(alice, "TEXTAREA");
    await alice.page.keyboard.type("by keyboard alone");
    await tabTo(alice, "Sign");
    await alice.page.keyboard.press("Enter");
    await alice.hears("Signed in the enclave.");
  });

  test("the focus moves to the heading if the focused button disappears", async () => {
    const alice = await scene.person();
    await alice.register();
    await alice.goTo("Devices");
    await alice.page.getByText("Rename This device").click();
    await alice.write("New name of This device", "laptop");
    await alice.page.keyboard.press("Enter");
    await alice.hears("Renamed.");
    await expect.poll(() => focused(alice)).toBe("Devices");
  });

  test("a passkey is named for the device unless the user names it, and its card says separately what it is used for", async () => {
    const alice = await scene.person();
    await alice.press("Register with a new passkey");
    await alice.sees("Sign");
    await alice.goTo("Devices");
    const headings = await alice.page.locator("h3").allTextContents();
    expect(headings).toEqual(["Chrome on Linux used for this session", "Chrome on Linux this one"]);
  });

  /** The rules that the view breaks, and where. Scripts from outside are run by the debugger: the page's policy has none. */
  async function violationsOf(person: Person): Promise<string[]> {
    await person.page.evaluate(AXE);
    return person.page.evaluate(async () => {
      // biome-ignore lint/suspicious/noExplicitAny: axe-core as it appears in the page.
      const { violations } = await (globalThis as any).axe.run(document, {
        runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
      });
      return violations.flatMap(({ id, nodes }: { id: string; nodes: { html: string; failureSummary: string }[] }) =>
        nodes.map(({ html, failureSummary }) => `${id}: ${html}: ${failureSummary}`),
      );
    });
  }

  async function focused(person: Person): Promise<string> {
    return person.page.evaluate(() => {
      const element = document.activeElement;
      return element?.tagName === "TEXTAREA" ? "TEXTAREA" : (element?.textContent ?? "");
    });
  }

  async function tabTo(person: Person, what: string): Promise<void> {
    for (let presses = 0; presses < 40; presses += 1) {
      await person.page.keyboard.press("Tab");
      if ((await focused(person)) === what) {
        return;
      }
    }
    throw new Error(`${what} is not reached by Tab`);
  }
});
