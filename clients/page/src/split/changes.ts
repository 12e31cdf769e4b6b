/** What changes shares: making a key, renewing them, replacing a lost one. Each gives new shares that wait for the user's test. */

import { type PasskeySecret, PrfError, type Session, type UserKey } from "@permafrost/client";
import type { HeldShare } from "@permafrost/client/split";
import { DRAWER, loadSplit, ME, SERVER, THRESHOLD } from "./custody.js";
import { NewShares } from "./new-shares.js";
import { openFiles, openWrapped, type ShareFiles, using } from "./opened.js";

/** The passkeys of which the page knows that they cannot keep a share, by their sessions. */
const WITHOUT_PRF = new WeakSet<Session>();

/** Whether the passkey of the session is known not to keep shares: the user's own share then goes into a file. */
export function needsFiles(session: Session): boolean {
  return session.prf === false || WITHOUT_PRF.has(session);
}

/** Makes a key together with the enclave. */
export async function newKey(session: Session, passphrase: string): Promise<NewShares> {
  const split = await loadSplit();
  const secret = await secretOf(session);
  const participants = [ME, DRAWER, SERVER].map((name) => ({ name, held: name !== SERVER }));
  const wanted = { threshold: THRESHOLD, participants };
  return NewShares.of(split, await split.generate(session, wanted), secret, passphrase);
}

/** Gives every participant a new share: it takes the recovery file, and the passkey or a file in its place. */
export async function renewed(session: Session, key: UserKey, given: ShareFiles): Promise<NewShares> {
  const split = await loadSplit();
  const shares = await openFiles(split, key, given);
  return using(shares, async () => {
    need(
      shares,
      DRAWER,
      "The recovery file is missing: renewing takes every share. If you have lost it, replace it instead.",
    );
    let secret: PasskeySecret | undefined;
    if (!has(shares, ME)) {
      secret = await secretOf(session, "Choose both files, since the shares of this key are in two files.");
      shares.push(await openWrapped(split, session, key, secret));
    }
    return NewShares.of(split, await split.refresh(session, shares), secret, given.passphrase);
  });
}

/**
 * Replaces a lost share, with the other one and the enclave's: that of the passkey if the recovery file is given, and the recovery file if no
 * file is.
 */
export async function replaced(session: Session, key: UserKey, given: ShareFiles): Promise<NewShares> {
  const split = await loadSplit();
  const shares = await openFiles(split, key, given);
  return using(shares, async () => {
    if (has(shares, ME) && has(shares, DRAWER)) {
      throw new TypeError("You have given both files, so no share is lost. Renew the shares instead.");
    }
    const isInFiles = has(shares, ME);
    const secret = isInFiles ? undefined : await secretOf(session);
    if (shares.length === 0) {
      shares.push(await openWrapped(split, session, key, secret));
    }
    const participants = [ME, DRAWER, SERVER].map((name) => {
      const seat = name === SERVER ? "enclave" : has(shares, name) ? "stays" : "comes";
      return { name, seat } as const;
    });
    const wanted = { shares, threshold: THRESHOLD, participants };
    return NewShares.of(split, await split.reshare(session, wanted), secret, given.passphrase);
  });
}

/** The secret of the passkey; undefined if it is known to have none, and the user has been told. */
async function secretOf(session: Session, instead = FILES): Promise<PasskeySecret | undefined> {
  if (needsFiles(session)) {
    return undefined;
  }
  try {
    return await session.passkeySecret();
  } catch (error) {
    if (error instanceof PrfError) {
      WITHOUT_PRF.add(session);
      throw new WithoutPrf(instead);
    }
    throw error;
  }
}

/** The passkey cannot keep a share. Nothing has changed; the next attempt uses files. */
export class WithoutPrf extends Error {
  override readonly name = "WithoutPrf";

  constructor(instead: string) {
    super(
      `This passkey cannot keep a share: the passkey, its authenticator or this browser lacks the PRF extension of WebAuthn. Nothing was made. ${instead}`,
    );
  }
}

function has(shares: readonly HeldShare[], name: string): boolean {
  return shares.some(({ participant }) => participant === name);
}

function need(shares: readonly HeldShare[], name: string, otherwise: string): void {
  if (!has(shares, name)) {
    throw new TypeError(otherwise);
  }
}

const FILES = "Press the button again to receive your own share as a second file, with which you then sign.";
