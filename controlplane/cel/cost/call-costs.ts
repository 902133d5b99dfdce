import { sameType } from "../types.ts";
import { builtInCost } from "./built-in-costs.ts";
import type { Call, CallCost, Sized } from "./call.ts";
import { kubernetesCost } from "./kubernetes-costs.ts";
import { listCost } from "./list-costs.ts";
import { either, plus, sum, unknown } from "./ranges.ts";
import type { CallShape, Form } from "./shape.ts";
import { type DeclaredSizes, declaredSize, type Entries } from "./sizes.ts";

export function callCost(call: Call, maxElements: DeclaredSizes): CallCost {
  const sized: Sized = {
    ...call,
    name: call.shape.name,
    sizeOf: ({ size, path }) => size ?? declaredSize(path, maxElements) ?? unknown,
    itemOf: ({ type, path }) =>
      type.kind === "list"
        ? { type: type.item, path: path.length === 0 ? path : path.apart("@items"), size: undefined }
        : undefined,
  };
  const own = listCost(sized) ?? kubernetesCost(sized);
  if (own === undefined) return builtInCost(sized);
  return { ...plus(own, sum(call.costs)), size: own.size };
}

/** What is in the list or map that the call gives, where that is more than one thing. */
export function resultEntries(
  { name }: CallShape,
  { args }: Form,
  [first, second, third]: readonly (Entries | undefined)[],
): Entries | undefined {
  if (name === "_?_:_") return joined(second, third);
  const [left, right] = args;
  const joins = left !== undefined && right !== undefined && sameType(left, right);
  const isText = left?.kind === "string" || left?.kind === "bytes" || left?.kind === "list";
  return name === "_+_" && joins && isText ? joined(first, second) : undefined;
}

function joined(a: Entries | undefined, b: Entries | undefined): Entries | undefined {
  if (a === undefined || b === undefined) return undefined;
  return { container: a.container, key: either(a.key, b.key), value: either(a.value, b.value) };
}
