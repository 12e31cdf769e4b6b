/**
 * Text from outside, as errors show it: in quotes, everything but printable ASCII escaped, cut after 64 characters. No text of
 * a document or a response can therefore move a cursor, hide a word or flood a log.
 */
export function quoted(text: string): string {
  const characters = Array.from(text);
  const shown = characters.slice(0, 64).map((character) => {
    if (character === '"' || character === "\\") {
      return `\\${character}`;
    }
    return /^[ -~]$/.test(character) ? character : `\\u{${character.codePointAt(0)?.toString(16)}}`;
  });
  return `"${shown.join("")}"${characters.length > 64 ? "..." : ""}`;
}
