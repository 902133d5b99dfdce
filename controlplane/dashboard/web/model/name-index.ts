/** Names of objects, to be found by a few letters or by a label. Pure. */

export interface NamedObject {
  /** `group/plural` */
  readonly kind: string;
  /** What people call the kind: its plural and its short names. */
  readonly words: string;
  readonly name: string;
  readonly namespace: string;
  /** `app=web tier=front`, in lower case. */
  readonly labels: string;
}

export interface Found {
  readonly object: NamedObject;
  /** 0: the name itself; 1: it begins so; 2: it has it; 3: a label or the rest fits. */
  readonly rank: number;
}

/** Every word must fit: a part of the name, the beginning of the kind or namespace, or, with `=` in it, a label. */
export function findNames(objects: Iterable<NamedObject>, text: string, most: number): readonly Found[] {
  const words = text
    .toLowerCase()
    .split(/[\s,]+/)
    .filter(Boolean);
  if (words.length === 0) return [];
  const byRank: NamedObject[][] = [[], [], [], []];
  for (const object of objects) {
    const rank = rankOf(object, words);
    // Enough of the best is enough.
    if (rank === undefined || (byRank[rank]?.length ?? most) >= most) continue;
    byRank[rank]?.push(object);
  }
  const inOrder = (a: NamedObject, b: NamedObject) =>
    a.name.length - b.name.length || a.name.localeCompare(b.name);
  return byRank.flatMap((of, rank) => of.sort(inOrder).map((object) => ({ object, rank }))).slice(0, most);
}

function rankOf(object: NamedObject, words: readonly string[]): number | undefined {
  let best = 3;
  for (const word of words) {
    const rank = wordRank(object, word);
    if (rank === undefined) return undefined;
    best = Math.min(best, rank);
  }
  return best;
}

function wordRank({ name, namespace, labels, words }: NamedObject, word: string): number | undefined {
  if (word.includes("=")) return ` ${labels}`.includes(` ${word}`) ? 3 : undefined;
  if (name === word) return 0;
  if (name.startsWith(word)) return 1;
  if (name.includes(word)) return 2;
  return namespace.startsWith(word) || ` ${words}`.includes(` ${word}`) ? 3 : undefined;
}

export const labelsText = (labels: Readonly<Record<string, string>> = {}): string =>
  Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(" ")
    .toLowerCase();

/** Kinds in which nobody looks for a name: they come and go by themselves, or are others in another form. */
const leftOut = new Set([
  "core/events",
  "events.k8s.io/events",
  "core/endpoints",
  "core/componentstatuses",
  "discovery.k8s.io/endpointslices",
  "coordination.k8s.io/leases",
  "apps/controllerrevisions",
  "metrics.k8s.io/pods",
  "metrics.k8s.io/nodes",
]);
const first = [
  "apps/deployments",
  "core/pods",
  "core/services",
  "apps/statefulsets",
  "core/nodes",
  "apps/daemonsets",
  "core/configmaps",
  "networking.k8s.io/ingresses",
];

/** The kinds to be looked through, those first that people mostly look for. */
export function searchedKinds<
  K extends { readonly group: string; readonly plural: string; readonly verbs: readonly string[] },
>(kinds: readonly K[]): readonly K[] {
  const keyOf = ({ group, plural }: K) => `${group || "core"}/${plural}`;
  const rank = (kind: K) => {
    const at = first.indexOf(keyOf(kind));
    return at < 0 ? first.length : at;
  };
  return kinds
    .filter((kind) => kind.verbs.includes("list") && !leftOut.has(keyOf(kind)))
    .sort((a, b) => rank(a) - rank(b));
}
