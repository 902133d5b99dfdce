/** Whether go-yaml quotes a text because, bare, it would be read as a number, a time, a truth or nothing. Pure. */
export function readsAsOther(text: string): boolean {
  if (words.has(text)) return true;
  const first = text.charAt(0);
  if (first === ".") return pointedNumber.test(text) && Number.isFinite(Number(text));
  if (!/[-+0-9]/.test(first)) return false;
  return isTime(text) || isNumber(text.replaceAll("_", "")) || sexagesimal.test(text);
}

const words: ReadonlySet<string> = new Set(
  [
    ["", "~"],
    ...["y", "yes", "true", "on", "n", "no", "false", "off", "null"].map(inCases),
    [".nan", ".NaN", ".NAN"],
    ...["", "+", "-"].map((sign) => [".inf", ".Inf", ".INF"].map((word) => sign + word)),
  ].flat(),
);

function inCases(word: string): readonly string[] {
  return [word, word.charAt(0).toUpperCase() + word.slice(1), word.toUpperCase()];
}

const pointedNumber = /^\.[0-9]+(?:[eE][-+]?[0-9]+)?$/;
const decimal = /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/;
const sexagesimal = /^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?$/;
const based = /^([-+]?)(0[xX][0-9a-fA-F]+|0[oO][0-7]+|0[bB][01]+)$/;
/** Nothing says that a sign may stand behind the prefix; its reader lets it. */
const signedBinary = /^0b[-+][01]{1,63}$/;

function isNumber(text: string): boolean {
  if (decimal.test(text)) return Number.isFinite(Number(text));
  const [, sign, digits] = based.exec(text) ?? [];
  if (digits === undefined) return signedBinary.test(text);
  const value = BigInt(digits.toLowerCase());
  if (sign === "-") return value <= 2n ** 63n;
  return value < 2n ** (sign === "+" ? 63n : 64n);
}

const time =
  /^([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})(?:(?:[Tt](?<clock>[0-9:]+)(?:[.,][0-9]+)?(?:Z|[-+](?<zone>[0-9]{2}:[0-9]{2})))| +(?<bare>[0-9:]+)(?:[.,][0-9]+)?)?$/;

/** A day of the calendar, alone or with a time of day. */
function isTime(text: string): boolean {
  const match = time.exec(text);
  if (match === null) return false;
  const [year = 0, month = 0, day = 0] = match.slice(1, 4).map(Number);
  if (month < 1 || month > 12 || day < 1 || day > daysIn(year, month)) return false;
  const { clock, bare, zone } = match.groups ?? {};
  const ofDay = clock ?? bare;
  return (ofDay === undefined || clockTime.test(ofDay)) && (zone === undefined || zoneOffset.test(zone));
}

const clockTime = /^(?:[01]?[0-9]|2[0-3]):[0-5]?[0-9]:[0-5]?[0-9]$/;
const zoneOffset = /^(?:[01][0-9]|2[0-4]):[0-5][0-9]$/;

function daysIn(year: number, month: number): number {
  const isLeap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  return month === 2 ? (isLeap ? 29 : 28) : [4, 6, 9, 11].includes(month) ? 30 : 31;
}
