/** The path to the parent: fetch, with limits on time and length, and without what a browser would add or keep. */

import { type Bytes, concat } from "./bytes.js";
import { ConnectionError } from "./error.js";
import type { HttpRequest, HttpResponse } from "./http.js";
import { quoted } from "./quoted.js";

/** What `fetch` is called with here. */
export type Fetch = (input: string, init: RequestInit) => Promise<Response>;

/** How long a request may take by default, to the last byte of its response. */
export const TIME_LIMIT_MS = 30_000;

/** The longest body of a response that is read, in bytes: more than a full listing of the largest keys. */
export const RESPONSE_MAX = 4 * 1024 * 1024;

export class Connection {
  readonly #origin: URL;
  readonly #fetch: Fetch;
  readonly #timeLimitMs: number;

  /** @throws {TypeError} if `origin` is not an origin: `http://HOST:PORT` or `https://HOST`, without a path. */
  constructor(origin: string, fetch: Fetch, timeLimitMs: number) {
    const url = URL.canParse(origin) ? new URL(origin) : undefined;
    if (url === undefined || !["http:", "https:"].includes(url.protocol) || url.origin !== origin.replace(/\/$/, "")) {
      throw new TypeError(
        `the origin is ${quoted(origin)}; accepted: http:// or https://, a host, and optionally a port`,
      );
    }
    this.#origin = url;
    this.#fetch = fetch;
    this.#timeLimitMs = timeLimitMs;
  }

  /**
   * Sends a request and reads the whole response; nothing about it is checked.
   *
   * @throws {TypeError} if the target would not arrive as it is: nothing is sent then.
   * @throws {ConnectionError}
   */
  async send(request: HttpRequest): Promise<HttpResponse> {
    const url = this.#url(request.target);
    const signal = AbortSignal.timeout(this.#timeLimitMs);
    try {
      const response = await this.#fetch(url, { ...ADD_NOTHING, ...init(request), signal });
      const body = await readBody(response);
      return { status: response.status, fields: [...response.headers], body };
    } catch (error) {
      if (error instanceof ConnectionError) {
        throw error;
      }
      if (signal.aborted) {
        const detail = `no whole response from ${this.#origin.origin} within ${this.#timeLimitMs} ms`;
        throw new ConnectionError("timed-out", detail, { cause: error });
      }
      throw new ConnectionError("no-response", `no response from ${this.#origin.origin}: ${error}`, { cause: error });
    }
  }

  /** URLs are rewritten when they are parsed. A target that would be rewritten is refused, since the signature covers the original. */
  #url(target: string): string {
    const url = URL.canParse(target, this.#origin) ? new URL(target, this.#origin) : undefined;
    if (url?.origin !== this.#origin.origin || url.pathname + url.search !== target) {
      throw new TypeError(`the target is ${quoted(target)}; accepted: / and what a URL parser leaves as it is`);
    }
    return url.href;
  }
}

function init(request: HttpRequest): RequestInit {
  const { method, fields, body } = request;
  return {
    method,
    headers: fields.map(([name, value]): [string, string] => [name, value]),
    body: body.length ? body : null,
  };
}

/** No cookie, no cached response, no other host, nothing about the page. */
const ADD_NOTHING: RequestInit = {
  cache: "no-store",
  credentials: "omit",
  redirect: "error",
  referrerPolicy: "no-referrer",
};

async function readBody(response: Response): Promise<Bytes> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  const reader = response.body?.getReader();
  for (let read = await reader?.read(); read !== undefined && !read.done; read = await reader?.read()) {
    length += read.value.length;
    if (length > RESPONSE_MAX) {
      await reader?.cancel();
      throw new ConnectionError("response-too-large", `the response is longer than ${RESPONSE_MAX} bytes`);
    }
    chunks.push(read.value);
  }
  return concat(...chunks);
}
