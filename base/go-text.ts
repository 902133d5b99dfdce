/** Text as Go's standard library writes it. Pure. */

/** As encoding/json does: also what means something in HTML is escaped. */
export const goJsonText = (text: string): string => escapedForHtml(JSON.stringify(text));

/** Of a JSON text: what means something in HTML, escaped. */
export const escapedForHtml = (json: string): string =>
  json.replace(/[<>&\u2028\u2029]/g, (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`);

/** What Go's literals write behind a backslash, by what it stands for. */
export const goEscapes: Readonly<Record<string, string>> = {
  '"': '\\"',
  "\\": "\\\\",
  "\u0007": "\\a",
  "\b": "\\b",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\v": "\\v",
};

/** As the verb %q of fmt does: what cannot be seen is escaped, by its code. */
export const goQuoted = (text: string): string =>
  `"${text.replace(/["\\]|(?! )[\p{Z}\p{C}]/gu, (letter) => goEscapes[letter] ?? byCode(letter))}"`;

function byCode(letter: string): string {
  const code = letter.codePointAt(0) ?? 0;
  const digits = code.toString(16);
  if (code < 0x80) return `\\x${digits.padStart(2, "0")}`;
  return code < 0x1_0000 ? `\\u${digits.padStart(4, "0")}` : `\\U${digits.padStart(8, "0")}`;
}
