/** Recovery files: a share encrypted with age under a passphrase, as `permafrost keys` reads and writes it (`docs/split.md`). */

/** Why a recovery file does not open. */
export class RecoveryFileError extends Error {
  override readonly name = "RecoveryFileError";

  constructor(
    readonly kind: "not-a-share-file" | "passphrase",
    options?: ErrorOptions,
  ) {
    super(REASONS[kind], options);
  }
}

/** An armored age file of this text. */
export async function writeRecoveryFile(share: string, passphrase: string): Promise<string> {
  const { armor, Encrypter } = await import("age-encryption");
  const encrypter = new Encrypter();
  encrypter.setPassphrase(passphrase);
  return armor.encode(await encrypter.encrypt(share));
}

/**
 * The text in an age file, armored or not.
 *
 * @throws {RecoveryFileError}
 */
export async function readRecoveryFile(file: Uint8Array, passphrase: string): Promise<string> {
  const { armor, Decrypter } = await import("age-encryption");
  const decrypter = new Decrypter();
  decrypter.addPassphrase(passphrase);
  let binary: Uint8Array;
  try {
    const text = new TextDecoder().decode(file);
    binary = text.trimStart().startsWith(ARMOR) ? armor.decode(text.trim()) : file;
    if (!new TextDecoder().decode(binary.subarray(0, MAGIC.length)).startsWith(MAGIC)) {
      throw new TypeError("it does not begin as age files do");
    }
  } catch (cause) {
    throw new RecoveryFileError("not-a-share-file", { cause });
  }
  try {
    return await decrypter.decrypt(binary, "text");
  } catch (cause) {
    throw new RecoveryFileError("passphrase", { cause });
  }
}

const ARMOR = "-----BEGIN AGE ENCRYPTED FILE-----";
const MAGIC = "age-encryption.org/v1\n";

const REASONS = {
  "not-a-share-file":
    "This file is not a recovery file: it is not encrypted with age. Choose the file that this page had you download.",
  passphrase:
    "The recovery file does not open: the passphrase is wrong, or the file is damaged. Nothing has changed. Try again with the passphrase that you chose for this file.",
} as const;
