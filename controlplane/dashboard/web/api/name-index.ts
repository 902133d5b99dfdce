import { signal } from "@preact/signals";
import { labelsText, type NamedObject, searchedKinds } from "../model/name-index.ts";
import { type Kind, kindKey, kindPath, kinds } from "./discovery.ts";
import { allows, knownRights } from "./rights.ts";
import { callJson, Refusal, session } from "./session.ts";

/** How much is looked through at most, however large a cluster is. */
const limits = { pageNames: 500, namesPerKind: 5_000, names: 40_000, atOnce: 3, freshMs: 60_000 };
const asMetadata = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io,application/json";

export interface IndexState {
  /** Kinds looked through, of how many. */
  readonly done: number;
  readonly of: number;
  /** Kinds that have more names than are looked through. */
  readonly cut: readonly string[];
}

/** How far it has come; undefined: nobody has looked for a name yet. */
export const indexState = signal<IndexState | undefined>(undefined);
/** Rises with what `names` holds. */
export const indexVersion = signal(0);

let held: ReadonlyMap<string, readonly NamedObject[]> = new Map();
let builtFor = "";
let builtAtMs = Number.NEGATIVE_INFINITY;
let underWay: AbortController | undefined;

export function* names(): Iterable<NamedObject> {
  for (const of of held.values()) yield* of;
}

/** Reads names and labels of all kinds that the person may list, unless that was done a moment ago. What was known stands until
 *  what is new has come, kind by kind. */
export function refreshNames(namespace: string): void {
  const state = session.value;
  const isFor = `${state.is === "in" ? state.person.username : ""} ${namespace}`;
  const isFresh = performance.now() - builtAtMs < limits.freshMs;
  if (isFor === builtFor && (isFresh || underWay !== undefined)) return;
  if (isFor !== builtFor) held = new Map();
  builtFor = isFor;
  underWay?.abort();
  const abort = new AbortController();
  underWay = abort;
  void build(namespace, abort.signal).finally(() => {
    if (underWay !== abort) return;
    underWay = undefined;
    builtAtMs = performance.now();
  });
}

async function build(namespace: string, signal: AbortSignal): Promise<void> {
  const rights = await knownRights(namespace);
  const all = searchedKinds(kinds.value).filter(({ group, plural }) =>
    allows(rights, { verb: "list", group, resource: plural }),
  );
  const queue = [...all];
  const fresh = new Map(held);
  for (const key of fresh.keys()) if (!all.some((kind) => kindKey(kind) === key)) fresh.delete(key);
  const cut: string[] = [];
  let [done, count] = [0, 0];
  const tell = () => {
    if (signal.aborted) return;
    held = fresh;
    indexState.value = { done, of: all.length, cut: [...cut] };
    indexVersion.value++;
  };
  tell();
  const work = async () => {
    for (let kind = queue.shift(); kind !== undefined && !signal.aborted; kind = queue.shift()) {
      const found =
        count >= limits.names ? { names: [], isCut: true } : await namesOf(kind, namespace, signal);
      count += found.names.length;
      fresh.set(kindKey(kind), found.names);
      if (found.isCut) cut.push(kind.plural);
      done++;
      tell();
    }
  };
  await Promise.all(Array.from({ length: limits.atOnce }, work));
}

interface NameList {
  readonly metadata?: { readonly continue?: string };
  /** A list of Go's that has none may say null. */
  readonly items?:
    | readonly {
        readonly metadata?: {
          readonly name?: string;
          readonly namespace?: string;
          readonly labels?: Readonly<Record<string, string>>;
        };
      }[]
    | null;
}

async function namesOf(kind: Kind, namespace: string, signal: AbortSignal) {
  const key = kindKey(kind);
  const words = [kind.plural, kind.kind, ...kind.shortNames].join(" ").toLowerCase();
  const found: NamedObject[] = [];
  let next = "";
  try {
    do {
      const query = new URLSearchParams({
        limit: String(limits.pageNames),
        ...(next !== "" && { continue: next }),
      });
      const { items, metadata }: NameList = await callJson<NameList>(
        `${kindPath(kind, namespace)}?${query}`,
        {
          accept: asMetadata,
          signal,
        },
      );
      for (const { metadata: of = {} } of items ?? [])
        found.push({
          kind: key,
          words,
          name: of.name ?? "",
          namespace: of.namespace ?? "",
          labels: labelsText(of.labels),
        });
      next = metadata?.continue ?? "";
    } while (next !== "" && found.length < limits.namesPerKind);
  } catch (error) {
    // Not for this person, or a server of an extension that does not answer: other kinds are there all the same.
    if (!(error instanceof Refusal) && !signal.aborted) throw error;
  }
  return { names: found, isCut: next !== "" };
}
