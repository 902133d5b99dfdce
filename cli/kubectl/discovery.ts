import type { CallOptions } from "../../client/api.ts";
import type { RestClient } from "../../client/rest.ts";
import type { KubeObject, Resource } from "../../client/types.ts";
import { OperatorError } from "../command.ts";

/** A kind the server serves, with the names people use for it. */
export interface DiscoveredResource extends Resource<KubeObject> {
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
}

const accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

/** All kinds, core group first, in the server's order; of each group the preferred version. */
export async function discover(
  client: RestClient,
  options: CallOptions = {},
): Promise<readonly DiscoveredResource[]> {
  const texts = await Promise.all(
    ["/api", "/apis"].map((path) => client.raw("GET", path, undefined, { ...options, accept })),
  );
  return texts.flatMap((text) => list(record(JSON.parse(text)), "items").flatMap(resourcesOfGroup));
}

function resourcesOfGroup(group: Readonly<Record<string, unknown>>): DiscoveredResource[] {
  const groupName = text(record(group.metadata), "name");
  const [preferred] = list(group, "versions");
  if (preferred === undefined) return [];
  return list(preferred, "resources").map((one) => ({
    group: groupName,
    version: text(preferred, "version"),
    kind: text(record(one.responseKind), "kind"),
    plural: text(one, "resource"),
    namespaced: one.scope === "Namespaced",
    singular: text(one, "singularResource"),
    shortNames: strings(one.shortNames),
    categories: strings(one.categories),
  }));
}

/** The kind that a word means: plural, singular, short name or Kind, with `.group` where that is needed. */
export function findResource(all: readonly DiscoveredResource[], word: string): DiscoveredResource {
  const wanted = word.toLowerCase();
  const names = (one: DiscoveredResource) => [
    one.plural,
    one.singular,
    one.kind.toLowerCase(),
    ...one.shortNames,
  ];
  const found =
    all.find((one) => names(one).includes(wanted)) ??
    all.find((one) => names(one).some((name) => `${name}.${one.group}` === wanted));
  if (found === undefined) throw new OperatorError(`the server doesn't have a resource type "${word}"`);
  return found;
}

/** The kinds of a category such as `all`. */
export function resourcesOfCategory(
  all: readonly DiscoveredResource[],
  category: string,
): readonly DiscoveredResource[] {
  return all.filter(({ categories }) => categories.includes(category));
}

/** The kind of a manifest. */
export function resourceFor(
  all: readonly DiscoveredResource[],
  apiVersion: string,
  kind: string,
): DiscoveredResource {
  const slash = apiVersion.indexOf("/");
  const group = slash < 0 ? "" : apiVersion.slice(0, slash);
  const version = apiVersion.slice(slash + 1);
  const found = all.find((one) => one.kind === kind && one.group === group);
  if (found === undefined)
    throw new OperatorError(
      `no matches for kind "${kind}" in version "${apiVersion}": is its group installed?`,
    );
  return { ...found, version };
}

/** `pod/web` or `deployment.apps/web`, as kubectl names things. */
export function shownName(resource: Pick<DiscoveredResource, "singular" | "group">, name: string): string {
  return `${resource.singular}${resource.group === "" ? "" : `.${resource.group}`}/${name}`;
}

type Fields = Readonly<Record<string, unknown>>;

function record(value: unknown): Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}
const list = (from: Fields, name: string): readonly Fields[] =>
  Array.isArray(from[name]) ? from[name].map(record) : [];
const text = (from: Fields, name: string): string => (typeof from[name] === "string" ? from[name] : "");
const strings = (value: unknown): readonly string[] =>
  Array.isArray(value) ? value.filter((one): one is string => typeof one === "string") : [];
