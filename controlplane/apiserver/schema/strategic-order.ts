import { goPrinted, goTypeOf } from "./go-printed.ts";
import { PatchError } from "./patch-error.ts";

/** The order of a list's elements after a strategic merge: those of the patch in its order, each of the server's in the place
 *  that it had among them. Rules: k8s.io/apimachinery util/strategicpatch. Pure. */

type Json = Record<string, unknown>;

/** `list` in the order of a patch, where elements are told apart by `key`, plain values by themselves. */
export function inOrderOf(
  list: readonly unknown[],
  patchOrder: readonly unknown[],
  { serverOrder, key }: { readonly serverOrder: readonly unknown[]; readonly key: string },
): unknown[] {
  const isNamed = namedIn(patchOrder, key);
  const ofPatch = list.filter((one) => isNamed(one));
  const ofServer = list.filter((one) => !isNamed(one));
  const patchRank = rankIn(patchOrder, key);
  const serverRank = rankIn(serverOrder, key);
  // Kubernetes looks for the keys only where there are elements of their own.
  for (const one of [...ofPatch, ...patchOrder, ...ofServer, ...serverOrder]) if (key !== "") keyOf(one, key);
  return woven(sorted(ofServer, serverRank), sorted(ofPatch, patchRank), serverRank);
}

/** What an element is told apart by. Fails where it has none. */
export function keyOf(element: unknown, key: string): unknown {
  if (!isObject(element))
    throw new PatchError(`expected a map[string]interface {}, but received a ${goTypeOf(element)}`);
  if (!Object.hasOwn(element, key))
    throw new PatchError(`map: ${goPrinted(element)} does not contain declared merge key: ${key}`);
  return element[key];
}

/** The first element with that key. Fails where one before it has nothing that could be a key. */
export function indexOfKey(list: readonly unknown[], key: string, value: unknown): number {
  for (const [at, one] of list.entries()) {
    if (!isObject(one)) throw new PatchError(`value for key ${at} is not a map`);
    if (Object.hasOwn(one, key) && one[key] === value) return at;
  }
  return -1;
}

function namedIn(order: readonly unknown[], key: string): (element: unknown) => boolean {
  if (key === "") {
    const known = new Set(order);
    return (element) => known.has(element);
  }
  return (element) => indexOfKey(order, key, keyOf(element, key)) >= 0;
}

type Rank = (element: unknown) => number | undefined;

function rankIn(order: readonly unknown[], key: string): Rank {
  const identity = (one: unknown) => (key !== "" && isObject(one) ? one[key] : one);
  const ranks = new Map<unknown, number>();
  for (const [at, one] of order.entries()) if (!ranks.has(identity(one))) ranks.set(identity(one), at);
  return (element) => ranks.get(identity(element));
}

/** By rank. What has none goes before what stood before it, as in Kubernetes. */
function sorted(list: readonly unknown[], rank: Rank): readonly unknown[] {
  const out: unknown[] = [];
  for (const one of list) {
    const own = rank(one);
    let at = out.length;
    while (at > 0) {
      const other = rank(out[at - 1]);
      if (own !== undefined && other !== undefined && own >= other) break;
      at -= 1;
    }
    out.splice(at, 0, one);
  }
  return out;
}

/** Both lists in one: the patch's next element first, unless the server had its own next one before that. */
function woven(ofServer: readonly unknown[], ofPatch: readonly unknown[], rank: Rank): unknown[] {
  const out: unknown[] = [];
  let [left, right] = [0, 0];
  while (left < ofServer.length && right < ofPatch.length) {
    const [own, other] = [rank(ofServer[left]), rank(ofPatch[right])];
    const isBefore = own !== undefined && other !== undefined && own < other;
    out.push(isBefore ? ofServer[left++] : ofPatch[right++]);
  }
  return [...out, ...ofServer.slice(left), ...ofPatch.slice(right)];
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
