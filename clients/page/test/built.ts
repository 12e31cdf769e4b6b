/** The page as it is deployed: built once for all tests. */

import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";

export const PAGE = fileURLToPath(new URL("..", import.meta.url));

export function setup(): void {
  execFileSync("node_modules/.bin/vite", ["build", "--logLevel", "warn"], { cwd: PAGE, stdio: "inherit" });
}
