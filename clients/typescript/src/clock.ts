/** The enclave's clock, as known from its signed responses and this machine's monotonic clock. */

/**
 * It is never ahead of the enclave's, since a response arrives after it was signed. It can be behind, by the time that the response
 * took and the time that this machine slept, and catches up with the next response.
 */
export class EnclaveClock {
  #signed: number;
  #receivedMs: number;

  /** @param signed seconds since 1970, signed by the enclave and received just now. */
  constructor(signed: number) {
    this.#signed = signed;
    this.#receivedMs = performance.now();
  }

  /** Seconds since 1970. */
  now(): number {
    return this.#signed + Math.floor((performance.now() - this.#receivedMs) / 1000);
  }

  /** Learns a time that the enclave signed, unless it is older than what is known. */
  hear(signed: number): void {
    if (signed > this.now()) {
      this.#signed = signed;
      this.#receivedMs = performance.now();
    }
  }
}
