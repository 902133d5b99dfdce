const lengthMost = 200;

/** A value as it stands in an error about it, whatever it is: `JSON.stringify` fails for some, and says `null` of `NaN`. */
export function shown(value: unknown): string {
  const text = textOf(value);
  return text.length > lengthMost ? `${text.slice(0, lengthMost)}…` : text;
}

function textOf(value: unknown): string {
  if (value === undefined) return "nothing";
  if (typeof value === "function") return "a function";
  if (typeof value === "number") return String(value);
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "symbol") return String(value);
  try {
    return JSON.stringify(value, (_key, one) => (typeof one === "bigint" ? `${one}n` : one)) ?? "nothing";
  } catch {
    return "an object that contains itself";
  }
}
