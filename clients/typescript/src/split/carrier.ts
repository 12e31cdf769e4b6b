/** Who carries the messages of a ceremony, and asks for signatures. */

import type { Enclave } from "../enclave.js";
import type { Principal } from "../http-signature/key.js";
import type { Wanted } from "../people/conversation.js";
import type { Session } from "../people/session.js";
import type { Response } from "../response.js";

/** A user's session, whose passkey approves what has to be approved; or a principal. */
export type Carrier = Session | { readonly enclave: Enclave; readonly principal: Principal };

/** Sends a request. `approval`: the `operationId` for which a user's passkey signs it. */
export async function send(carrier: Carrier, wanted: Wanted, approval?: string): Promise<Response> {
  if ("principal" in carrier) {
    const { enclave, principal } = carrier;
    return enclave.request({ ...wanted, principal });
  }
  return carrier.request(wanted, approval);
}

export function post(target: string, json?: unknown): Wanted {
  return { method: "POST", target, ...(json === undefined ? {} : { json }) };
}

export function get(target: string): Wanted {
  return { method: "GET", target };
}
