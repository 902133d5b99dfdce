import type { ObjectSchema } from "../schemas.ts";
import { byGroupOrder } from "./group-order.ts";
import type {
  FieldLabels,
  Kind,
  OtherForm,
  SlowConversion,
  Subresources,
  TableColumns,
  Verb,
  VersionRules,
} from "./kind.ts";
import { byPriority } from "./version-priority.ts";

/** A kind as one group and version of the API serves it. Most kinds are served once; events twice. */
export interface ServedKind {
  readonly kind: Kind;
  readonly group: string;
  readonly version: string;
  readonly apiVersion: string;
  /** For error texts. */
  readonly plural: string;
  /** Absent: as the built-in schema says of this group, version and kind. */
  readonly schema?: ObjectSchema;
  readonly view: TableColumns;
  readonly subresources: Subresources;
  /** Absent: the kind's own. */
  readonly rules?: VersionRules;
  readonly deprecation?: string;
  /** Absent: as field-labels.ts says. */
  readonly fieldLabels?: FieldLabels;
  /** Present where the served form differs from the stored one. */
  readonly convert?: Pick<OtherForm, "toServed" | "fromServed">;
  /** Present where that has to be asked of others, ahead: see slow-conversion.ts. */
  readonly slow?: SlowConversion;
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
export interface Kinds {
  readonly kinds: readonly Kind[];
  readonly served: readonly ServedKind[];
  byResource(group: string, version: string, plural: string): ServedKind | undefined;
  byKind(apiVersion: string, kind: string): ServedKind | undefined;
  /** The stored kind with this plural in the core group or any other. */
  named(group: string, plural: string): ServedKind | undefined;
  /** Kubernetes' groups in its order, then others in that of the table, each with its versions, the one that clients should
   *  prefer first. */
  groups(): ReadonlyMap<string, readonly string[]>;
}

/** The kinds of one moment. */
export class KindTable implements Kinds {
  readonly kinds: readonly Kind[];
  readonly served: readonly ServedKind[];
  readonly #byResource = new Map<string, ServedKind>();
  readonly #byKind = new Map<string, ServedKind>();
  readonly #named = new Map<string, ServedKind>();
  #groups: ReadonlyMap<string, readonly string[]> | undefined;

  constructor(kinds: readonly Kind[]) {
    this.kinds = kinds;
    this.served = kinds.flatMap(servedForms);
    for (const one of this.served) {
      setFirst(this.#byResource, `${one.apiVersion}/${one.plural}`, one);
      setFirst(this.#byKind, `${one.apiVersion}/${one.kind.kind}`, one);
      setFirst(this.#named, `${one.group}/${one.plural}`, one);
    }
  }

  byResource(group: string, version: string, plural: string): ServedKind | undefined {
    return this.#byResource.get(`${apiVersionOf(group, version)}/${plural}`);
  }

  byKind(apiVersion: string, kind: string): ServedKind | undefined {
    return this.#byKind.get(`${apiVersion}/${kind}`);
  }

  named(group: string, plural: string): ServedKind | undefined {
    return this.#named.get(`${group}/${plural}`);
  }

  groups(): ReadonlyMap<string, readonly string[]> {
    this.#groups ??= groupsOf(this.served);
    return this.#groups;
  }
}

/** The versions of each group, the preferred first, in Kubernetes' order of groups. */
function groupsOf(served: readonly ServedKind[]): ReadonlyMap<string, readonly string[]> {
  const groups = new Map<string, Set<string>>();
  for (const { group, version } of served) {
    const versions = groups.get(group);
    if (versions === undefined) groups.set(group, new Set([version]));
    else versions.add(version);
  }
  const ordered = [...groups].sort(([a], [b]) => byGroupOrder(a, b));
  return new Map(ordered.map(([group, versions]) => [group, [...versions].sort(byPriority)]));
}

export function apiVersionOf(group: string, version: string): string {
  return group === "" ? version : `${group}/${version}`;
}

/** Are there objects of the kind in the store? Pure. */
export const isStored = ({ isReview, isReported }: Kind): boolean => !isReview && !isReported;

export function supports(kind: Kind, verb: Verb): boolean {
  return (kind.verbs ?? allVerbs).includes(verb);
}

const formsOf = new WeakMap<Kind, readonly ServedKind[]>();

/** Each group and version that serves the kind, its own first. */
export function servedForms(kind: Kind): readonly ServedKind[] {
  const known = formsOf.get(kind);
  if (known !== undefined) return known;
  const made = newForms(kind);
  formsOf.set(kind, made);
  return made;
}

function newForms(kind: Kind): readonly ServedKind[] {
  const own: ServedKind = {
    kind,
    group: kind.group,
    version: kind.version,
    apiVersion: apiVersionOf(kind.group, kind.version),
    plural: kind.plural,
    subresources: kind.subresources,
    ...(kind.schema && { schema: kind.schema }),
    ...(kind.deprecation !== undefined && { deprecation: kind.deprecation }),
    ...(kind.fieldLabels && { fieldLabels: kind.fieldLabels }),
    view: kind,
    ...(kind.slowForm && { slow: kind.slowForm(kind.version), convert: plain }),
  };
  const others = (kind.otherForms ?? []).map((form): ServedKind => {
    const { group, version, schema, view = kind, deprecation, fieldLabels = kind.fieldLabels } = form;
    const { subresources = kind.subresources, rules } = form;
    const apiVersion = apiVersionOf(group, version);
    return {
      kind,
      group,
      version,
      apiVersion,
      plural: kind.plural,
      subresources,
      ...(rules && { rules }),
      ...(schema && { schema }),
      ...(deprecation !== undefined && { deprecation }),
      ...(fieldLabels && { fieldLabels }),
      view,
      ...(kind.slowForm && { slow: kind.slowForm(version) }),
      convert: {
        toServed: (object) => ({ ...form.toServed(object), apiVersion }),
        fromServed: (object) => ({ ...form.fromServed(object), apiVersion: own.apiVersion }),
      },
    };
  });
  return kind.hidesOwnForm ? others : [own, ...others];
}

/** What holds for what comes in the served form; that of another kind has no say. */
export function rulesOf(kind: Kind, served: ServedKind | undefined): VersionRules {
  return (served?.kind === kind ? served.rules : undefined) ?? kind;
}

/** Of objects that are in the version already. */
const plain: NonNullable<ServedKind["convert"]> = {
  toServed: (object) => ({ ...object }),
  fromServed: (object) => object,
};

function setFirst<V>(map: Map<string, V>, key: string, value: V): void {
  if (!map.has(key)) map.set(key, value);
}
