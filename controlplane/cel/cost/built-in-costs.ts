import type { CallCost, Sized } from "./call.ts";
import { either, one, plus, type Range, scaled, sum, times, unknown } from "./ranges.ts";

/** What a character costs, and a character of a pattern. */
export const textFactor = 0.1;
export const patternFactor = 0.25;

/** What cel-go itself says of its own functions; all others cost one. Only sizes that the expression tells count here. */
export function builtInCost({ name, form, target, args, costs }: Sized): CallCost {
  const given = sum(costs);
  const known = (index: number) => args[index]?.size ?? unknown;
  const whole = target?.size ?? unknown;
  const after = (cost: Range, size?: Range): CallCost => ({ ...plus(cost, given), size });
  const kind = form.args[0]?.kind;
  const [first, second, third] = costs;
  switch (name) {
    case "format":
      if (target !== undefined) return after(scaled(whole, textFactor));
      break;
    case "bytes": {
      if (kind !== "string") break;
      const size = known(0);
      return after(scaled(size, textFactor), { min: size.min, max: Math.min(size.max * 4, unknown.max) });
    }
    case "string": {
      if (kind !== "bytes") break;
      const size = known(0);
      return after(scaled(size, textFactor), { min: Math.floor(size.min / 4), max: size.max });
    }
    case "strings.quote": {
      const size = known(0);
      const max = Math.min(size.max * 2 + 2, unknown.max);
      return after(scaled(size, textFactor), { min: size.min + 2, max });
    }
    case "startsWith":
    case "endsWith":
      return after(scaled(known(0), textFactor));
    case "@in":
      if (form.args[1]?.kind === "list") return after(known(1));
      break;
    case "matches":
      if (target !== undefined) return after(patternCost(whole, known(0)));
      break;
    case "contains":
      return after(times(scaled(whole, textFactor), scaled(known(0), textFactor)));
    case "_||_":
    case "_&&_":
      if (first === undefined || second === undefined) break;
      return { min: first.min, max: plus(first, second).max };
    case "_?_:_":
      if (first === undefined || second === undefined || third === undefined) break;
      return { ...plus(first, either(second, third)), size: either(known(1), known(2)) };
    case "_+_": {
      if (kind !== "string" && kind !== "bytes" && kind !== "list") break;
      const size = plus(known(0), known(1));
      return after(kind === "list" ? one : scaled(size, textFactor), size);
    }
    case "_<_":
    case "_<=_":
    case "_>_":
    case "_>=_":
      if (kind === "string" || kind === "bytes") return after(compared(known(0), known(1)));
      break;
    case "_==_":
    case "_!=_":
      return after(compared(known(0), known(1)));
  }
  return after(one);
}

/** The shorter one ends it. */
function compared(left: Range, right: Range): Range {
  const max = Math.min(left.max, right.max);
  return scaled({ min: max > 0 ? 1 : 0, max }, textFactor);
}

/** Also an empty text costs: what is looked for in it may be long. */
export function patternCost(text: Range, pattern: Range): Range {
  return times(scaled(plus(text, one), textFactor), scaled(pattern, patternFactor));
}
