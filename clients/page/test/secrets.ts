/** What the parent must not have: searched for in every form in which it could have it. */

/** The forms of a value in which some text or file could hold it: raw, hex, base64 and base64url at each of three offsets. */
function forms(value: Buffer): Buffer[] {
  const base64 = [0, 1, 2].map((offset) => {
    // The characters that depend on what stands before and after are cut off.
    const text = Buffer.concat([Buffer.alloc(offset), value]).toString("base64");
    const from = offset === 0 ? 0 : offset + 1;
    return text.slice(from, from + Math.floor(((value.length - 2) * 4) / 3));
  });
  const base64url = base64.map((text) => text.replaceAll("+", "-").replaceAll("/", "_"));
  const hex = value.toString("hex");
  return [value, ...[hex, hex.toUpperCase(), ...base64, ...base64url].map((text) => Buffer.from(text))];
}

/** Whether the haystack has a value in any form. */
export function has(haystack: Buffer, value: Buffer): boolean {
  return forms(value).some((form) => haystack.includes(form));
}
