import { createHash } from "node:crypto";
import { isObject, type JsonObject, listOf, objectOf } from "../json.ts";
import { sameValue } from "../schema/same-value.ts";
import type { SwaggerDocument } from "./openapi-v2.ts";

/** What another server's v2 document says of its group and version. */
export interface SwaggerPart {
  /** Of the content. */
  readonly hash: string;
  readonly paths: JsonObject;
  readonly definitions: JsonObject;
  readonly parameters: JsonObject;
}

/** The paths below `prefix` and what they speak of; undefined: the document has none. Pure. */
export function swaggerPart(document: JsonObject, prefix: string): SwaggerPart | undefined {
  const under = Object.entries(objectOf(document.paths)).filter(([path]) => path.startsWith(`${prefix}/`));
  if (under.length === 0) return undefined;
  const paths = Object.fromEntries(under);
  const definitions = reached(paths, objectOf(document.definitions), definitionPrefix);
  const parameters = reached([paths, definitions], objectOf(document.parameters), parameterPrefix);
  const behind = reached([paths, parameters], objectOf(document.definitions), definitionPrefix);
  const part = { paths, definitions: behind, parameters };
  return { ...part, hash: createHash("sha256").update(JSON.stringify(part)).digest("hex") };
}

/** One document of all: names that mean something else already get `_v2` and so on behind them, as Kubernetes' aggregator does it.
 *  Paths that are served here stay as they are. Pure; shares structure with its arguments. */
export function mergeSwagger(own: SwaggerDocument, parts: readonly SwaggerPart[]): SwaggerDocument {
  const paths: JsonObject = { ...own.paths };
  const definitions: JsonObject = { ...own.definitions };
  const parameters: JsonObject = { ...own.parameters };
  for (const part of parts) {
    const names = new Map([
      ...renames(part.definitions, definitions, { prefix: definitionPrefix, same: sameDefinition }),
      ...renames(part.parameters, parameters, { prefix: parameterPrefix, same: sameValue }),
    ]);
    for (const [path, item] of Object.entries(part.paths)) paths[path] ??= renamed(item, names);
    for (const [name, one] of Object.entries(part.definitions)) {
      const to = targetOf(name, definitionPrefix, names);
      definitions[to] = withKinds(definitions[to], renamed(one, names));
    }
    for (const [name, one] of Object.entries(part.parameters))
      parameters[targetOf(name, parameterPrefix, names)] ??= renamed(one, names);
  }
  return { ...own, paths, definitions, parameters } as SwaggerDocument;
}

const definitionPrefix = "#/definitions/";
const parameterPrefix = "#/parameters/";
const kindsKey = "x-kubernetes-group-version-kind";

/** What of `all` the value refers to, at any remove. */
function reached(value: unknown, all: JsonObject, prefix: string): JsonObject {
  const found: JsonObject = {};
  const queue = [value];
  for (let one = queue.pop(); one !== undefined; one = queue.pop()) {
    for (const ref of referencesIn(one)) {
      const name = ref.slice(prefix.length);
      if (!ref.startsWith(prefix) || Object.hasOwn(found, name) || !Object.hasOwn(all, name)) continue;
      found[name] = all[name];
      queue.push(all[name]);
    }
  }
  return found;
}

function referencesIn(value: unknown): readonly string[] {
  if (Array.isArray(value)) return value.flatMap(referencesIn);
  if (!isObject(value)) return [];
  return Object.entries(value).flatMap(([name, one]) =>
    name === "$ref" && typeof one === "string" ? [one] : referencesIn(one),
  );
}

/** Old reference -> new one, of what would mean something else. */
function renames(
  from: JsonObject,
  to: JsonObject,
  { prefix, same }: { readonly prefix: string; readonly same: (a: unknown, b: unknown) => boolean },
): readonly [string, string][] {
  const taken = new Set([...Object.keys(to), ...Object.keys(from)]);
  return Object.entries(from).flatMap(([name, one]): [string, string][] => {
    if (!Object.hasOwn(to, name) || same(to[name], one)) return [];
    for (let number = 2; ; number++) {
      const next = `${name}_v${number}`;
      const known = Object.hasOwn(to, next) && same(to[next], one);
      if (!known && taken.has(next)) continue;
      taken.add(next);
      return [[prefix + name, prefix + next]];
    }
  });
}

function targetOf(name: string, prefix: string, names: ReadonlyMap<string, string>): string {
  return names.get(prefix + name)?.slice(prefix.length) ?? name;
}

function renamed(value: unknown, names: ReadonlyMap<string, string>): unknown {
  if (names.size === 0) return value;
  if (Array.isArray(value)) return value.map((one) => renamed(one, names));
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, one]) => [
      name,
      name === "$ref" && typeof one === "string" ? (names.get(one) ?? one) : renamed(one, names),
    ]),
  );
}

/** The same but for the kinds that it is said to be. */
function sameDefinition(a: unknown, b: unknown): boolean {
  const { [kindsKey]: _, ...own } = objectOf(a);
  const { [kindsKey]: __, ...other } = objectOf(b);
  return sameValue(own, other);
}

/** The definition that is there, said to be the kinds of both. */
function withKinds(known: unknown, added: unknown): unknown {
  if (!isObject(known)) return added;
  const own = listOf(known[kindsKey]);
  const more = listOf(objectOf(added)[kindsKey]).filter((kind) => !own.some((one) => sameValue(one, kind)));
  return more.length === 0 ? known : { ...known, [kindsKey]: [...own, ...more] };
}
