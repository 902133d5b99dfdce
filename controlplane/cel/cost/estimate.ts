import type { CelType } from "../types.ts";
import type { Value } from "../values.ts";
import type { Operand } from "./call.ts";
import { callCost, resultEntries } from "./call-costs.ts";
import { Path } from "./path.ts";
import { either, exactly, noneYet, nothing, one, plus, type Range, sum, times, unknown } from "./ranges.ts";
import type { BindShape, CallShape, FieldShape, LoopShape, OptionalMapShape, Shape } from "./shape.ts";
import { type DeclaredSizes, declaredSize, type Entries } from "./sizes.ts";

/** What an expression may cost at least and at most, before anything is known of its data but what schemas say: cel-go's
 *  checker/cost.go with Kubernetes' own costs. Definitions are refused by it, so it gives the same numbers. Pure. */
export function estimatedCost(shape: Shape, maxElements: DeclaredSizes): Range {
  return new Estimator(maxElements).cost(shape);
}

interface Local {
  readonly path: Path;
  readonly size?: Range | undefined;
  readonly entries?: Entries | undefined;
}

const listCost = exactly(10);
const mapCost = exactly(30);
const messageCost = exactly(40);

class Estimator {
  readonly #maxElements: DeclaredSizes;
  readonly #paths = new Map<Shape, Path>();
  readonly #sizes = new Map<Shape, Range>();
  readonly #entries = new Map<Shape, Entries>();
  readonly #locals = new Map<string, Local[]>();

  constructor(maxElements: DeclaredSizes) {
    this.#maxElements = maxElements;
  }

  cost(shape: Shape): Range {
    switch (shape.kind) {
      case "literal":
        return nothing;
      case "name":
        this.#paths.set(shape, this.#local(shape.name)?.path ?? Path.of(shape.name));
        return one;
      case "field":
        return this.#field(shape);
      case "call":
        return this.#call(shape);
      case "list": {
        const cost = sum(shape.items.map((item) => this.cost(item)));
        const value = this.#around(shape.items);
        this.#entries.set(shape, { container: "list", key: one, value });
        return plus(cost, listCost);
      }
      case "map": {
        const cost = sum(shape.entries.flat().map((part) => this.cost(part)));
        const key = this.#around(shape.entries.map(([of]) => of));
        const value = this.#around(shape.entries.map(([, of]) => of));
        this.#entries.set(shape, { container: "map", key, value });
        return plus(cost, mapCost);
      }
      case "message":
        return plus(sum(shape.values.map((value) => this.cost(value))), messageCost);
      case "loop":
        return this.#loop(shape);
      case "bind":
        return this.#bind(shape);
      case "optionalMap":
        return this.#optionalMap(shape);
    }
  }

  #around(shapes: readonly Shape[]): Range {
    if (shapes.length === 0) return nothing;
    return shapes.map((shape) => this.size(shape) ?? unknown).reduce(either, noneYet);
  }

  #field(shape: FieldShape): Range {
    const { operand, name, isTest } = shape;
    const cost = this.cost(operand);
    if (isTest) return cost;
    this.#paths.set(shape, this.#path(operand).to(name));
    const { kind } = operand.type;
    return kind === "map" || kind === "object" ? plus(cost, one) : cost;
  }

  #call(shape: CallShape): Range {
    const { name, args, target } = shape;
    const [first] = args;
    if (name === "dyn" && first !== undefined) {
      const cost = plus(one, this.cost(first));
      this.#setSize(shape, this.size(first));
      this.#setEntries(shape, this.#entriesOf(first));
      return cost;
    }
    const costs: Range[] = [];
    const operands: Operand[] = [];
    for (const arg of args) {
      costs.push(this.cost(arg));
      operands.push(this.#operand(arg));
    }
    const targetCost = target === undefined ? nothing : this.cost(target);
    const receiver = target === undefined ? undefined : this.#operand(target);
    let all = noneYet;
    let size: Range | undefined;
    for (const form of shape.forms) {
      const call = callCost({ shape, form, target: receiver, args: operands, costs }, this.#maxElements);
      this.#setEntries(
        shape,
        resultEntries(
          shape,
          form,
          args.map((arg) => this.#entriesOf(arg)),
        ),
      );
      all = either(all, call);
      if (call.size !== undefined) size = size === undefined ? call.size : either(size, call.size);
      const container = form.args[0]?.kind;
      if (name === "_[_]" && first !== undefined && (container === "list" || container === "map")) {
        size = this.#entriesOf(first)?.value;
        this.#paths.set(shape, this.#path(first).to(container === "list" ? "@items" : "@values"));
      }
      size ??= this.size(shape);
    }
    this.#setSize(shape, size);
    return plus(targetCost, all);
  }

  #loop(shape: LoopShape): Range {
    const { range, names, init, condition, step, result } = shape;
    const before = plus(this.cost(range), this.cost(init));
    this.#push("@result", { path: this.#path(init), size: this.size(init), entries: this.#entriesOf(init) });
    const entries = this.#entriesOf(range);
    const container = entries?.container ?? (range.type.kind === "list" ? "list" : "map");
    const isList = container === "list";
    const [firstName = "", secondName] = names;
    const path = this.#path(range);
    if (secondName === undefined) {
      const single = isList ? entries?.value : entries?.key;
      this.#push(firstName, { path: path.to(isList ? "@items" : "@keys"), size: single });
    } else {
      this.#push(firstName, { path: path.to(isList ? "@indices" : "@keys"), size: entries?.key });
      this.#push(secondName, { path: path.to(isList ? "@items" : "@values"), size: entries?.value });
    }
    const going = this.cost(condition);
    const each = plus(this.cost(step), going);
    for (const name of names) this.#pop(name);
    const after = this.cost(result);
    this.#pop("@result");
    const count = this.size(range) ?? unknown;
    if (init.kind === "literal") this.#setSize(shape, this.size(init));
    else {
      this.#setSize(shape, count);
      this.#setEntries(shape, this.#entriesOf(step));
    }
    return sum([before, after, times(count, each)]);
  }

  #bind(shape: BindShape): Range {
    const cost = plus(listCost, this.cost(shape.value));
    const local = {
      path: this.#path(shape.value),
      size: this.size(shape.value),
      entries: this.#entriesOf(shape.value),
    };
    return plus(cost, this.#within(shape, shape.name, local, shape.result));
  }

  /** `source.hasValue() ? optional.of(bind name to source.value() in body) : optional.none()`. */
  #optionalMap(shape: OptionalMapShape): Range {
    const source = this.cost(shape.source);
    const asked = plus(source, one);
    const size = typeSize(shape.item);
    const bound = this.#within(shape, shape.name, { path: Path.none, size }, shape.body);
    const there = sum([listCost, asked, bound, shape.wraps ? one : nothing]);
    const given = shape.wraps ? typeSize(shape.type) : this.#sizes.get(shape);
    this.#sizes.set(shape, either(given ?? unknown, typeSize(shape.type) ?? unknown));
    this.#entries.delete(shape);
    return plus(asked, either(there, one));
  }

  #within(shape: Shape, name: string, local: Local, result: Shape): Range {
    this.#push(name, local);
    const cost = this.cost(result);
    this.#pop(name);
    this.#setSize(shape, this.size(result));
    this.#setEntries(shape, this.#entriesOf(result));
    return cost;
  }

  #local(name: string): Local | undefined {
    return this.#locals.get(name)?.at(-1);
  }

  #push(name: string, local: Local): void {
    const known = this.#locals.get(name);
    if (known === undefined) this.#locals.set(name, [local]);
    else known.push(local);
  }

  #pop(name: string): void {
    this.#locals.get(name)?.pop();
  }

  #path(shape: Shape): Path {
    const local = shape.kind === "name" ? this.#local(shape.name) : undefined;
    return local?.path ?? this.#paths.get(shape) ?? Path.none;
  }

  #operand(shape: Shape): Operand {
    const path = this.#path(shape);
    return { type: shape.type, shape, path, size: this.size(shape) };
  }

  #setSize(shape: Shape, size: Range | undefined): void {
    if (size !== undefined) this.#sizes.set(shape, size);
  }

  #setEntries(shape: Shape, entries: Entries | undefined): void {
    if (entries !== undefined) this.#entries.set(shape, entries);
  }

  #entriesOf(shape: Shape): Entries | undefined {
    const known = this.#entries.get(shape);
    if (known !== undefined || shape.kind !== "name") return known;
    return this.#local(shape.name)?.entries;
  }

  /** How large the value is, where anything tells. */
  size(shape: Shape): Range | undefined {
    const known = this.#sizes.get(shape) ?? writtenSize(shape);
    if (known !== undefined) return known;
    const declared = declaredSize(this.#path(shape), this.#maxElements);
    if (declared !== undefined) {
      this.#sizes.set(shape, declared);
      return declared;
    }
    return typeSize(shape.type) ?? (shape.kind === "name" ? this.#local(shape.name)?.size : undefined);
  }
}

function writtenSize(shape: Shape): Range | undefined {
  switch (shape.kind) {
    case "literal":
      return exactly(literalSize(shape.value));
    case "list":
      return exactly(shape.items.length);
    case "map":
      return exactly(shape.entries.length);
    default:
      return undefined;
  }
}

function literalSize(value: Value): number {
  if (typeof value === "string") return [...value].length;
  return value instanceof Uint8Array ? value.length : 1;
}

const scalars: readonly string[] = ["bool", "double", "duration", "int", "timestamp", "uint"];

function typeSize(type: CelType): Range | undefined {
  if (type.kind === "optional") return typeSize(type.item);
  return scalars.includes(type.kind) ? one : undefined;
}
