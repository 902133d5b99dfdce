import { shown } from "../base/shown.ts";

type Test = (value: unknown) => boolean;

const isText: Test = (value) => typeof value === "string";
const isSwitch: Test = (value) => typeof value === "boolean";
export const isTexts: Test = (value) => Array.isArray(value) && value.every(isText);

const clientFields: Readonly<Record<string, readonly [Test, string]>> = {
  groups: [isTexts, "must be a list of texts"],
  name: [isText, "must be a text"],
  fieldManager: [isText, "must be a text"],
  force: [isSwitch, "must be true or false"],
};

/** Throws TypeError for a user's name and groups that are none. */
export function checkUser(user: unknown, groups: unknown): void {
  if (!isText(user)) throw new TypeError(`user: ${shown(user)} must be a text`);
  if (!isTexts(groups)) throw new TypeError(`groups: ${shown(groups)} must be a list of texts`);
}

/** Throws TypeError for what a client cannot be told, one line for each thing that is wrong. */
export function checkClientOptions(options: object): void {
  const problems: string[] = [];
  for (const [field, value] of Object.entries(options)) {
    const [isFine, rule] = (Object.hasOwn(clientFields, field) && clientFields[field]) || [];
    if (isFine === undefined)
      problems.push(`${field}: ${shown(value)} is none of ${Object.keys(clientFields).join(", ")}`);
    else if (value !== undefined && !isFine(value)) problems.push(`${field}: ${shown(value)} ${rule}`);
  }
  if (problems.length > 0) throw new TypeError(problems.join("\n"));
}

/** Throws TypeError for a filter of a field that there is not: it would let all through, or none. */
export function checkFilter(filter: unknown, fields: readonly string[]): void {
  if (typeof filter !== "object" || filter === null)
    throw new TypeError(`${shown(filter)} must be an object of ${fields.join(", ")}`);
  for (const [field, value] of Object.entries(filter))
    if (!fields.includes(field))
      throw new TypeError(`${field}: ${shown(value)} is none of ${fields.join(", ")}`);
}
