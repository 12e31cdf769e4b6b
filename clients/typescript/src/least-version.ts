/** The oldest version of a key's record that a request accepts (`docs/freshness.md`). */

/**
 * The target, demanding at least this version; left out: the target as it is.
 *
 * @throws {TypeError} if it is no version.
 */
export function demanding(target: string, leastVersion: number | undefined): string {
  if (leastVersion === undefined) {
    return target;
  }
  if (!Number.isSafeInteger(leastVersion) || leastVersion < 1) {
    throw new TypeError(`leastVersion is ${leastVersion}; accepted: a record_version, a whole number from 1`);
  }
  return `${target}${target.includes("?") ? "&" : "?"}least_version=${leastVersion}`;
}
