/** Split custody, as a client does it. */

import type { Certificate, Payload, Signed } from "./api.js";
import { type Carrier, get, send } from "./carrier.js";
import * as ceremony from "./ceremony.js";
import { HeldShare } from "./held-share.js";
import { call, load, type Protocol, type WasmSource } from "./protocol.js";
import { sign } from "./signature.js";

/**
 * Keys that this side and the enclave own together.
 *
 * A ceremony ends with {@link ceremony.Unconfirmed | Unconfirmed}: store its shares, then confirm. All methods throw {@link SplitError} for what this
 * side refuses, {@link ProblemError} for what the enclave refuses, and what {@link Enclave.request} throws.
 */
export class Split {
  readonly #protocol: Protocol;

  private constructor(protocol: Protocol) {
    this.#protocol = protocol;
  }

  /** Loads the protocol. `wasm`: where it is; left out: in the package, where Node and bundlers find it. */
  static async load(wasm?: WasmSource): Promise<Split> {
    return new Split(await load(wasm));
  }

  /** Makes a key together with the enclave, up to the point where this side has its shares. */
  async generate(carrier: Carrier, wanted: ceremony.NewKey): Promise<ceremony.Unconfirmed> {
    return ceremony.generate(this.#protocol, carrier, wanted);
  }

  /**
   * Gives every participant of a key a new share. `shares` are those of all participants other than the enclave's. A user's passkey
   * approves it.
   */
  async refresh(carrier: Carrier, shares: readonly HeldShare[]): Promise<ceremony.Unconfirmed> {
    return ceremony.refresh(this.#protocol, carrier, shares);
  }

  /**
   * Gives shares of a key to these participants, with this threshold: a lost share is replaced, participants come and go. A user's passkey
   * approves it.
   */
  async reshare(carrier: Carrier, wanted: ceremony.Reshared): Promise<ceremony.Unconfirmed> {
    return ceremony.reshare(this.#protocol, carrier, wanted);
  }

  /** Signs together with the enclave, with these shares and as many of the enclave's as the threshold takes. The signature is verified. */
  async sign(carrier: Carrier, shares: readonly HeldShare[], what: Payload): Promise<Signed> {
    return sign(this.#protocol, carrier, shares, what);
  }

  /** The certificate of the ceremony that a key's shares come from, as the enclave has stored it. It is not verified. */
  async certificate(carrier: Carrier, keyId: string): Promise<Certificate> {
    return (await send(carrier, get(`/v1/keys/${keyId}/certificate`))).json<Certificate>();
  }

  /** The wrapped shares that the enclave keeps with a key. */
  async wrappedShares(carrier: Carrier, keyId: string): Promise<WrappedShares> {
    return (await send(carrier, get(`/v1/keys/${keyId}/wrapped-shares`))).json<WrappedShares>();
  }

  /**
   * Reads the plain text of a share file (`docs/split.md`), and checks that everything in it belongs together.
   *
   * @throws {SplitError} `share`.
   */
  parseShare(json: string): HeldShare {
    return new HeldShare(call(() => this.#protocol.Share.parse(json)));
  }
}

/** What the enclave keeps with a key of what this side has wrapped. */
export interface WrappedShares {
  readonly key_id: string;
  readonly generation: number;
  /** The version of the key's sealed record (`docs/freshness.md`). */
  readonly record_version: number;
  readonly wrapped_shares: readonly ceremony.WrappedShare[];
}
