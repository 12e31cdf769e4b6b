import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

export default defineConfig({
  resolve: {
    alias: {
      "@permafrost/client/split": fileURLToPath(new URL("src/split/index.ts", import.meta.url)),
      "@permafrost/client": fileURLToPath(new URL("src/index.ts", import.meta.url)),
    },
  },
  test: { include: ["test/**/*.test.ts"], testTimeout: 30_000 },
});
