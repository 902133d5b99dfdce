import {
  dns1035Label,
  dns1123Label,
  dns1123Subdomain,
  labelValue,
  qualifiedName,
  type Rule,
} from "../../../client/rules/names.ts";
import { hasFormat } from "../../../client/rules/text-formats.ts";
import { fn, method, type Overload } from "../environment.ts";
import { listOf, opaque, optionalOf, types } from "../types.ts";
import { CelList, Opaque, Optional, type Value } from "../values.ts";

/** Forms of text by name: `format.dns1123Label().validate("x")` tells what is wrong. */

const { string } = types;
const type = opaque("kubernetes.NamedFormat");

/** What a name generator appends makes a trailing dash harmless. */
const asPrefix =
  (rule: Rule): Rule =>
  (text) =>
    rule(text.length > 1 && text.endsWith("-") ? `${text.slice(0, -1)}a` : text);
const ofFormat =
  (name: string, problem: string): Rule =>
  (text) =>
    hasFormat(name, text) ? [] : [problem];

const formats: Readonly<Record<string, Rule>> = {
  dns1123Label,
  dns1123Subdomain,
  dns1035Label,
  qualifiedName,
  dns1123LabelPrefix: asPrefix(dns1123Label),
  dns1123SubdomainPrefix: asPrefix(dns1123Subdomain),
  dns1035LabelPrefix: asPrefix(dns1035Label),
  labelValue,
  uri: (text) => (hasFormat("uri", text) ? [] : [`parse ${JSON.stringify(text)}: invalid URI for request`]),
  uuid: ofFormat("uuid", "does not match the UUID format"),
  byte: ofFormat("byte", "invalid base64"),
  date: ofFormat("date", "invalid date"),
  datetime: ofFormat("datetime", "invalid datetime"),
};

const made = (name: string): Value =>
  new Opaque("kubernetes.NamedFormat", name, (other) => other.value === name);

export const formatFunctions: readonly Overload[] = [
  ...Object.keys(formats).map((name) => fn(`format.${name}`, [], type, () => made(name))),
  fn(
    "format.named",
    [string],
    optionalOf(type),
    ([name]) => new Optional(Object.hasOwn(formats, name as string) ? made(name as string) : undefined),
  ),
  method("validate", [type, string], optionalOf(listOf(string)), ([format, text], meter) => {
    meter.spendText((text as string).length * 6);
    const problems = formats[(format as Opaque).value as string]?.(text as string) ?? [];
    return new Optional(problems.length === 0 ? undefined : new CelList(problems));
  }),
];
