/** The enclave's clock, as its signed words and this machine's steady clock tell it. */

/**
 * It is never ahead of the enclave's: a word is older when it arrives than when it was said. It can be behind, by what the way took and
 * by how long this machine slept, and catches up with the next word.
 */
export class EnclaveClock {
  #said: number;
  #heardMs: number;

  /** @param said seconds since 1970, signed by the enclave and heard just now. */
  constructor(said: number) {
    this.#said = said;
    this.#heardMs = performance.now();
  }

  /** Seconds since 1970. */
  now(): number {
    return this.#said + Math.floor((performance.now() - this.#heardMs) / 1000);
  }

  /** What the enclave says that is not older than what is known. */
  hear(said: number): void {
    if (said > this.now()) {
      this.#said = said;
      this.#heardMs = performance.now();
    }
  }
}
