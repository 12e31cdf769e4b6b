/** `npm run screenshots` writes docs/screenshots again. Not a test: nothing compares them. */

import { mergeConfig } from "vitest/config";
import config from "./vitest.config.js";

export default mergeConfig(
  { ...config, test: { ...config.test, include: [] } },
  { test: { include: ["test/screenshots.ts"] } },
);
