import type { KubeObject } from "../../../client/types.ts";
import { type JsonObject, objectOf } from "../json.ts";
import { eventFromNewGroup, eventToNewGroup } from "./event-conversion.ts";
import type { Kind, Verb } from "./kind.ts";

/** A kind as one group and version of the API serves it. Most kinds are served once; events twice. */
export interface ServedKind {
  readonly kind: Kind;
  readonly group: string;
  readonly version: string;
  readonly apiVersion: string;
  /** For error texts. */
  readonly plural: string;
  /** Present where the served form differs from the stored one. */
  readonly convert?: {
    readonly toServed: (object: KubeObject) => JsonObject;
    readonly fromServed: (object: JsonObject) => JsonObject;
  };
}

export const allVerbs = [
  "create",
  "delete",
  "deletecollection",
  "get",
  "list",
  "patch",
  "update",
  "watch",
] as const satisfies readonly Verb[];

/** Finds kinds by where they are served. */
export class KindTable {
  readonly kinds: readonly Kind[];
  readonly served: readonly ServedKind[];
  readonly #byResource = new Map<string, ServedKind>();
  readonly #byKind = new Map<string, ServedKind>();

  constructor(kinds: readonly Kind[]) {
    this.kinds = kinds;
    this.served = kinds.flatMap(servedForms);
    for (const one of this.served) {
      this.#byResource.set(`${one.apiVersion}/${one.plural}`, one);
      this.#byKind.set(`${one.apiVersion}/${one.kind.kind}`, one);
    }
  }

  byResource(group: string, version: string, plural: string): ServedKind | undefined {
    return this.#byResource.get(`${apiVersionOf(group, version)}/${plural}`);
  }

  byKind(apiVersion: string, kind: string): ServedKind | undefined {
    return this.#byKind.get(`${apiVersion}/${kind}`);
  }

  /** The stored kind with this plural in the core group or any other. */
  named(group: string, plural: string): ServedKind | undefined {
    return this.served.find((one) => one.group === group && one.plural === plural);
  }

  /** Groups in the order of the table, each with its versions. */
  groups(): ReadonlyMap<string, readonly string[]> {
    const groups = new Map<string, string[]>();
    for (const { group, version } of this.served) {
      const versions = groups.get(group) ?? [];
      if (!versions.includes(version)) versions.push(version);
      groups.set(group, versions);
    }
    return groups;
  }
}

export function apiVersionOf(group: string, version: string): string {
  return group === "" ? version : `${group}/${version}`;
}

export function supports(kind: Kind, verb: Verb): boolean {
  return (kind.verbs ?? allVerbs).includes(verb);
}

function servedForms(kind: Kind): ServedKind[] {
  const own: ServedKind = {
    kind,
    group: kind.group,
    version: kind.version,
    apiVersion: apiVersionOf(kind.group, kind.version),
    plural: kind.plural,
  };
  const others = (kind.alsoServedAs ?? []).map(({ group, version }): ServedKind => {
    const apiVersion = apiVersionOf(group, version);
    const storedAs = own.apiVersion;
    const isEvent = kind.kind === "Event" && group === "events.k8s.io";
    return {
      kind,
      group,
      version,
      apiVersion,
      plural: kind.plural,
      convert: {
        toServed: (object) => ({ ...(isEvent ? eventToNewGroup(object) : object), apiVersion }),
        fromServed: (object) => ({
          ...(isEvent ? eventFromNewGroup(object) : objectOf(object)),
          apiVersion: storedAs,
        }),
      },
    };
  });
  return [own, ...others];
}
