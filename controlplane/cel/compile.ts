import { access, hasField } from "./access.ts";
import { choice, logic } from "./branches.ts";
import { estimatedCost } from "./cost/estimate.ts";
import { shapeOf } from "./cost/expand.ts";
import type { DeclaredSizes } from "./cost/sizes.ts";
import { dottedName, typeNames } from "./dotted-names.ts";
import type { Environment, Meter, Overload } from "./environment.ts";
import { literalFaults } from "./literal-faults.ts";
import { asValue, literalType } from "./literals.ts";
import { bindMacro, macroOf } from "./macros.ts";
import { messageNode } from "./message-node.ts";
import { rewriteMessages } from "./messages.ts";
import { type Node, Scope } from "./nodes.ts";
import { type Complaint, parse, shownComplaint, type Tree } from "./parse.ts";
import {
  type Bindings,
  type CelType,
  isAssignable,
  listOf,
  mapOf,
  optionalOf,
  sameType,
  substitute,
  types,
  typeText,
} from "./types.ts";
import { valueFits } from "./value-types.ts";
import { CelError, CelList, CelMap, noSuchOverload, TypeValue, type Value } from "./values.ts";

/** An expression with its types checked, ready to be evaluated. Rules and words: cel-go's checker and interpreter. */
export interface Program {
  readonly type: CelType;
  /** The variables that it names. */
  readonly names: ReadonlySet<string>;
  /** Throws CelError for what goes wrong in the expression, CostExceeded when the meter ends. */
  readonly evaluate: (variables: ReadonlyMap<string, Value>, meter: Meter) => Value;
  /** What it may cost at most. */
  readonly costMax: (maxElements: DeclaredSizes) => number;
}

export type Compiled =
  | { readonly program: Program }
  /** Kubernetes' words for an expression that it does not store. */
  | { readonly problem: string };

export function compile(text: string, environment: Environment): Compiled {
  const { messages } = environment;
  const rewritten = rewriteMessages(text, (name) => messages?.(name) !== undefined);
  const tree = parse(rewritten.text);
  const refused = (complaints: readonly Complaint[]): Compiled => {
    const sorted = [...complaints].sort((a, b) => a.offset - b.offset);
    const shown = sorted.map((one) => shownComplaint({ ...one, offset: rewritten.origin(one.offset) }, text));
    return { problem: `compilation failed: ${shown.join("\n")}` };
  };
  if (!("op" in tree)) return refused([tree]);
  const compiler = new Compiler(rewritten.text, environment);
  const root = compiler.node(tree, new Scope());
  if (compiler.complaints.length > 0) return refused(compiler.complaints);
  if (compiler.lateComplaints.length > 0) return refused(compiler.lateComplaints);
  const [fault] = compiler.constantFaults;
  if (fault !== undefined) return { problem: `program instantiation failed: ${fault}` };
  return {
    program: {
      type: root.type,
      names: compiler.names,
      evaluate: (variables, meter) => root.run({ variables, meter, slots: [] }),
      costMax: (maxElements) => estimatedCost(shapeOf(tree, compiler.checked), maxElements).max,
    },
  };
}

export class Compiler {
  readonly complaints: Complaint[] = [];
  /** Told only where the types are right. */
  readonly lateComplaints: Complaint[] = [];
  /** What goes wrong whenever the expression is run. */
  readonly constantFaults: string[] = [];
  readonly names = new Set<string>();
  /** What each part of the expression turned out to be. */
  readonly checked = new Map<Tree, Node>();
  readonly #source: string;
  readonly #environment: Environment;
  #slots = 0;

  constructor(source: string, environment: Environment) {
    this.#source = source;
    this.#environment = environment;
  }

  newSlot(): number {
    return this.#slots++;
  }

  complain(offset: number, text: string): Node {
    this.complaints.push({ offset, text });
    return { type: types.error, run: () => null };
  }

  /** Where the character first stands from `from` on. */
  offsetOf(char: string, from: number): number {
    const at = this.#source.indexOf(char, from);
    return at < 0 ? from : at;
  }

  /** Where cel-go says that an expression stands: calls at their parenthesis, operators at themselves. */
  place(tree: Tree): number {
    switch (tree.op) {
      case "value":
      case "id":
      case "list":
      case "map":
      case "!_":
      case "-_":
        return tree.start;
      case ".":
      case ".?":
        return Math.max(tree.args[0].end, this.#source.lastIndexOf(".", tree.pos));
      case "[]":
      case "[?]":
        return this.offsetOf("[", tree.args[0].end);
      case "call":
        return this.offsetOf("(", tree.start);
      case "rcall":
        return this.offsetOf("(", this.offsetOf(".", tree.args[1].end) + tree.args[0].length);
      case "?:":
        return this.offsetOf("?", tree.args[0].end);
      default:
        return this.offsetOf(tree.op, tree.args[0].end);
    }
  }

  node(tree: Tree, scope: Scope): Node {
    const node = this.#made(tree, scope);
    this.checked.set(tree, node);
    return node;
  }

  #made(tree: Tree, scope: Scope): Node {
    switch (tree.op) {
      case "value":
        return this.#literal(tree.args, tree.start);
      case "id":
        return this.#name(tree.args, tree.start, scope);
      case ".":
        return this.#field(tree, scope);
      case ".?":
        return this.#optionalField(tree, scope);
      case "[]":
      case "[?]":
        return this.#index(tree, scope);
      case "list":
        return this.#list(tree.args, scope);
      case "map":
        return this.#map(tree.args, scope);
      case "&&":
      case "||":
        return logic(this, tree, scope);
      case "?:":
        return choice(this, tree, scope);
      case "!_":
        return this.call("!_", false, [this.node(tree.args, scope)], tree.start);
      case "-_": {
        const { args } = tree;
        if (args.op === "value" && typeof args.args === "bigint")
          return this.#literal(-args.args, tree.start);
        return this.call("-_", false, [this.node(args, scope)], tree.start);
      }
      case "call": {
        const macro = macroOf(tree.args[0], undefined, tree.args[1]);
        if (macro !== undefined) return macro(this, scope, this.place(tree));
        const args = tree.args[1].map((one) => this.node(one, scope));
        return this.call(tree.args[0], false, args, this.place(tree));
      }
      case "rcall":
        return this.#method(tree, scope);
      default: {
        const [left, right] = tree.args;
        const op = tree.op === "in" ? "@in" : `_${tree.op}_`;
        return this.call(op, false, [this.node(left, scope), this.node(right, scope)], this.place(tree));
      }
    }
  }

  #literal(value: unknown, offset: number): Node {
    if (typeof value === "bigint" && BigInt.asIntN(64, value) !== value)
      return this.complain(offset, "invalid int literal");
    const literal = asValue(value);
    return { type: literalType(literal), run: () => literal, literal: { value: literal, offset } };
  }

  #name(name: string, offset: number, scope: Scope): Node {
    const local = scope.find(name);
    if (local !== undefined) {
      const { slot, type } = local;
      return {
        type,
        run: ({ slots, meter }) => {
          meter.spend(1);
          return slots[slot] ?? null;
        },
      };
    }
    const type = this.#environment.variables.get(name);
    if (type !== undefined) {
      this.names.add(name);
      return {
        type,
        name,
        run: ({ variables, meter }) => {
          meter.spend(1);
          const value = variables.get(name);
          if (value === undefined) throw new CelError(`no such attribute(s): ${name}`);
          return value;
        },
      };
    }
    const named = typeNames.get(name);
    if (named !== undefined) {
      const value = new TypeValue(named);
      return { type: types.type, name, run: () => value };
    }
    return this.complain(offset, `undeclared reference to '${name}' (in container '')`);
  }

  #field(tree: Tree & { readonly op: "." }, scope: Scope): Node {
    const dotted = dottedName(tree);
    // A variable may have a dotted name of its own.
    if (dotted !== undefined && scope.find(dotted.root) === undefined) {
      if (this.#environment.variables.has(dotted.text)) return this.#name(dotted.text, tree.start, scope);
    }
    if (dotted !== undefined && typeNames.has(dotted.text) && !this.#isVariable(dotted.root, scope)) {
      const value = new TypeValue(dotted.text);
      return { type: types.type, name: dotted.text, run: () => value };
    }
    const [operand, name] = tree.args;
    const inner = this.node(operand, scope);
    const type = this.#fieldType(inner.type, name, this.place(tree));
    return {
      type,
      run: (frame) => {
        const value = inner.run(frame);
        frame.meter.spend(1);
        return access(value, name);
      },
    };
  }

  #isVariable(name: string, scope: Scope): boolean {
    return scope.find(name) !== undefined || this.#environment.variables.has(name);
  }

  #fieldType(type: CelType, name: string, offset: number): CelType {
    switch (type.kind) {
      case "dyn":
      case "error":
        return types.dyn;
      case "map":
        return type.value;
      case "optional":
        return optionalOf(this.#fieldType(type.item, name, offset));
      case "object": {
        const field = type.fields.get(name);
        return field ?? this.complain(offset, `undefined field '${name}'`).type;
      }
      case "opaque":
        // cel-go takes Kubernetes' own types for messages, of which it then knows nothing.
        if (type.name.startsWith("kubernetes."))
          return this.complain(offset, `unexpected failed resolution of '${type.name}'`).type;
        return this.complain(offset, `type '${type.name}' does not support field selection`).type;
      default:
        return this.complain(offset, `type '${typeText(type)}' does not support field selection`).type;
    }
  }

  #optionalField(tree: Tree & { readonly op: ".?" }, scope: Scope): Node {
    const [operand, name] = tree.args;
    const inner = this.node(operand, scope);
    const type = this.#fieldType(inner.type, name, this.place(tree));
    return {
      type: type.kind === "optional" ? type : optionalOf(type),
      run: (frame) => {
        const value = inner.run(frame);
        frame.meter.spend(1);
        return access(value, name, { optional: true });
      },
    };
  }

  /** The macro has(). */
  presence(tree: Tree, scope: Scope, offset: number): Node {
    if (tree.op !== ".") return this.complain(this.place(tree), "invalid argument to has() macro");
    const [operand, name] = tree.args;
    const inner = this.node(operand, scope);
    this.#fieldType(inner.type, name, offset);
    return { type: types.bool, run: (frame) => hasField(inner.run(frame), name) };
  }

  #index(tree: Tree & { readonly op: "[]" | "[?]" }, scope: Scope): Node {
    const [operand, key] = tree.args;
    const dotted = dottedName(operand);
    if (dotted !== undefined && key.op === "map" && !this.#isVariable(dotted.root, scope)) {
      const message = this.#environment.messages?.(dotted.text);
      if (message !== undefined) return messageNode(this, message, key.args, scope);
    }
    const inner = this.node(operand, scope);
    const at = this.node(key, scope);
    const optional = tree.op === "[?]";
    const of = inner.type.kind === "optional" ? inner.type.item : inner.type;
    let type: CelType = types.dyn;
    let fits = of.kind === "dyn" || of.kind === "error";
    if (of.kind === "list") {
      type = of.item;
      fits = isAssignable(types.int, at.type, new Map());
    } else if (of.kind === "map") {
      type = of.value;
      fits = isAssignable(of.key, at.type, new Map());
    }
    if (!fits) return this.noOverload(optional ? "_[?_]" : "_[_]", false, [inner, at], this.place(tree));
    const wraps = optional || inner.type.kind === "optional";
    return {
      type: wraps && type.kind !== "optional" ? optionalOf(type) : type,
      run: (frame) => {
        const value = inner.run(frame);
        const index = at.run(frame);
        frame.meter.spend(1);
        return access(value, index, { optional, byIndex: true });
      },
    };
  }

  /** @param isMixed Items may be of any type. */
  #list(trees: readonly Tree[], scope: Scope, isMixed = false): Node {
    const nodes = trees.map((one) => this.node(one, scope));
    const item = this.#common(isMixed ? [] : nodes, trees);
    return {
      type: listOf(item),
      items: nodes.map(({ type }, index) => ({ type, offset: this.place(trees[index] as Tree) })),
      run: (frame) => {
        frame.meter.spend(10);
        return new CelList(nodes.map((node) => node.run(frame)));
      },
    };
  }

  /** Literals hold values of one type. */
  #common(nodes: readonly Node[], trees: readonly Tree[]): CelType {
    let common: CelType | undefined;
    for (const [index, { type }] of nodes.entries()) {
      const tree = trees[index];
      if (common === undefined) common = type;
      else if (!sameType(common, type)) {
        if (
          (common.kind === "dyn" || type.kind === "dyn" || !isAssignable(common, type, new Map())) &&
          tree !== undefined
        )
          this.lateComplaints.push({
            offset: this.place(tree),
            text: `expected type '${typeText(common)}' but found '${typeText(type)}'`,
          });
        common = types.dyn;
      }
    }
    return common ?? types.dyn;
  }

  #map(entries: readonly (readonly [Tree, Tree])[], scope: Scope): Node {
    const keys = entries.map(([key]) => this.node(key, scope));
    const values = entries.map(([, value]) => this.node(value, scope));
    const keyType = this.#common(
      keys,
      entries.map(([key]) => key),
    );
    const valueType = this.#common(
      values,
      entries.map(([, value]) => value),
    );
    return {
      type: mapOf(keyType, valueType),
      run: (frame) => {
        frame.meter.spend(30);
        const map = new CelMap();
        for (const [index, key] of keys.entries()) {
          const at = key.run(frame);
          map.set(at, values[index]?.run(frame) ?? null);
        }
        return map;
      },
    };
  }

  #method(tree: Tree & { readonly op: "rcall" }, scope: Scope): Node {
    const [name, receiver, args] = tree.args;
    const offset = this.place(tree);
    const dotted = dottedName(receiver);
    const qualified = dotted === undefined ? "" : `${dotted.text}.${name}`;
    if (
      dotted !== undefined &&
      !this.#isVariable(dotted.root, scope) &&
      this.#environment.functions.has(qualified)
    ) {
      const nodes = args.map((one) => this.node(one, scope));
      return this.call(qualified, false, nodes, offset);
    }
    const mayBind = this.#environment.binds === true && !this.#isVariable("cel", scope);
    const macro = (mayBind ? bindMacro(receiver, name, args) : undefined) ?? macroOf(name, receiver, args);
    if (macro !== undefined) return macro(this, scope, offset);
    const nodes = [receiver, ...args].map((one) =>
      name === "format" && one.op === "list" ? this.#list(one.args, scope, true) : this.node(one, scope),
    );
    return this.call(name, true, nodes, offset);
  }

  /** A function by name; which of its forms, is decided now as far as the types are known. */
  call(name: string, isMethod: boolean, args: readonly Node[], offset: number): Node {
    const known = this.#environment.functions.get(name);
    if (known === undefined)
      return this.complain(offset, `undeclared reference to '${name}' (in container '')`);
    const forms = known.filter((form) => form.isMethod === isMethod && form.args.length === args.length);
    const matching = forms.flatMap((form) => {
      const bound: Bindings = new Map();
      const fits = form.args.every((declared, index) =>
        isAssignable(declared, args[index]?.type ?? types.dyn, bound),
      );
      return fits ? [{ form, result: substitute(form.result, bound) }] : [];
    });
    const [first] = matching;
    if (first === undefined) return this.noOverload(name, isMethod, args, offset);
    const type = matching.every(({ result }) => sameType(result, first.result)) ? first.result : types.dyn;
    const { complaints, faults } = literalFaults(first.form, args, offset);
    this.lateComplaints.push(...complaints);
    this.constantFaults.push(...faults);
    const sure = matching.length === 1 && args.every((arg) => isSure(arg.type));
    const { run } = first.form;
    return {
      type,
      forms: matching.map((one) => one.form),
      run: (frame) => {
        const values = args.map((arg) => arg.run(frame));
        frame.meter.spend(1);
        if (sure) return run(values, frame.meter);
        const form = forms.find((one) => fitsValues(one, values));
        if (form === undefined) throw noSuchOverload();
        return form.run(values, frame.meter);
      },
    };
  }

  noOverload(name: string, isMethod: boolean, args: readonly Node[], offset: number): Node {
    const texts = args.map(({ type }) => typeText(type));
    const shown = isMethod ? `${texts[0]}.(${texts.slice(1).join(", ")})` : `(${texts.join(", ")})`;
    return this.complain(offset, `found no matching overload for '${name}' applied to '${shown}'`);
  }
}

function fitsValues(form: Overload, values: readonly Value[]): boolean {
  return form.args.every((declared, index) => valueFits(declared, values[index] ?? null));
}

/** Nothing in the type is left open. */
function isSure(type: CelType): boolean {
  switch (type.kind) {
    case "dyn":
    case "error":
    case "null":
      return false;
    case "list":
    case "optional":
      return isSure(type.item);
    case "map":
      return isSure(type.key) && isSure(type.value);
    default:
      return true;
  }
}
