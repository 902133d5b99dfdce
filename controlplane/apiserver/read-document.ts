/** Reading a parsed document that may hold anything. What is not as it should be is added to the problems. */

export function recordOf(value: unknown, what: string, problems: string[]): Record<string, unknown> {
  if (isRecord(value)) return value;
  problems.push(`${what}: not an object`);
  return {};
}

export function listOfObjects(
  value: unknown,
  what: string,
  problems: string[],
): readonly Record<string, unknown>[] {
  if (value === undefined || value === null) return [];
  if (Array.isArray(value) && value.every(isRecord)) return value;
  problems.push(`${what}: not a list of objects`);
  return [];
}

export function textsOf(value: unknown, what: string, problems: string[]): readonly string[] {
  if (value === undefined || value === null) return [];
  if (Array.isArray(value) && value.every((one) => typeof one === "string")) return value;
  problems.push(`${what}: not a list of texts`);
  return [];
}

export function noUnknown(rest: object, path: string, problems: string[]): void {
  for (const name of Object.keys(rest)) problems.push(`${path}${name}: unknown field`);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
