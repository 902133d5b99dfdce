import type { Tree } from "../parse.ts";
import { type CelType, listOf, types } from "../types.ts";
import type { Value } from "../values.ts";
import { type CallShape, type Form, gathered, type Shape } from "./shape.ts";

/** Macros as cel-go expands them: a loop with what it begins with, goes on for, does each time, and ends with. */

const literal = (value: Value, type: CelType): Shape => ({ kind: "literal", value, type });
const name = (text: string, type: CelType): Shape => ({ kind: "name", name: text, type });
const list = (items: readonly Shape[], type: CelType): Shape => ({ kind: "list", items, type });

function call(
  text: string,
  args: readonly Shape[],
  type: CelType,
  form: Form = { args: args.map((arg) => arg.type), result: type },
): CallShape {
  return { kind: "call", name: text, forms: [form], args, type };
}

/** @param shape Of a part of the expression. */
export interface MacroParts {
  readonly name: string;
  readonly receiver: Tree;
  readonly args: readonly Tree[];
  readonly type: CelType;
  readonly shape: (tree: Tree) => Shape;
}

/** The call as what it stands for. */
export function expanded({ name: macro, receiver, args, type, shape }: MacroParts): Shape {
  const [bound, value, result] = args;
  if (macro === "bind" && bound?.op === "id" && value !== undefined && result !== undefined)
    return { kind: "bind", name: bound.args, value: shape(value), result: shape(result), type };
  const range = shape(receiver);
  const names = args.slice(0, -1).flatMap((one) => (one.op === "id" ? [one.args] : []));
  const [first = ""] = names;
  const body = shape(args.at(-1) as Tree);
  if (macro === "optMap" || macro === "optFlatMap") {
    const item = range.type.kind === "optional" ? range.type.item : types.dyn;
    return { kind: "optionalMap", source: range, name: first, item, body, wraps: macro === "optMap", type };
  }
  if (macro === "sortBy") return sortedBy(range, first, body, type);
  const isTwofold = namesOf(macro, args.length) === 2;
  const filter = args.length === (isTwofold ? 4 : 3) && !quantifies(macro) ? args.at(-2) : undefined;
  const condition = filter === undefined ? undefined : shape(filter);
  const variables = isTwofold ? names.slice(0, 2) : names.slice(0, 1);
  const parts = partsOf(macro, { range, variables, body, condition, type });
  return { kind: "loop", range, names: variables, type, ...parts };
}

const quantifies = (macro: string) => ["all", "exists", "exists_one", "existsOne"].includes(macro);

/** Loops have one variable, or one for keys and one for values. */
function namesOf(macro: string, count: number): 1 | 2 {
  return macro.startsWith("transform") || (quantifies(macro) && count === 3) ? 2 : 1;
}

interface LoopParts {
  readonly range: Shape;
  readonly variables: readonly string[];
  readonly body: Shape;
  readonly condition: Shape | undefined;
  readonly type: CelType;
}

type Steps = { readonly [Part in "init" | "condition" | "step" | "result"]: Shape };

function partsOf(macro: string, { range, variables, body, condition, type }: LoopParts): Steps {
  const { bool, int } = types;
  const so = (): Shape => name(gathered, type);
  const always = literal(true, bool);
  switch (macro) {
    case "all":
      return {
        init: literal(true, bool),
        condition: call("@not_strictly_false", [so()], bool),
        step: call("_&&_", [so(), body], bool),
        result: so(),
      };
    case "exists":
      return {
        init: literal(false, bool),
        condition: call("@not_strictly_false", [call("!_", [so()], bool)], bool),
        step: call("_||_", [so(), body], bool),
        result: so(),
      };
    case "exists_one":
    case "existsOne": {
      const count = (): Shape => name(gathered, int);
      return {
        init: literal(0n, int),
        condition: always,
        step: call("_?_:_", [body, call("_+_", [count(), literal(1n, int)], int), count()], int),
        result: call("_==_", [count(), literal(1n, int)], bool),
      };
    }
    case "transformMap":
    case "transformMapEntry": {
      const key = name(variables[0] ?? "", types.dyn);
      const given = macro === "transformMap" ? [so(), key, body] : [so(), body];
      const inserted = call("cel.@mapInsert", given, type);
      return {
        init: { kind: "map", entries: [], type },
        condition: always,
        step: condition === undefined ? inserted : call("_?_:_", [condition, inserted, so()], type),
        result: so(),
      };
    }
    default: {
      const isFilter = macro === "filter";
      const item = isFilter ? name(variables[0] ?? "", itemType(range.type)) : body;
      const test = isFilter ? body : condition;
      const added = call("_+_", [so(), list([item], listOf(item.type))], type, {
        args: [listOf(types.dyn), listOf(types.dyn)],
        result: type,
      });
      return {
        init: list([], type),
        condition: always,
        step: test === undefined ? added : call("_?_:_", [test, added, so()], type),
        result: so(),
      };
    }
  }
}

function itemType(range: CelType): CelType {
  if (range.kind === "list") return range.item;
  return range.kind === "map" ? range.key : types.dyn;
}

const sortInput = "@__sortBy_input__";

function sortedBy(range: Shape, variable: string, key: Shape, type: CelType): Shape {
  const input = (): Shape => name(sortInput, range.type);
  const keysType = listOf(key.type);
  const from = input();
  const parts = partsOf("map", {
    range: from,
    variables: [variable],
    body: key,
    condition: undefined,
    type: keysType,
  });
  const keys: Shape = { kind: "loop", range: from, names: [variable], type: keysType, ...parts };
  const form = { args: [range.type, keysType], result: type };
  const sorted: Shape = {
    kind: "call",
    name: "@sortByAssociatedKeys",
    forms: [form],
    target: input(),
    args: [keys],
    type,
  };
  return { kind: "bind", name: sortInput, value: range, result: sorted, type };
}
