import { UsageError } from "../../base/os/flags.ts";
import { type DiscoveredResource, findResource, resourcesOfCategory } from "./discovery.ts";

/** A kind, and the objects of it that are meant: these names, or all. */
export interface Target {
  readonly resource: DiscoveredResource;
  readonly names: readonly string[];
}

/** Asked for before the cluster is. */
export function needKind(words: readonly string[]): void {
  if (words.length === 0) throw new UsageError("which kind? For example: pods, deployment/web, all");
}

/** Reads `pods`, `pods a b`, `pod/a svc/b`, `deploy,svc`, `all`. */
export function parseTargets(
  all: readonly DiscoveredResource[],
  words: readonly string[],
): readonly Target[] {
  needKind(words);
  const [first = "", ...names] = words;
  if (words.some((word) => word.includes("/"))) return words.map((word) => parseSlashed(all, word));
  const kinds = first.split(",").flatMap((word) => {
    const category = resourcesOfCategory(all, word);
    return category.length > 0 ? category : [findResource(all, word)];
  });
  return kinds.map((resource) => ({ resource, names }));
}

/** Exactly one object: `pod/web`, `pod web`, or – where a kind goes without saying – `web`. */
export function parseOne(
  all: readonly DiscoveredResource[],
  words: readonly string[],
  assumedKind?: string,
): { readonly resource: DiscoveredResource; readonly name: string } {
  const [first = "", second] = words;
  const named =
    !first.includes("/") && second === undefined && assumedKind !== undefined ? [assumedKind, first] : words;
  const [target] = parseTargets(
    all,
    named.filter((word) => word !== ""),
  );
  const name = target?.names[0];
  if (target === undefined || name === undefined)
    throw new UsageError("which object? For example: deployment/web");
  return { resource: target.resource, name };
}

function parseSlashed(all: readonly DiscoveredResource[], word: string): Target {
  const [kind, name, ...rest] = word.split("/");
  if (!kind || !name || rest.length > 0)
    throw new UsageError(`"${word}": with names written kind/name, all words must be of that form`);
  return { resource: findResource(all, kind), names: [name] };
}
