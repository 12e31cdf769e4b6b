import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";
import { allowing } from "./build/allowing.js";
import { measured } from "./build/measured.js";

export default defineConfig({
  // Relative, so that the page can be in any folder of any host.
  base: "./",
  resolve: { alias: { "@permafrost/client": fileURLToPath(new URL("../typescript/src/index.ts", import.meta.url)) } },
  build: {
    target: "es2022",
    modulePreload: false,
    assetsInlineLimit: 0,
    reportCompressedSize: false,
  },
  plugins: [allowing(process.env.PERMAFROST_ENCLAVE), measured(60_000)],
});
