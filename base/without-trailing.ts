/** The text without what stands of a character at its end: in time in proportion to the text, which a pattern with `+$` does not
 *  give, since it tries each place where the character stands. */
export function withoutTrailing(text: string, character: string): string {
  let end = text.length;
  while (end > 0 && text[end - 1] === character) end--;
  return text.slice(0, end);
}
