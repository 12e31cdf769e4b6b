/** HTTP messages in the form that `clients/vectors` gives them. */

import type { Fields, HttpRequest, HttpResponse } from "../../src/http.js";
import { hex } from "../hex.js";

/** Fields are `name: value`; the body is hex. */
export interface VectorRequest {
  readonly method: string;
  readonly target: string;
  readonly fields: readonly string[];
  readonly body: string;
}

export interface VectorResponse {
  readonly status: number;
  readonly fields: readonly string[];
  readonly body: string;
}

export function request({ method, target, fields, body }: VectorRequest): HttpRequest {
  return { method, target, fields: pairs(fields), body: hex(body) };
}

export function response({ status, fields, body }: VectorResponse): HttpResponse {
  return { status, fields: pairs(fields), body: hex(body) };
}

export function pairs(fields: readonly string[]): Fields {
  return fields.map((field) => {
    const [name = "", value = ""] = field.split(/: (.*)/);
    return [name, value] as const;
  });
}
