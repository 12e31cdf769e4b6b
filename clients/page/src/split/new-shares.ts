/** New shares, from a ceremony with the enclave until the user has shown that the recovery file opens. */

import type { PasskeySecret } from "@permafrost/client";
import type { HeldShare, Split, Unconfirmed } from "@permafrost/client/split";
import { readRecoveryFile, writeRecoveryFile } from "../recovery-file.js";
import { ME } from "./custody.js";

/** A file for the user to keep. */
export interface ShareFile {
  readonly participant: string;
  readonly name: string;
  /** An armored age file. */
  readonly content: string;
}

/** Shares that nobody has but the user's files and the wrapped share. They are of use once they are confirmed. */
export class NewShares {
  private constructor(
    private readonly split: Split,
    private readonly unconfirmed: Unconfirmed,
    private readonly wrapped: readonly { readonly participant: string; readonly wrapped: string }[],
    readonly files: readonly ShareFile[],
  ) {}

  /** Wraps and encrypts the shares of a ceremony, and wipes them. Without `secret`, all shares go to files. */
  static async of(
    split: Split,
    unconfirmed: Unconfirmed,
    secret: PasskeySecret | undefined,
    passphrase: string,
  ): Promise<NewShares> {
    const { keyId, generation, shares } = unconfirmed;
    const wrapped: { participant: string; wrapped: string }[] = [];
    const files: ShareFile[] = [];
    try {
      for (const share of shares) {
        const { participant } = share;
        if (participant === ME && secret !== undefined) {
          const plaintext = new TextEncoder().encode(share.toJson()) as Uint8Array<ArrayBuffer>;
          wrapped.push({ participant, wrapped: await secret.wrap({ keyId, generation, participant }, plaintext) });
        } else {
          const name = `permafrost-${keyId.slice(0, 8)}-${participant}-${generation}.age`;
          files.push({ participant, name, content: await writeRecoveryFile(share.toJson(), passphrase) });
        }
      }
    } catch (error) {
      await unconfirmed.abort().catch(() => undefined);
      throw error;
    } finally {
      for (const share of shares) {
        share.free();
      }
    }
    return new NewShares(split, unconfirmed, wrapped, files);
  }

  /**
   * Opens the files that the user gives back.
   *
   * @throws {RecoveryFileError} {@link SplitError}; TypeError if one is missing, or is another one.
   */
  async test(given: readonly File[], passphrase: string): Promise<void> {
    const missing = new Set(this.files.map(({ participant }) => participant));
    for (const file of given) {
      const json = await readRecoveryFile(new Uint8Array(await file.arrayBuffer()), passphrase);
      const share = this.split.parseShare(json);
      share.free();
      if (!this.#isNew(share) || !missing.delete(share.participant)) {
        throw new TypeError(
          `The file ${file.name} is another one than this page has just made. Choose ${this.#names(missing)}.`,
        );
      }
    }
    if (missing.size > 0) {
      throw new TypeError(`Choose ${this.#names(missing)} as it was downloaded.`);
    }
  }

  /** Puts the shares in force, together with the wrapped one. May be called again after an error. */
  async confirm(): Promise<void> {
    await this.unconfirmed.confirm(this.wrapped);
  }

  /** Gives the shares up. The files are worth nothing afterwards. */
  async abort(): Promise<void> {
    await this.unconfirmed.abort();
  }

  #isNew({ keyId, generation, groupPublicKey }: HeldShare): boolean {
    const { outcome } = this.unconfirmed;
    const isOfKey = keyId === this.unconfirmed.keyId && groupPublicKey === outcome.group_public_key;
    return isOfKey && generation === this.unconfirmed.generation;
  }

  #names(participants: ReadonlySet<string>): string {
    const names = this.files.filter(({ participant }) => participants.has(participant)).map(({ name }) => name);
    return names.join(" and ");
  }
}
