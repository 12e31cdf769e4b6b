import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";
import { allowing } from "./build/allowing.js";
import { measured } from "./build/measured.js";

const beside = (path: string) => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  // Relative, so that the page can be in any folder of any host.
  base: "./",
  resolve: {
    alias: [
      { find: "@permafrost/client/split", replacement: beside("../typescript/src/split/index.ts") },
      { find: "@permafrost/wasm/module", replacement: beside("../wasm/module/browser.js") },
      { find: "@permafrost/wasm", replacement: beside("../wasm/pkg/frost.js") },
      { find: "@permafrost/client", replacement: beside("../typescript/src/index.ts") },
    ],
  },
  build: {
    target: "es2022",
    modulePreload: false,
    assetsInlineLimit: 0,
    reportCompressedSize: false,
  },
  plugins: [allowing(process.env.PERMAFROST_ENCLAVE), measured({ first: 60_000, later: 270_000 })],
});
