import { fn, method, type Overload } from "../environment.ts";
import { opaque, types } from "../types.ts";
import { CelError, Opaque, type Value } from "../values.ts";

/** Semantic versions. */

const { bool, int, string } = types;
const type = opaque("kubernetes.Semver");

interface Version {
  readonly numbers: readonly [major: bigint, minor: bigint, patch: bigint];
  readonly before: readonly string[];
}

const number = "(0|[1-9]\\d*)";
const identifier = "(?:0|[1-9]\\d*|\\d*[a-zA-Z-][0-9a-zA-Z-]*)";
const form = new RegExp(
  `^${number}\\.${number}\\.${number}(?:-(${identifier}(?:\\.${identifier})*))?(?:\\+[0-9a-zA-Z-]+(?:\\.[0-9a-zA-Z-]+)*)?$`,
);

function read(text: string): Version | undefined {
  const [, major, minor, patch, before] = form.exec(text) ?? [];
  if (major === undefined || minor === undefined || patch === undefined) return undefined;
  return {
    numbers: [BigInt(major), BigInt(minor), BigInt(patch)],
    before: before === undefined ? [] : before.split("."),
  };
}

/** Versions as people write them: `v1.2`, `01.2.3`. */
function normalized(text: string): string {
  const [, main = "", rest = ""] = /^([^-+]*)(.*)$/s.exec(text.replace(/^v/, "")) ?? [];
  const parts = main.split(".").map((part) => part.replace(/^0+(?=\d)/, ""));
  while (parts.length < 3) {
    if (rest !== "") return text.replace(/^v/, "");
    parts.push("0");
  }
  return `${parts.join(".")}${rest}`;
}

function order(a: Version, b: Version): number {
  for (const [index, one] of a.numbers.entries()) {
    const other = b.numbers[index] ?? 0n;
    if (one !== other) return one < other ? -1 : 1;
  }
  if (a.before.length === 0 || b.before.length === 0)
    return b.before.length === 0 ? (a.before.length === 0 ? 0 : -1) : 1;
  for (let index = 0; index < Math.max(a.before.length, b.before.length); index++) {
    const [one, other] = [a.before[index], b.before[index]];
    if (one === undefined || other === undefined) return one === undefined ? -1 : 1;
    const [isNumber, otherIsNumber] = [/^\d+$/.test(one), /^\d+$/.test(other)];
    if (isNumber !== otherIsNumber) return isNumber ? -1 : 1;
    if (isNumber ? BigInt(one) !== BigInt(other) : one !== other)
      return (isNumber ? BigInt(one) < BigInt(other) : one < other) ? -1 : 1;
  }
  return 0;
}

/** Throws CelError. */
export function semverValue(text: string): Value {
  const version = read(text);
  if (version === undefined)
    throw new CelError(
      text === ""
        ? "Version string empty"
        : text.split(/[-+]/)[0]?.split(".").length === 3
          ? `Invalid character(s) found in version ${JSON.stringify(text)}`
          : "No Major.Minor.Patch elements found",
    );
  return new Opaque("kubernetes.Semver", version, (other) => order(version, other.value as Version) === 0);
}

const held = (value: Value | undefined) => (value as Opaque).value as Version;
const text = (value: Value | undefined, normalize: Value | undefined) =>
  normalize === true ? normalized(value as string) : (value as string);

export const semverFunctions: readonly Overload[] = [
  fn("semver", [string], type, ([value]) => semverValue(text(value, false))),
  fn("semver", [string, bool], type, ([value, normalize]) => semverValue(text(value, normalize))),
  fn("isSemver", [string], bool, ([value]) => read(text(value, false)) !== undefined),
  fn("isSemver", [string, bool], bool, ([value, normalize]) => read(text(value, normalize)) !== undefined),
  method("isGreaterThan", [type, type], bool, ([one, other]) => order(held(one), held(other)) > 0),
  method("isLessThan", [type, type], bool, ([one, other]) => order(held(one), held(other)) < 0),
  method("compareTo", [type, type], int, ([one, other]) => BigInt(order(held(one), held(other)))),
  method("major", [type], int, ([one]) => held(one).numbers[0]),
  method("minor", [type], int, ([one]) => held(one).numbers[1]),
  method("patch", [type], int, ([one]) => held(one).numbers[2]),
];
