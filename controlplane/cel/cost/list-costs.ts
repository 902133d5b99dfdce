import { textFactor } from "./built-in-costs.ts";
import type { CallCost, Operand, Sized } from "./call.ts";
import { exactly, most, one, plus, type Range, scaled, sum, times } from "./ranges.ts";

/** What cel-go's libraries of lists and sets say that their functions cost; undefined: not one of them. */
export function listCost({ name, form, target, args, sizeOf }: Sized): CallCost | undefined {
  const [first, second] = args;
  switch (name) {
    case "sets.contains":
    case "sets.intersects":
    case "sets.equivalent": {
      if (first === undefined || second === undefined) return undefined;
      const pairs = times(sizeOf(first), sizeOf(second));
      return plus(scaled(pairs, name === "sets.equivalent" ? 2 : 1), one);
    }
    case "lists.range":
      return making(exactly(wholeOr(first, most)));
  }
  if (target === undefined || target.type.kind === "string") return undefined;
  switch (name) {
    case "slice": {
      const length = wholeOr(second, sizeOf(target).max) - wholeOr(first, 0);
      // Kubernetes counts without a sign: what would be less than nothing is as much as there can be.
      return making(exactly(length < 0 ? most : length));
    }
    case "flatten":
      return making(sizeOf(target), first === undefined ? 1 : wholeOr(first, most));
    case "reverse":
      return making(sizeOf(target));
    case "distinct":
      return making(squared(sizeOf(target)), 2);
    case "sort":
      return making(squared(sizeOf(target)), sortFactor(form.args[0]));
    case "@sortByAssociatedKeys":
      return first === undefined ? undefined : making(squared(sizeOf(first)), sortFactor(form.args[1]));
    default:
      return undefined;
  }
}

/** A list is made of what there is. */
function making(size: Range, factor = 1): CallCost {
  return { ...sum([scaled(size, factor), one, exactly(10)]), size };
}

const squared = (size: Range) => times(size, size);

function sortFactor(list: Sized["form"]["args"][number] | undefined): number {
  const item = list?.kind === "list" ? list.item.kind : "dyn";
  return item === "string" || item === "bytes" ? 2 + textFactor : 2;
}

function wholeOr(operand: Operand | undefined, otherwise: number): number {
  const shape = operand?.shape;
  if (shape?.kind !== "literal" || typeof shape.value !== "bigint") return otherwise;
  return shape.value < 0n ? 0 : Number(shape.value);
}
