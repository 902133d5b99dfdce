import { ownField } from "../../../base/own-field.ts";
import type { DeviceAttribute } from "../../cel/device-selectors.ts";
import type { Constraint, Device } from "./devices.ts";
import type { PoolDevice } from "./pools.ts";

/** What the devices of a claim must have in common, or must not. */
export interface DeviceRule {
  /** Counts the device in; false: it does not go with those that are there, and is not counted. */
  add(request: RequestName, device: PoolDevice): boolean;
  /** Undoes `add` where it answered true. */
  remove(request: RequestName): void;
}

/** Of a request, or of one of those of which the first that can be had is taken. */
export interface RequestName {
  readonly main: string;
  readonly sub?: string | undefined;
}

export const fullName = ({ main, sub }: RequestName): string => (sub === undefined ? main : `${main}/${sub}`);

/** Undefined: one of a kind that nobody here knows. */
export function deviceRule({
  requests = [],
  matchAttribute,
  distinctAttribute,
}: Constraint): DeviceRule | undefined {
  const applies = (name: RequestName) =>
    requests.length === 0 || requests.includes(name.main) || requests.includes(fullName(name));
  if (matchAttribute !== undefined) return new AttributeRule(matchAttribute, applies, true);
  return distinctAttribute === undefined ? undefined : new AttributeRule(distinctAttribute, applies, false);
}

class AttributeRule implements DeviceRule {
  readonly #attribute: string;
  readonly #applies: (name: RequestName) => boolean;
  readonly #isShared: boolean;
  /** Values of the devices that are there, in the order in which they came. */
  readonly #values: string[] = [];

  /** @param isShared All have one value; otherwise each its own. */
  constructor(attribute: string, applies: (name: RequestName) => boolean, isShared: boolean) {
    this.#attribute = attribute;
    this.#applies = applies;
    this.#isShared = isShared;
  }

  add(request: RequestName, { device, driver }: PoolDevice): boolean {
    if (!this.#applies(request)) return true;
    const value = attributeText(device, driver, this.#attribute);
    if (value === undefined) return false;
    const fits =
      this.#values.length === 0 ||
      (this.#isShared ? this.#values[0] === value : !this.#values.includes(value));
    if (fits) this.#values.push(value);
    return fits;
  }

  remove(request: RequestName): void {
    if (this.#applies(request)) this.#values.pop();
  }
}

/** Type and value as one text; versions are equal where their texts are. */
function attributeText({ attributes = {} }: Device, driver: string, name: string): string | undefined {
  const slash = name.indexOf("/");
  const own = name.slice(0, slash) === driver ? ownField(attributes, name.slice(slash + 1)) : undefined;
  const found = ownField(attributes, name) ?? own;
  if (found === undefined) return undefined;
  const { bool, int, string, version } = found as DeviceAttribute;
  if (string !== undefined) return `string ${string}`;
  if (int !== undefined) return `int ${int}`;
  if (bool !== undefined) return `bool ${bool}`;
  return version === undefined ? undefined : `version ${version}`;
}
