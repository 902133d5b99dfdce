import { below, chance, type Random } from "../../base/os/random.ts";

/** Takes a good object and makes one or two places of it odd: gone, of another type, empty, too long, negative, unknown. */
export function spoiled<T>(random: Random, object: T): T {
  const copy = structuredClone(object);
  const times = 1 + below(random, 2);
  for (let time = 0; time < times; time++) spoilOne(random, copy);
  return copy;
}

export const pick = <T>(random: Random, from: readonly T[]): T => from[below(random, from.length)] as T;

const oddTexts = ["", "A_b", "-x", "a".repeat(64), "*", "a/b/c", "10", "1.5", "..", "x y", "é"];
const oddNumbers = [-1, 0, 65536, 2 ** 31, 1.5];

type Holder = Record<string, unknown> | unknown[];

function spoilOne(random: Random, object: unknown): void {
  const places = placesOf(object);
  if (places.length === 0) return;
  const [holder, name] = pick(random, places);
  const at = holder as Record<string, unknown>;
  const value = at[name];
  if (chance(random, 0.2)) {
    if (Array.isArray(holder)) holder.splice(Number(name), 1);
    else delete at[name];
  } else if (chance(random, 0.1)) at[name] = null;
  else if (chance(random, 0.15))
    at[name] = pick<unknown>(random, [7, "seven", true, [], {}, ["x"], { x: 1 }]);
  else if (chance(random, 0.25)) {
    if (Array.isArray(holder)) holder.push(structuredClone(value));
    else at[`${name}X`] = value;
  } else if (typeof value === "string") at[name] = pick(random, oddTexts);
  else if (typeof value === "number") at[name] = pick(random, oddNumbers);
  else if (typeof value === "boolean") at[name] = !value;
  else if (Array.isArray(value)) at[name] = [];
  else at[name] = {};
}

/** Every place of an object, but what names it: a name is what the rest of a sequence asks for. */
function placesOf(value: unknown, path = ""): [Holder, string][] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, one]) => {
    const at = `${path}.${name}`;
    if (at === ".metadata.name" || at === ".metadata" || at === ".metadata.labels") return [];
    return [[value as Holder, name] as [Holder, string], ...placesOf(one, at)];
  });
}
