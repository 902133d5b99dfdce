import { fn, method, type Overload } from "../environment.ts";
import { listOf, mapOf, opaque, types } from "../types.ts";
import { CelError, CelList, CelMap, Opaque, type Value } from "../values.ts";

/** Locators, read as Go's url.ParseRequestURI reads them. */

const { bool, string } = types;
const type = opaque("kubernetes.URL");

interface Locator {
  readonly text: string;
  readonly scheme: string;
  readonly host: string;
  readonly path: string;
  readonly query: string;
}

function read(text: string): Locator | undefined {
  if ([...text].some((char) => char < " " || char === "\u007f")) return undefined;
  const [, scheme = "", authority, path = "", query = ""] =
    /^(?:([a-zA-Z][a-zA-Z0-9+.-]*):)?(?:\/\/([^/?]*))?([^?]*)(?:\?(.*))?$/s.exec(text) ?? [];
  if (text === "" || /%(?![0-9a-fA-F]{2})/.test(`${authority ?? ""}${path}`)) return undefined;
  if (scheme === "" && (authority !== undefined || !path.startsWith("/"))) {
    if (!path.startsWith("/") && path !== "*" && authority === undefined) return undefined;
  }
  const host = (authority ?? "").replace(/^.*@/, "");
  if (/[\s<>"`{}|\\^]/.test(host) || !/^(?:\[[^\]]*\]|[^:[\]]*)(?::\d*)?$/.test(host)) return undefined;
  return { text, scheme: scheme.toLowerCase(), host, path, query };
}

const held = (value: Value | undefined) => (value as Opaque).value as Locator;

function made(text: string): Value {
  const locator = read(text);
  if (locator === undefined)
    throw new CelError(
      `URL parse error during conversion from string: parse ${JSON.stringify(text)}: invalid URI for request`,
    );
  return new Opaque("kubernetes.URL", locator, (other) => (other.value as Locator).text === text);
}

const split = ({ host }: Locator) => {
  const [, name = "", port = ""] = /^(\[[^\]]*\]|[^:]*)(?::(\d*))?$/.exec(host) ?? [];
  return { name: name.replace(/^\[|\]$/g, ""), port };
};

function escapedPath(path: string): string {
  return path.replaceAll(/[^A-Za-z0-9$&+,/:;=@\-_.~!'()*%[\]]/gu, (char) => encodeURIComponent(char));
}

function queryMap(query: string): CelMap {
  const map = new CelMap();
  const found = new Map<string, string[]>();
  for (const [key, value] of new URLSearchParams(query)) {
    const values = found.get(key);
    if (values === undefined) found.set(key, [value]);
    else values.push(value);
  }
  for (const [key, values] of found) map.set(key, new CelList(values));
  return map;
}

export const urlFunctions: readonly Overload[] = [
  fn("url", [string], type, ([text], meter) => {
    meter.spendText((text as string).length);
    return made(text as string);
  }),
  fn("isURL", [string], bool, ([text], meter) => {
    meter.spendText((text as string).length);
    return read(text as string) !== undefined;
  }),
  method("getScheme", [type], string, ([one]) => held(one).scheme),
  method("getHost", [type], string, ([one]) => held(one).host),
  method("getHostname", [type], string, ([one]) => split(held(one)).name),
  method("getPort", [type], string, ([one]) => split(held(one)).port),
  method("getEscapedPath", [type], string, ([one]) => escapedPath(held(one).path)),
  method("getQuery", [type], mapOf(string, listOf(string)), ([one]) => queryMap(held(one).query)),
];
