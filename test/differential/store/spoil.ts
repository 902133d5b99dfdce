import { below, type Random } from "../../../base/os/random.ts";
import type { Asked } from "./requests.ts";

const empty = new Uint8Array(0);

/** Odd values by field: empty, beyond what is allowed, at the edges of what there is. */
const odd: Readonly<Record<string, readonly unknown[]>> = {
  key: [empty],
  rangeEnd: [Uint8Array.of(0), empty],
  revision: [-1, 2 ** 53, 0],
  limit: [-1, 2 ** 53],
  sortOrder: [7, -1],
  sortTarget: [7, -1],
  lease: [-1n, 2n ** 63n - 1n],
  id: [-1n, 2n ** 63n - 1n],
  ttl: [9_000_000_000, 9_000_000_001],
  ignoreValue: [true],
  ignoreLease: [true],
  minModRevision: [-1],
  maxModRevision: [-1, 2 ** 53],
  result: [9],
  target: [9],
};

/** The same request with one odd value, somewhere in it, or with one more of its operations. */
export function spoiled(random: Random, asked: Asked): Asked {
  return { ...asked, request: spoil(random, asked.request) };
}

function spoil(random: Random, message: object): object {
  const fields = Object.entries(message).filter(([name, value]) => canSpoil(name, value));
  const [name, value] = fields[below(random, Math.max(1, fields.length))] ?? ["", undefined];
  if (value === undefined) return message;
  if (Array.isArray(value)) return { ...message, [name]: spoilList(random, value) };
  const values = odd[name];
  if (values !== undefined) return { ...message, [name]: values[below(random, values.length)] };
  return { ...message, [name]: spoil(random, value as object) };
}

function canSpoil(name: string, value: unknown): boolean {
  if (value === undefined || value === null) return false;
  return Object.hasOwn(odd, name) || (typeof value === "object" && !(value instanceof Uint8Array));
}

function spoilList(random: Random, list: readonly unknown[]): readonly unknown[] {
  const at = below(random, list.length + 1);
  const element = list[at];
  if (typeof element !== "object" || element === null) return [...list, {}];
  if (below(random, 3) === 0) return [...list, element];
  return list.with(at, spoil(random, element));
}
