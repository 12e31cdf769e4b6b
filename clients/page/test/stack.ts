/** The whole stack with the page: the parent, the enclave with an emulated NSM, the development KMS. */

import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PAGE } from "./built.js";
import { program } from "./programs.js";

export class Stack {
  /** How far the enclave's clock is ahead of this machine's, in seconds. */
  ahead = 0;

  private constructor(
    /** Where the page is: `http://localhost:PORT`. */
    readonly origin: string,
    /** The state directory. */
    readonly folder: string,
    private readonly process: ChildProcess,
    private readonly said: () => string,
  ) {}

  /** A stack; `people` is what its measured configuration says of people, beside where the page is. */
  static async start(people = ""): Promise<Stack> {
    const state = mkdtempSync(join(tmpdir(), "permafrost-page-"));
    const port = await freePort();
    if (people === "") {
      return Stack.#run(state, port);
    }
    // The first run writes the configuration.
    await (await Stack.#run(state, port)).#end();
    const path = join(state, "enclave.toml");
    const written = readFileSync(path, "utf8");
    // What a test says of the operations takes the place of what is there.
    const kept = people.includes("operations = ")
      ? written.replace(/(?<=\[people\]\n.*\n.*\n)operations = .*\n/, "")
      : written;
    writeFileSync(path, kept.replace("[people]\n", `[people]\n${people}\n`));
    return Stack.#run(state, port);
  }

  static async #run(state: string, port: number): Promise<Stack> {
    const options = [
      "dev",
      "--state",
      state,
      "--listen",
      `127.0.0.1:${port}`,
      "--page",
      join(PAGE, "dist"),
      "--json-lines",
    ];
    const child = spawn(program("permafrost"), options, { stdio: ["ignore", "pipe", "pipe"] });
    let said = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on("data", (chunk) => {
        said += chunk;
      });
    }
    const stack = new Stack(`http://localhost:${port}`, state, child, () => said);
    await until(
      () => said.includes("Permafrost is ready at"),
      () => `the stack (${child.exitCode}) said: ${said}`,
    );
    return stack;
  }

  async stop(): Promise<void> {
    await this.#end();
    rmSync(this.folder, { recursive: true, maxRetries: 5 });
  }

  async #end(): Promise<void> {
    const exited = new Promise((resolve) => this.process.once("exit", resolve));
    if (this.process.exitCode === null && this.process.kill("SIGINT")) {
      await exited;
    }
  }

  /** Moves the emulated NSM's clock. The enclave looks at it every two seconds. */
  async advance(seconds: number): Promise<void> {
    this.ahead += seconds;
    writeFileSync(join(this.folder, "enclave/clock-ahead"), String(this.ahead));
    const target = Math.floor(Date.now() / 1000) + this.ahead - 5;
    await until(
      async () => (await this.enclaveClock()) >= target,
      () => "the enclave's clock did not move",
    );
  }

  /**
   * Ends the enclave by SIGKILL, and waits for the boot that is started in its place. Not after the clock was moved: the development
   * KMS goes by this machine's, and gives nothing for documents from the future.
   */
  async restartEnclave(): Promise<void> {
    const before = await this.boot();
    const { pid } = this.process;
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ");
    const enclaves = children.filter((id) => readFileSync(`/proc/${id}/comm`, "utf8").startsWith("permafrost-encl"));
    for (const id of enclaves) {
      process.kill(Number(id), "SIGKILL");
    }
    await until(
      async () => ![undefined, before].includes(await this.boot()),
      () => `no new boot after ${enclaves.length} of ${children} were ended`,
    );
  }

  /** The boot that responds, once it is ready. */
  private async boot(): Promise<string | undefined> {
    const response = await fetch(`${this.origin}/v1/health`);
    const { ready } = (await response.json()) as { ready?: boolean };
    return ready ? (response.headers.get("x-enclave-attestation") ?? undefined) : undefined;
  }

  /** Everything that the parent has logged, and the enclave, whose log the parent has. */
  log(): Buffer {
    return Buffer.from(this.said());
  }

  /** The parent's database, with what SQLite keeps beside it. */
  database(): Buffer {
    const files = readdirSync(this.folder).filter((name) => name.startsWith("store.sqlite"));
    return Buffer.concat(files.map((name) => readFileSync(join(this.folder, name))));
  }

  /** The time that the enclave's responses carry. */
  private async enclaveClock(): Promise<number> {
    const response = await fetch(`${this.origin}/v1/health`);
    return Number(/;created=(\d+)/.exec(response.headers.get("signature-input") ?? "")?.[1] ?? 0);
  }
}

export async function until(holds: () => boolean | Promise<boolean>, why: () => string): Promise<void> {
  for (let attempts = 0; attempts < 600; attempts += 1) {
    if (await holds()) {
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`not within a minute: ${why()}`);
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      const port = typeof address === "object" && address !== null ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}
