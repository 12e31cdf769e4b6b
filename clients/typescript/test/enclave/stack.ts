/** The real enclave program, with the emulated NSM, behind the real parent. */

import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RootCertificate } from "../../src/attestation/root-certificate.js";
import type { ConnectOptions } from "../../src/enclave.js";
import { type Principal, signingKeyFromPem } from "../../src/http-signature/key.js";
import { program } from "../fixtures.js";

/** `permafrost dev`, and what its client needs. */
export class Stack {
  private constructor(
    /** The folder of everything that it keeps. */
    readonly state: string,
    readonly options: ConnectOptions,
    readonly principal: Principal,
    private process: ChildProcess,
  ) {}

  static async start(): Promise<Stack> {
    const state = mkdtempSync(join(tmpdir(), "permafrost-client-"));
    const process = start(state, "127.0.0.1:0");
    const origin = await ready(process, state);
    const root = readFileSync(join(state, "enclave/development-root.pem"), "utf8");
    const key = await signingKeyFromPem(readFileSync(join(state, "principal-dev.pem"), "utf8"));
    const options: ConnectOptions = {
      origin,
      policy: { releases: "any", deployment: "development", maxAgeMs: 60_000 },
      rootCertificates: [RootCertificate.fromPem(root)],
    };
    return new Stack(state, options, { name: "dev", key }, process);
  }

  async restart(): Promise<void> {
    await stop(this.process);
    this.process = start(this.state, this.options.origin.replace("http://", ""));
    await ready(this.process, this.state);
  }

  async end(): Promise<void> {
    await stop(this.process);
    rmSync(this.state, { recursive: true });
  }
}

function start(state: string, listen: string): ChildProcess {
  const options = ["dev", "--state", state, "--listen", listen];
  return spawn(program("permafrost"), options, { stdio: ["ignore", "ignore", "pipe"] });
}

/** Where the stack listens, once its enclave serves keys. */
async function ready(stack: ChildProcess, state: string): Promise<string> {
  let said = "";
  stack.stderr?.on("data", (chunk) => {
    said = (said + chunk).slice(-2000);
  });
  for (let attempts = 0; attempts < 300 && stack.exitCode === null; attempts += 1) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    try {
      const profile = readFileSync(join(state, "client.toml"), "utf8");
      const origin = /^endpoint = "(.*)"$/m.exec(profile)?.[1] ?? "";
      const health = (await (await fetch(`${origin}/v1/health`)).json()) as { ready?: boolean };
      if (health.ready) {
        return origin;
      }
    } catch {
      // It has not come that far.
    }
  }
  throw new Error(`the development stack ended (${stack.exitCode}), or was not ready within 30 s: ${said}`);
}

async function stop(stack: ChildProcess): Promise<void> {
  const exited = new Promise((resolve) => stack.once("exit", resolve));
  if (stack.exitCode === null && stack.kill("SIGINT")) {
    await exited;
  }
}
