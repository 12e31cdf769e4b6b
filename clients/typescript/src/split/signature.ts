/** Signatures of this side's shares and the enclave's together, in one round trip. */

import type { UnsignedEvent } from "../people/session.js";
import type { Payload, Signed } from "./api.js";
import { type Carrier, post, send } from "./carrier.js";
import { SplitError } from "./error.js";
import { eventId } from "./event-id.js";
import { type HeldShare, oneKey } from "./held-share.js";
import { call, callForJson, type Protocol } from "./protocol.js";

export async function sign(
  protocol: Protocol,
  carrier: Carrier,
  shares: readonly HeldShare[],
  wanted: Payload,
): Promise<Signed> {
  const first = oneKey(shares);
  const payload = sent(wanted);
  const { message, taproot, root } = await toSign(payload, first.groupPublicKey);
  const signing = new protocol.Signing(first.inside);
  try {
    for (const share of shares.slice(1)) {
      signing.add(share.inside);
    }
    const commitments = callForJson<unknown>(() => signing.commit());
    const response = await send(carrier, post(`/v1/keys/${first.keyId}/cosign`, { payload, commitments }));
    const { generation, record_version, parts } = response.json<Cosigned>();
    if (generation !== first.generation) {
      const accepted = `the share of generation ${generation}, which the key has now`;
      throw new SplitError("share", `the share is of generation ${first.generation}; accepted: ${accepted}`);
    }
    const signature = call(() => signing.complete(message, taproot, root, JSON.stringify(parts)));
    const signed = {
      key_id: first.keyId,
      generation,
      record_version,
      public_key: call(() => signing.publicKey(taproot, root)),
      signature,
    };
    if (payload.type !== "nostr_event") {
      return signed;
    }
    const event = { ...payload.event, id: message, pubkey: first.groupPublicKey, sig: signature };
    return { ...signed, event };
  } finally {
    signing.free();
  }
}

/** `Cosigned` of the API. Its parts are for the protocol, which refuses any other form. */
interface Cosigned {
  readonly generation: number;
  readonly record_version: number;
  readonly parts: unknown;
}

/** What is sent of a payload: of an event, what NIP-01 hashes, and the author if the caller names one. */
function sent(wanted: Payload): Payload {
  if (wanted.type !== "nostr_event") {
    return wanted;
  }
  const { created_at, kind, tags, content, pubkey } = wanted.event;
  const event: UnsignedEvent = { created_at, kind, tags, content, ...(pubkey === undefined ? {} : { pubkey }) };
  return { type: "nostr_event", event };
}

interface ToSign {
  /** What BIP-340 signs, in hex. */
  readonly message: string;
  /** Whether the output key signs, and the Merkle root of its scripts. */
  readonly taproot: boolean;
  readonly root?: string;
}

async function toSign(payload: Payload, publicKey: string): Promise<ToSign> {
  switch (payload.type) {
    case "message":
      return { message: payload.message, taproot: false };
    case "digest":
      return { message: payload.digest, taproot: false };
    case "nostr_event":
      return { message: await eventId(publicKey, payload.event), taproot: false };
    case "taproot_spend": {
      const { sighash, merkle_root } = payload;
      return { message: sighash, taproot: true, ...(merkle_root === undefined ? {} : { root: merkle_root }) };
    }
  }
}
