import { asValue, literalType } from "../literals.ts";
import type { Node } from "../nodes.ts";
import type { Tree } from "../parse.ts";
import { type CelType, listOf, mapOf, types } from "../types.ts";
import { expanded } from "./loops.ts";
import type { CallShape, Form, Shape } from "./shape.ts";

/** What the compiler found out of each part of an expression. */
export type Checked = ReadonlyMap<Tree, Node>;

/** A checked expression as its cost is estimated. */
export function shapeOf(tree: Tree, checked: Checked): Shape {
  const shape = (of: Tree): Shape => shapeOf(of, checked);
  const node = checked.get(tree);
  const type = node?.type ?? types.dyn;
  if (node?.name !== undefined) return { kind: "name", name: node.name, type };
  const operator = (
    name: string,
    args: readonly Tree[],
    forms: readonly Form[] | undefined = node?.forms,
  ): CallShape => {
    const given = args.map(shape);
    return { kind: "call", name, forms: forms ?? [plainForm(given, type)], args: given, type };
  };
  switch (tree.op) {
    case "value":
      return literal(tree.args);
    case "id":
      return { kind: "name", name: tree.args, type };
    case ".":
      return { kind: "field", operand: shape(tree.args[0]), name: tree.args[1], isTest: false, type };
    case ".?": {
      const [operand, name] = tree.args;
      const args = [shape(operand), literal(name)];
      return { kind: "call", name: "_?._", forms: [plainForm(args, type)], args, type };
    }
    case "[]":
    case "[?]": {
      const [operand, key] = tree.args;
      // Only where a message is made has the compiler not looked at what stands before the bracket.
      if (!checked.has(operand) && key.op === "map")
        return { kind: "message", values: key.args.map(([, value]) => shape(value)), type };
      const of = checked.get(operand)?.type ?? types.dyn;
      const name = tree.op === "[]" ? "_[_]" : "_[?_]";
      return operator(name, tree.args, indexForms(of, checked.get(key)?.type ?? types.dyn));
    }
    case "list":
      return { kind: "list", items: tree.args.map(shape), type };
    case "map":
      return {
        kind: "map",
        entries: tree.args.map(([key, value]) => [shape(key), shape(value)] as const),
        type,
      };
    case "?:":
      return operator("_?_:_", tree.args);
    case "!_":
      return operator("!_", [tree.args]);
    case "-_": {
      const { args } = tree;
      if (args.op === "value" && typeof args.args === "bigint") return literal(-args.args);
      return operator("-_", [args]);
    }
    case "call": {
      const [name, args] = tree.args;
      const [first] = args;
      if (node?.forms === undefined && name === "has" && first?.op === ".") {
        const [operand, field] = first.args;
        return { kind: "field", operand: shape(operand), name: field, isTest: true, type };
      }
      return operator(name, args);
    }
    case "rcall": {
      const [name, receiver, args] = tree.args;
      const forms = node?.forms;
      if (forms === undefined) return expanded({ name, receiver, args, type, shape });
      const [form] = forms;
      if (form?.isMethod === false) return operator(form.name, args);
      return { kind: "call", name, forms, target: shape(receiver), args: args.map(shape), type };
    }
    default:
      return operator(tree.op === "in" ? "@in" : `_${tree.op}_`, tree.args);
  }
}

function literal(value: unknown): Shape {
  const read = asValue(value);
  return { kind: "literal", value: read, type: literalType(read) };
}

const plainForm = (args: readonly Shape[], result: CelType): Form => ({
  args: args.map(({ type }) => type),
  result,
});

function indexForms(of: CelType, key: CelType): readonly Form[] {
  const form = (container: CelType): Form => ({ args: [container, key], result: types.dyn });
  if (of.kind === "list" || of.kind === "map" || of.kind === "optional") return [form(of)];
  return [form(listOf(types.dyn)), form(mapOf(types.dyn, types.dyn))];
}
