import type { Compiler } from "./compile.ts";
import { type Node, outcome, type Scope } from "./nodes.ts";
import type { Tree } from "./parse.ts";
import { type Bindings, type CelType, isAssignable, types, typeText } from "./types.ts";
import { CelError, noSuchOverload } from "./values.ts";

/** Operators that run only what they need. */

/** One side that decides makes up for what goes wrong in the other. */
export function logic(compiler: Compiler, tree: Tree & { readonly op: "&&" | "||" }, scope: Scope): Node {
  const [left, right] = tree.args.map((one) => compiler.node(one, scope)) as [Node, Node];
  for (const [index, side] of [left, right].entries())
    if (!isAssignable(types.bool, side.type, new Map())) {
      const at = tree.args[index];
      if (at !== undefined)
        compiler.complain(compiler.place(at), `expected type 'bool' but found '${typeText(side.type)}'`);
    }
  const decisive = tree.op === "||";
  return {
    type: types.bool,
    run: (frame) => {
      frame.meter.spend(1);
      const first = outcome(left, frame);
      if (first === decisive) return decisive;
      const second = outcome(right, frame);
      if (second === decisive) return decisive;
      if (first instanceof CelError) throw first;
      if (second instanceof CelError) throw second;
      if (typeof first !== "boolean" || typeof second !== "boolean") throw noSuchOverload();
      return !decisive;
    },
  };
}

export function choice(compiler: Compiler, tree: Tree & { readonly op: "?:" }, scope: Scope): Node {
  const [condition, then, otherwise] = tree.args.map((one) => compiler.node(one, scope)) as [
    Node,
    Node,
    Node,
  ];
  const bound: Bindings = new Map();
  const branch =
    isAssignable(then.type, otherwise.type, bound) || isAssignable(otherwise.type, then.type, bound);
  if (!isAssignable(types.bool, condition.type, new Map()) || !branch)
    return compiler.noOverload("_?_:_", false, [condition, then, otherwise], compiler.place(tree));
  const type =
    then.type.kind === "null" || isAssignableOnly(then.type, otherwise.type) ? otherwise.type : then.type;
  return {
    type: then.type.kind === "dyn" ? types.dyn : type,
    run: (frame) => {
      const chosen = condition.run(frame);
      frame.meter.spend(1);
      if (typeof chosen !== "boolean") throw noSuchOverload();
      return chosen ? then.run(frame) : otherwise.run(frame);
    },
  };
}

const isAssignableOnly = (narrow: CelType, wide: CelType) => narrow.kind !== wide.kind && wide.kind === "dyn";
