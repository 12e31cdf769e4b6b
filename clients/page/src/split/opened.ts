/** Shares that this page has opened: for the moment in which they are used. */

import {
  type PasskeySecret,
  PasskeySecret as Secret,
  type Session,
  type UserKey,
  WrappedShareError,
} from "@permafrost/client";
import type { HeldShare, Split } from "@permafrost/client/split";
import { readRecoveryFile } from "../recovery-file.js";
import { ME } from "./custody.js";

/** Files that the user has chosen, and their passphrase. */
export interface ShareFiles {
  readonly files: readonly File[];
  readonly passphrase: string;
}

/** Uses shares, and wipes them, however that ends. */
export async function using<T>(
  shares: readonly HeldShare[],
  use: (shares: readonly HeldShare[]) => Promise<T>,
): Promise<T> {
  try {
    return await use(shares);
  } finally {
    for (const share of shares) {
      share.free();
    }
  }
}

/**
 * Opens share files, each of which has to be of this key as it is now.
 *
 * @throws {RecoveryFileError} {@link SplitError}; TypeError for a share of another key or generation.
 */
export async function openFiles(
  split: Split,
  key: Pick<UserKey, "id" | "generation">,
  { files, passphrase }: ShareFiles,
): Promise<HeldShare[]> {
  const opened: HeldShare[] = [];
  try {
    for (const file of files) {
      const share = split.parseShare(await readRecoveryFile(new Uint8Array(await file.arrayBuffer()), passphrase));
      opened.push(share);
      check(file.name, share, key, opened);
    }
    return opened;
  } catch (error) {
    for (const share of opened) {
      share.free();
    }
    throw error;
  }
}

/**
 * Opens the share that the enclave keeps for the passkey of this session. The passkey is asked.
 *
 * @param secret of the passkey, if it was asked before.
 * @throws {PrfError} {@link PasskeyError}; Error if the enclave keeps none, or one for another passkey.
 */
export async function openWrapped(
  split: Split,
  session: Session,
  key: Pick<UserKey, "id">,
  secret?: PasskeySecret,
): Promise<HeldShare> {
  const { generation, wrapped_shares } = await split.wrappedShares(session, key.id);
  const found = wrapped_shares.find(({ participant }) => participant === ME);
  if (found === undefined) {
    throw new Error("No share of this key was made for a passkey. Choose your share file and enter its passphrase.");
  }
  const passkey = Secret.passkeyOf(found.wrapped);
  if (passkey !== session.info.passkey) {
    throw otherPasskey(session, passkey);
  }
  try {
    const opener = secret ?? (await session.passkeySecret());
    const bytes = await opener.unwrap({ keyId: key.id, generation, participant: ME }, found.wrapped);
    try {
      return split.parseShare(new TextDecoder().decode(bytes));
    } finally {
      bytes.fill(0);
    }
  } catch (error) {
    throw error instanceof WrappedShareError ? otherPasskey(session, passkey) : error;
  }
}

function check(
  file: string,
  share: HeldShare,
  key: Pick<UserKey, "id" | "generation">,
  opened: readonly HeldShare[],
): void {
  if (share.keyId !== key.id) {
    throw new TypeError(`The file ${file} has a share of another key. Choose the file of this key.`);
  }
  if (share.generation !== key.generation) {
    throw new TypeError(
      `The file ${file} has a share from before the shares were last renewed: generation ${share.generation} of the key, which has ${key.generation} now. Choose the newest file.`,
    );
  }
  if (opened.filter(({ participant }) => participant === share.participant).length > 1) {
    throw new TypeError(`Two of the files have the share of the same participant, ${share.participant}.`);
  }
}

function otherPasskey({ user }: Session, passkey: string): Error {
  const name = user.passkeys.find(({ id }) => id === passkey)?.name;
  const whose = name === undefined ? "a passkey that you no longer have" : `your passkey \u201c${name}\u201d`;
  return new Error(
    `The share of this key opens with ${whose}, and not with the one of this session. Log in with that passkey, choose your recovery file instead, or replace the lost share in the view Keys.`,
  );
}
