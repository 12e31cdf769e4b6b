/** Every view, light and dark, as a file in docs/screenshots. */

import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "vitest";
import { PAGE } from "./built.js";
import { launch, Person } from "./person.js";
import { small } from "./png.js";
import { missing } from "./programs.js";
import { Stack } from "./stack.js";
import { tour } from "./views.js";

const FOLDER = join(PAGE, "../../docs/screenshots");

test("screenshots", async () => {
  if (missing !== undefined) {
    throw new Error(missing);
  }
  rmSync(FOLDER, { recursive: true, force: true });
  mkdirSync(FOLDER, { recursive: true });
  const stack = await Stack.start();
  const browser = await launch();
  const [alice, helper] = [await Person.at(stack, browser), await Person.at(stack, browser)];
  for (const { page } of [alice, helper]) {
    await page.setViewportSize({ width: 640, height: 720 });
  }
  await tour(alice, helper, async (view, whose = alice) => {
    if (view === "refused") {
      return;
    }
    for (const colorScheme of ["light", "dark"] as const) {
      await whose.page.emulateMedia({ colorScheme });
      const isDialog = (await whose.page.getByRole("dialog").count()) > 0;
      const path = join(FOLDER, `${view}-${colorScheme}.png`);
      writeFileSync(path, small(await whose.page.screenshot({ fullPage: !isDialog, animations: "disabled" })));
    }
  });
  await browser.close();
  await stack.stop();
});
