import { expect, test } from "vitest";
import type { BootName } from "../../src/http-signature/profile.js";
import { ResponseError, verifyResponse } from "../../src/http-signature/response.js";
import { vectors } from "../fixtures.js";
import { hex } from "../hex.js";
import { request, response, type VectorRequest, type VectorResponse } from "./message.js";

interface Exchange {
  readonly name: string;
  readonly request: VectorRequest;
  readonly response: VectorResponse;
}

interface File {
  readonly boot_key: string;
  readonly attestation: BootName;
  readonly authentic: readonly (Exchange & { readonly created: number })[];
  readonly refused: readonly (Exchange & { readonly refused_by: string })[];
}

const { boot_key, attestation, authentic, refused } = vectors<File>("response-verification.json");
const [, KEY = ""] = boot_key.split(":");

async function verify(exchange: Exchange) {
  return verifyResponse(response(exchange.response), request(exchange.request), hex(KEY));
}

/** The check of docs/signatures.md that refuses a response. */
async function check(exchange: Exchange): Promise<string> {
  try {
    const { boot } = await verify(exchange);
    return boot === attestation ? "none" : "boot";
  } catch (error) {
    if (!(error instanceof ResponseError)) {
      throw error;
    }
    return ["content-digest", "signature"].includes(error.rule) ? error.rule : "form";
  }
}

test.each(authentic)("a response is accepted: $name", async (exchange) => {
  expect(await verify(exchange)).toEqual({ created: exchange.created, boot: attestation });
});

test.each(refused)("a response is refused: $name", async (exchange) => {
  expect(await check(exchange)).toBe(exchange.refused_by);
});
