import type { Stored } from "../object-cache.ts";
import { apiVersionOf } from "../resources.ts";
import type { Event, Pod, Ref, Resource } from "../types.ts";
import type { Verdicts } from "./verdicts.ts";

/** What an analysis wants to know. */
export type Read =
  | { readonly of: "object"; readonly resource: Resource<Stored>; readonly ref: Ref }
  /** All objects of a kind, of one namespace or of all. */
  | { readonly of: "list"; readonly resource: Resource<Stored>; readonly namespace: string | undefined }
  /** What happened to an object. */
  | { readonly of: "events"; readonly uid: string; readonly namespace: string | undefined }
  /** What went wrong with any object. */
  | { readonly of: "warnings"; readonly namespace: string | undefined }
  /** The last lines of a container's output. */
  | { readonly of: "lines"; readonly ref: Ref; readonly container: string; readonly previous: boolean }
  /** What the scheduler's filters say of each node. */
  | { readonly of: "verdicts"; readonly pod: Pod };

export type Answer =
  | { readonly is: "read"; readonly value: unknown; readonly isCut?: boolean }
  | { readonly is: "absent" }
  | { readonly is: "refused"; readonly why: string };

export function keyOfRead(read: Read): string {
  switch (read.of) {
    case "object":
      return objectKey(read.resource, read.ref);
    case "list":
      return listKey(read.resource, read.namespace);
    case "events":
      return `events ${read.uid}`;
    case "warnings":
      return `warnings ${read.namespace ?? ""}`;
    case "lines":
      return `lines ${read.ref.namespace}/${read.ref.name}/${read.container}/${read.previous}`;
    case "verdicts":
      return `verdicts ${read.pod.metadata.uid}`;
  }
}

const kindKey = (resource: Resource<unknown>) => `${apiVersionOf(resource)} ${resource.plural}`;
const objectKey = (resource: Resource<unknown>, { name, namespace }: Ref) =>
  `object ${kindKey(resource)} ${namespace ?? ""}/${name}`;
const listKey = (resource: Resource<unknown>, namespace: string | undefined) =>
  `list ${kindKey(resource)} ${namespace ?? ""}`;

/** In words, what a read is of. */
export function readText(read: Read): string {
  const where = (namespace: string | undefined) => (namespace === undefined ? "" : ` in ${namespace}`);
  switch (read.of) {
    case "object":
      return `${read.resource.plural} ${read.ref.name}${where(read.ref.namespace)}`;
    case "list":
      return `${read.resource.plural}${where(read.namespace)}`;
    case "events":
    case "warnings":
      return `events${where(read.namespace)}`;
    case "lines":
      return `the output of container ${read.container} of pod ${read.ref.name}${where(read.ref.namespace)}`;
    case "verdicts":
      return `what nodes say of pod ${read.pod.metadata.name}${where(read.pod.metadata.namespace)}`;
  }
}

/** What has been read, by the key of its read. */
export class Answers {
  readonly #answers = new Map<string, Answer>();
  readonly #byName = new Map<string, ReadonlyMap<string, Stored>>();
  readonly #byNamespace = new Map<string, ReadonlyMap<string, readonly Stored[]>>();
  readonly #byUid = new Map<string, ReadonlyMap<string, readonly Event[]>>();

  set(read: Read, answer: Answer): void {
    this.#answers.set(keyOfRead(read), answer);
  }

  at(key: string): Answer | undefined {
    return this.#answers.get(key);
  }

  /** The objects of a list that was read, by namespace and name. */
  byName(key: string): ReadonlyMap<string, Stored> | undefined {
    const answer = this.#answers.get(key);
    if (answer?.is !== "read") return undefined;
    let index = this.#byName.get(key);
    if (index === undefined) {
      const entries = (answer.value as readonly Stored[]).map((one): [string, Stored] => [
        `${one.metadata.namespace ?? ""}/${one.metadata.name}`,
        one,
      ]);
      index = new Map(entries);
      this.#byName.set(key, index);
    }
    return index;
  }

  /** The objects of a list of all namespaces that are in one of them. */
  inNamespace(key: string, namespace: string): readonly Stored[] {
    const answer = this.#answers.get(key);
    if (answer?.is !== "read") return [];
    let index = this.#byNamespace.get(key);
    if (index === undefined) {
      const made = new Map<string, Stored[]>();
      for (const object of answer.value as readonly Stored[]) {
        const name = object.metadata.namespace ?? "";
        const of = made.get(name);
        if (of === undefined) made.set(name, [object]);
        else of.push(object);
      }
      index = made;
      this.#byNamespace.set(key, index);
    }
    return index.get(namespace) ?? [];
  }

  /** Events that were read as a list, by the uid of what they are about. */
  byUid(key: string): ReadonlyMap<string, readonly Event[]> | undefined {
    const answer = this.#answers.get(key);
    if (answer?.is !== "read") return undefined;
    let index = this.#byUid.get(key);
    if (index === undefined) {
      const made = new Map<string, Event[]>();
      for (const event of answer.value as readonly Event[]) {
        const uid = event.involvedObject.uid ?? "";
        const of = made.get(uid);
        if (of === undefined) made.set(uid, [event]);
        else of.push(event);
      }
      index = made;
      this.#byUid.set(key, index);
    }
    return index;
  }
}

/** What an analysis looks at. Whatever is asked for and not known is wanted: it is read, and the analysis is made anew. So an
 *  analysis reads as if all was known, and what it needs is the plan of reads. `undefined`: not known (yet, or it may not be read);
 *  `null`: there is no such object. */
export class Facts {
  readonly nowMs: number;
  readonly #answers: Answers;
  readonly #wants = new Map<string, Read>();
  readonly #unread = new Map<string, string>();
  readonly #isWide: boolean;

  /** @param isWide Many objects are looked at: no reads for a single one but those of objects. */
  constructor(answers: Answers, nowMs: number, isWide = false) {
    this.#answers = answers;
    this.nowMs = nowMs;
    this.#isWide = isWide;
  }

  get isWide(): boolean {
    return this.#isWide;
  }

  /** What is to be read before the analysis can say more. */
  get wants(): readonly Read[] {
    return [...this.#wants.values()];
  }

  /** What could not be looked at, a line each. */
  get unread(): readonly string[] {
    return [...this.#unread].map(([what, why]) => `${what}: ${why}`);
  }

  find<T extends Stored>(resource: Resource<T>, ref: Ref): T | null | undefined {
    const name = `${resource.namespaced ? (ref.namespace ?? "") : ""}/${ref.name}`;
    for (const namespace of resource.namespaced ? [ref.namespace, undefined] : [undefined]) {
      const key = listKey(resource, namespace);
      const answer = this.#answers.at(key);
      if (answer?.is === "absent") return null;
      const found = this.#answers.byName(key)?.get(name);
      if (found !== undefined) return found as T;
      if (answer?.is === "read" && answer.isCut !== true) return null;
    }
    const at = { name: ref.name, namespace: resource.namespaced ? ref.namespace : undefined };
    const value = this.#know({ of: "object", resource, ref: at });
    return value as T | null | undefined;
  }

  /** All objects of a kind in a namespace, or of all namespaces; undefined: not known. */
  list<T extends Stored>(resource: Resource<T>, namespace?: string): readonly T[] | undefined {
    if (namespace !== undefined && this.#answers.at(listKey(resource, undefined))?.is === "read") {
      this.#know({ of: "list", resource, namespace: undefined });
      return this.#answers.inNamespace(listKey(resource, undefined), namespace) as readonly T[];
    }
    return (this.#know({ of: "list", resource, namespace }) ?? undefined) as readonly T[] | undefined;
  }

  /** Whether a list was too long to be read whole. */
  isCut(resource: Resource<unknown>, namespace?: string): boolean {
    const answer = this.#answers.at(listKey(resource, namespace));
    return answer?.is === "read" && answer.isCut === true;
  }

  /** What happened to an object, oldest first; in a wide view only what went wrong. */
  events({ metadata: { uid, namespace } }: Stored): readonly Event[] {
    for (const scope of [namespace, undefined]) {
      const known = this.#answers.byUid(`warnings ${scope ?? ""}`);
      if (known !== undefined) return known.get(uid) ?? [];
    }
    if (this.#isWide) return [];
    return (this.#know({ of: "events", uid, namespace }) ?? []) as readonly Event[];
  }

  /** Reads what went wrong with any object, once for all. */
  wantWarnings(namespace: string | undefined): void {
    this.#know({ of: "warnings", namespace });
  }

  /** The last lines that a container wrote. */
  lines(pod: Pod, container: string, previous: boolean): readonly string[] {
    const { name, namespace } = pod.metadata;
    const ref = { name, namespace };
    return (this.#know({ of: "lines", ref, container, previous }, true) ?? []) as readonly string[];
  }

  /** What the scheduler's own filters say; undefined: nobody here can ask them. */
  verdicts(pod: Pod): Verdicts | undefined {
    if (this.#isWide) return undefined;
    return (this.#know({ of: "verdicts", pod }, true) ?? undefined) as Verdicts | undefined;
  }

  /** @param isExtra Nobody is told if it cannot be had. */
  #know(read: Read, isExtra = false): unknown {
    const answer = this.#answers.at(keyOfRead(read));
    switch (answer?.is) {
      case undefined:
        this.#wants.set(keyOfRead(read), read);
        return undefined;
      case "absent":
        return read.of === "object" ? null : [];
      case "refused":
        if (!isExtra) this.#unread.set(readText(read), answer.why);
        return undefined;
      case "read":
        if (answer.isCut) this.#unread.set(readText(read), "there are too many to look at all of them");
        return answer.value;
    }
  }
}

/** The newest event with one of these reasons. */
export function latestEvent(events: readonly Event[], ...reasons: readonly string[]): Event | undefined {
  return [...events].reverse().find(({ reason = "" }) => reasons.includes(reason));
}

export const eventTime = (event: Event): number =>
  Date.parse(
    event.series?.lastObservedTime ??
      event.lastTimestamp ??
      event.eventTime ??
      event.metadata.creationTimestamp ??
      "",
  );
