/** RFC 9457 problem details, as the enclave and the parent write them. */

import { fromUtf8 } from "./bytes.js";
import { type HttpResponse, values } from "./http.js";

export interface Problem {
  /** `urn:permafrost:problem:` and a name that does not change between releases. */
  readonly type: string;
  /** The problem type in a few words. */
  readonly title: string;
  readonly status: number;
  /** What was wrong with this request, and what would have been accepted. */
  readonly detail: string;
  /** Seconds to wait before trying again, if waiting helps. */
  readonly retry_after?: number;
  /** One entry for each part of the request that was not accepted. */
  readonly errors?: readonly { readonly field: string; readonly detail: string; readonly accepted: string }[];
}

/** The last part of a problem's type: `request-expired`. */
export function problemName(problem: Problem): string {
  return problem.type.startsWith(URN) ? problem.type.slice(URN.length) : problem.type;
}

/** The problem that a response is: `application/problem+json`, with the response's own status. */
export function readProblem(response: HttpResponse): Problem | undefined {
  const [contentType = ""] = values(response.fields, "content-type");
  const mediaType = contentType.split(";", 1)[0]?.trim().toLowerCase();
  if (mediaType !== "application/problem+json" || response.status < 300) {
    return undefined;
  }
  const value = readJson(response.body);
  return isProblem(value) && value.status === response.status ? value : undefined;
}

/** The value of JSON; undefined, which is not a value of JSON, for any other text. */
export function readJson(body: Uint8Array): unknown {
  try {
    return JSON.parse(fromUtf8(body) ?? "");
  } catch {
    return undefined;
  }
}

function isProblem(value: unknown): value is Problem {
  const { type, title, status, detail } = (value ?? {}) as Record<string, unknown>;
  return [type, title, detail].every((text) => typeof text === "string") && typeof status === "number";
}

const URN = "urn:permafrost:problem:";
