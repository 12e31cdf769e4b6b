/** HTTP messages as they are signed and sent: fields by name, in their order, including repeated ones. */

import type { Bytes } from "./bytes.js";

/** Header fields: names in lower case. */
export type Fields = readonly (readonly [name: string, value: string])[];

export interface HttpRequest {
  /** In upper case. */
  readonly method: string;
  /** The path, and the query with its `?` if there is one, including the percent-encoding. */
  readonly target: string;
  readonly fields: Fields;
  readonly body: Bytes;
}

export interface HttpResponse {
  readonly status: number;
  readonly fields: Fields;
  readonly body: Bytes;
}

/** Every value of a field. */
export function values(fields: Fields, name: string): string[] {
  return fields.filter(([each]) => each === name).map(([, value]) => value);
}

/** The path of a target. */
export function pathOf(target: string): string {
  return target.split("?", 1)[0] || "/";
}

/** The query of a target with its `?`; `?` alone if there is none. */
export function queryOf(target: string): string {
  const at = target.indexOf("?");
  return at < 0 ? "?" : target.slice(at);
}

/** A request without a body. */
export function get(target: string, fields: Fields = []): HttpRequest {
  return { method: "GET", target, fields, body: new Uint8Array() };
}
