/** The order in which go-yaml writes a map's keys: letters after all else, runs of digits by the number they are. Pure. */
export function yamlKeyOrder(left: string, right: string): number {
  const [a, b] = [[...left], [...right]];
  const at = a.findIndex((rune, index) => rune !== b[index]);
  if (at < 0 || at >= b.length) return a.length - b.length;
  const [runeA = "", runeB = ""] = [a[at], b[at]];
  const [isLetterA, isLetterB] = [letter.test(runeA), letter.test(runeB)];
  if (isLetterA !== isLetterB) return isLetterB ? -1 : 1;
  if (isLetterA) return byCodePoint(runeA, runeB);
  const [digitsA, digitsB] = [digitsFrom(a, at), digitsFrom(b, at)];
  const before = (runeA === "0" || runeB === "0") && isWithinNumber(a, at) ? "1" : "0";
  const [numberA, numberB] = [BigInt(before + digitsA), BigInt(before + digitsB)];
  if (numberA !== numberB) return numberA < numberB ? -1 : 1;
  return digitsA.length - digitsB.length || byCodePoint(runeA, runeB);
}

const letter = /\p{L}/u;
const byCodePoint = (a: string, b: string) => (a.codePointAt(0) ?? 0) - (b.codePointAt(0) ?? 0);

function digitsFrom(runes: readonly string[], at: number): string {
  return /^[0-9]*/.exec(runes.slice(at).join(""))?.[0] ?? "";
}

/** Zeros count where another digit stands before them. */
function isWithinNumber(runes: readonly string[], at: number): boolean {
  for (let before = at - 1; before >= 0 && /[0-9]/.test(runes[before] ?? ""); before--)
    if (runes[before] !== "0") return true;
  return false;
}
