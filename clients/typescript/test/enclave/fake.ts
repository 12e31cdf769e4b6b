/** An enclave and its parent, as `fetch` sees them: one that keeps the rules, until a test changes what it says. */

import { RootCertificate } from "../../src/attestation/root-certificate.js";
import { type Bytes, bytes, concat, fromHex, sha256, toBase64, toHex, utf8 } from "../../src/bytes.js";
import type { Fetch } from "../../src/connection.js";
import { get, type HttpRequest, type HttpResponse, pathOf, queryOf, values } from "../../src/http.js";
import type { BootName } from "../../src/http-signature/profile.js";
import { isSigned } from "../../src/http-signature/response.js";
import { encode, type Value } from "../forge/cbor.js";
import { at, ForgedPath } from "../forge/path.js";
import { type Boot, newBoot } from "../http-signature/boot.js";
import { FakeGateway } from "./gateway.js";

export const ORIGIN = "http://enclave.example";

const HOUR = 60 * 60;
const NOW = Math.floor(Date.now() / 1000);
const PATH = await ForgedPath.create(NOW - HOUR);
const CERTIFICATES = await PATH.certificates();

/** The root that the documents lead to. */
export const FAKE_ROOT = RootCertificate.fromDer(at(CERTIFICATES, 0));

/** What the parent does with a request instead of carrying it to the enclave; undefined where it carries it. */
export type Lie = (request: HttpRequest, honest: () => Promise<HttpResponse>) => Promise<HttpResponse | undefined>;

export class FakeEnclave {
  /** The requests that the parent has seen, and those that the enclave has. */
  readonly seen: HttpRequest[] = [];
  readonly served: HttpRequest[] = [];
  boot: Boot;
  gateway = new FakeGateway();
  /** Changes `user_data`, which is this map otherwise. */
  binding: (entries: Map<string, Value>) => void = () => undefined;
  lie: Lie = async () => undefined;
  /** What the enclave responds with 200 to some requests, as JSON. */
  operations: Record<string, (request: HttpRequest) => unknown> = {
    "GET /v1/health": () => ({ ready: true }),
    "POST /v1/echo": ({ method, body, fields }) => ({ method, body: toHex(body), fields }),
  };
  /** How far the enclave's clock is ahead, in seconds. */
  clockAhead = 0;

  private constructor(boot: Boot) {
    this.boot = boot;
  }

  static async start(): Promise<FakeEnclave> {
    return new FakeEnclave(await newBoot(randomName()));
  }

  async restart(): Promise<void> {
    this.boot = await newBoot(randomName());
    this.gateway = new FakeGateway(this.gateway.id + 1);
  }

  readonly fetch: Fetch = async (input, init) => {
    const request = await read(input, init);
    this.seen.push(request);
    const honest = () => this.#relay(request);
    const { status, fields, body } = (await this.lie(request, honest)) ?? (await honest());
    return new Response(body.length ? body : null, { status, headers: fields.map(([name, value]) => [name, value]) });
  };

  /** The parent as it should be, and the enclave's responses before any request is opened. */
  async #relay(request: HttpRequest): Promise<HttpResponse> {
    if (request.target !== "/v1/oblivious") {
      return this.#serve(request);
    }
    const response = await this.gateway.serve(request.body, (inner) => this.#serve(inner));
    return response === undefined
      ? this.#problem(request, 400, "oblivious-key-unknown")
      : { status: 200, fields: [["content-type", "message/ohttp-res"]], body: response };
  }

  /** The enclave: its response to a request that it can read. */
  async #serve(request: HttpRequest): Promise<HttpResponse> {
    this.served.push(request);
    const [meantFor] = values(request.fields, "x-enclave-attestation");
    // Of a request that is not signed, the field is for the parent alone.
    if (isSigned(request) && meantFor !== this.boot.name) {
      return this.#problem(request, 421, "wrong-enclave");
    }
    const path = pathOf(request.target);
    const operation = this.operations[`${request.method} ${path}`];
    switch (path) {
      case "/v1/attestation": {
        const document = await this.document(fromHex(queryOf(request.target).replace("?nonce=", "")) ?? bytes([]));
        return this.#json(request, { document: toBase64(document) });
      }
      case "/v1/oblivious-keys":
        return this.#sign(request, 200, "application/ohttp-keys", this.gateway.keys);
      case "/v1/expired":
        return this.#problem(request, 401, "request-expired");
      default:
        return operation ? this.#json(request, operation(request)) : this.#problem(request, 404, "not-found");
    }
  }

  /** A document for a nonce, made now. */
  async document(nonce: Bytes): Promise<Bytes> {
    const entries = new Map<string, Value>([
      ["v", 2],
      ["boot_key", this.boot.publicKey],
      ["deployment", "example"],
      ["configuration", await sha256(utf8("enclave.toml"))],
      ["oblivious_keys", await sha256(this.gateway.keys)],
    ]);
    this.binding(entries);
    const { document } = await PATH.documentOver(CERTIFICATES, (fields) => {
      fields.set("timestamp", Date.now());
      fields.set("user_data", encode({ pairs: [...entries] }));
      fields.set("nonce", nonce);
    });
    return document;
  }

  async #json(request: HttpRequest, body: unknown): Promise<HttpResponse> {
    return this.#sign(request, 200, "application/json", utf8(JSON.stringify(body)));
  }

  async #problem(request: HttpRequest, status: number, name: string): Promise<HttpResponse> {
    return this.#sign(request, status, "application/problem+json", problem(status, name).body);
  }

  async #sign(request: HttpRequest, status: number, contentType: string, body: Bytes): Promise<HttpResponse> {
    const created = Math.floor(Date.now() / 1000) + this.clockAhead;
    return this.boot.response(request, status, [["content-type", contentType]], body, created);
  }
}

/** An unsigned problem. */
export function problem(status: number, name: string): HttpResponse {
  const problem = { type: `urn:permafrost:problem:${name}`, title: name, status, detail: `because of ${name}` };
  return { status, fields: [["content-type", "application/problem+json"]], body: utf8(JSON.stringify(problem)) };
}

function randomName(): BootName {
  return `sha-256=${toHex(crypto.getRandomValues(new Uint8Array(32)))}`;
}

async function read(input: string, init: RequestInit): Promise<HttpRequest> {
  const request = new Request(input, init);
  if (request.credentials !== "omit" || request.redirect !== "error" || request.cache !== "no-store") {
    throw new Error("the client lets the runtime add to its requests, or keep responses");
  }
  const url = new URL(request.url);
  return {
    ...get(url.pathname + url.search),
    method: request.method,
    fields: [...request.headers],
    body: concat(new Uint8Array(await request.arrayBuffer())),
  };
}
