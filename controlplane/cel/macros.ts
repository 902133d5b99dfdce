import type { Compiler } from "./compile.ts";
import { type Frame, type Node, outcome, Scope } from "./nodes.ts";
import type { Tree } from "./parse.ts";
import { type CelType, isAssignable, listOf, mapOf, optionalOf, types, typeText } from "./types.ts";
import { CelError, CelList, CelMap, noSuchOverload, Optional, type Value } from "./values.ts";

/** Calls that are no functions: their arguments are run once for each item, or not at all. */
export type Macro = (compiler: Compiler, scope: Scope, offset: number) => Node;

export function macroOf(name: string, receiver: Tree | undefined, args: readonly Tree[]): Macro | undefined {
  const [first, second, third, fourth] = args;
  if (receiver === undefined) {
    if (name !== "has" || first === undefined || args.length !== 1) return undefined;
    return (compiler, scope, offset) => compiler.presence(first, scope, offset);
  }
  if (first === undefined || second === undefined) return undefined;
  const range =
    (names: readonly Tree[], body: readonly Tree[], make: MakeLoop): Macro =>
    (compiler, scope, offset) =>
      loop({ compiler, scope, receiver, names, body, offset }, make);
  switch (`${name}/${args.length}`) {
    case "all/2":
      return range([first], [second], every);
    case "exists/2":
      return range([first], [second], some);
    case "exists_one/2":
      return range([first], [second], exactlyOne);
    case "filter/2":
      return range([first], [second], filter);
    case "map/2":
      return range([first], [second], map);
    case "sortBy/2":
      return range([first], [second], sortBy);
    case "optMap/2":
      return (compiler, scope) => optionalMap(compiler, scope, receiver, first, second, true);
    case "optFlatMap/2":
      return (compiler, scope) => optionalMap(compiler, scope, receiver, first, second, false);
  }
  if (third === undefined) return undefined;
  switch (`${name}/${args.length}`) {
    case "map/3":
      return range([first], [second, third], map);
    case "all/3":
      return range([first, second], [third], every);
    case "exists/3":
      return range([first, second], [third], some);
    case "exists_one/3":
    case "existsOne/3":
      return range([first, second], [third], exactlyOne);
    case "transformList/3":
      return range([first, second], [third], map);
    case "transformMap/3":
      return range([first, second], [third], transformMap);
    case "transformMapEntry/3":
      return range([first, second], [third], transformMapEntry);
  }
  if (fourth === undefined) return undefined;
  switch (`${name}/${args.length}`) {
    case "transformList/4":
      return range([first, second], [third, fourth], map);
    case "transformMap/4":
      return range([first, second], [third, fourth], transformMap);
    case "transformMapEntry/4":
      return range([first, second], [third, fourth], transformMapEntry);
  }
  return undefined;
}

/** Runs its body for each item of a range. */
interface Loop {
  readonly frameItems: (frame: Frame) => Iterable<readonly [key: Value, item: Value]>;
  readonly conditions: readonly Node[];
  readonly last: Node;
  readonly keyType: CelType;
  readonly rangeType: CelType;
  readonly compiler: Compiler;
  /** Of the body, and of the call. */
  readonly place: number;
  readonly offset: number;
}

type MakeLoop = (loop: Loop) => Node;

interface LoopCall {
  readonly compiler: Compiler;
  readonly scope: Scope;
  readonly receiver: Tree;
  readonly names: readonly Tree[];
  readonly body: readonly Tree[];
  readonly offset: number;
}

function loop({ compiler, scope, receiver, names, body, offset }: LoopCall, make: MakeLoop): Node {
  const range = compiler.node(receiver, scope);
  const variables = new Map<string, { readonly type: CelType; readonly slot: number }>();
  const { type } = range;
  const dyn = types.dyn;
  let keyType: CelType = dyn;
  let itemType: CelType = dyn;
  if (type.kind === "list") [keyType, itemType] = [types.int, type.item];
  else if (type.kind === "map") [keyType, itemType] = [type.key, type.value];
  else if (type.kind !== "dyn" && type.kind !== "error")
    return compiler.complain(
      compiler.place(receiver),
      `expression of type '${typeText(type)}' cannot be range of a comprehension (must be list, map, or dynamic)`,
    );
  const single = names.length === 1;
  const slots: number[] = [];
  for (const [index, name] of names.entries()) {
    if (name.op !== "id") return compiler.complain(name.start, "argument must be a simple name");
    const slot = compiler.newSlot();
    slots.push(slot);
    const isItem = index === 1 || (single && type.kind !== "map");
    variables.set(name.args, { type: isItem ? itemType : keyType, slot });
  }
  const inner = new Scope(variables, scope);
  const nodes = body.map((one) => compiler.node(one, inner));
  const last = nodes.at(-1) ?? { type: types.error, run: () => null };
  const conditions = nodes.slice(0, -1);
  for (const [index, condition] of conditions.entries())
    expectBool(compiler, condition, compiler.place(body[index] as Tree));
  const [firstSlot = 0, secondSlot] = slots;
  function* frameItems(frame: Frame): Generator<readonly [Value, Value]> {
    const value = range.run(frame);
    const give = (key: Value, item: Value) => {
      frame.meter.spend(1);
      if (secondSlot === undefined) frame.slots[firstSlot] = value instanceof CelMap ? key : item;
      else {
        frame.slots[firstSlot] = key;
        frame.slots[secondSlot] = item;
      }
      return [key, item] as const;
    };
    if (value instanceof CelMap) for (const key of value.keys()) yield give(key, value.get(key) ?? null);
    else if (value instanceof CelList)
      for (const [index, item] of value.items.entries()) yield give(BigInt(index), item);
    else throw noSuchOverload();
  }
  return make({
    frameItems,
    conditions,
    last,
    keyType,
    rangeType: type,
    compiler,
    place: compiler.place(body.at(-1) as Tree),
    offset,
  });
}

function expectBool(compiler: Compiler, { type }: Node, place: number): void {
  if (!isAssignable(types.bool, type, new Map()))
    compiler.complain(place, `expected type 'bool' but found '${typeText(type)}'`);
}

function passes(conditions: readonly Node[], frame: Frame): boolean {
  return conditions.every((condition) => truth(condition.run(frame)));
}

function truth(value: Value): boolean {
  if (typeof value !== "boolean") throw noSuchOverload();
  return value;
}

/** An item that decides makes up for those where something goes wrong. */
function quantifier({ compiler, frameItems, last, place }: Loop, decisive: boolean): Node {
  expectBool(compiler, last, place);
  return {
    type: types.bool,
    run: (frame) => {
      let fault: CelError | undefined;
      for (const _ of frameItems(frame)) {
        const one = outcome(last, frame);
        if (one === decisive) return decisive;
        if (one instanceof CelError) fault ??= one;
        else if (typeof one !== "boolean") fault ??= noSuchOverload();
      }
      if (fault !== undefined) throw fault;
      return !decisive;
    },
  };
}

const every: MakeLoop = (one) => quantifier(one, false);
const some: MakeLoop = (one) => quantifier(one, true);

const exactlyOne: MakeLoop = ({ compiler, frameItems, last, place }) => {
  expectBool(compiler, last, place);
  return {
    type: types.bool,
    run: (frame) => {
      let count = 0;
      for (const _ of frameItems(frame)) if (truth(last.run(frame))) count++;
      return count === 1;
    },
  };
};

const filter: MakeLoop = ({ compiler, frameItems, last, place, rangeType, keyType }) => {
  expectBool(compiler, last, place);
  return {
    type:
      rangeType.kind === "map"
        ? listOf(keyType)
        : rangeType.kind === "list"
          ? listOf(rangeType.item)
          : listOf(types.dyn),
    run: (frame) => {
      const kept: Value[] = [];
      const isMap = rangeType.kind === "map";
      for (const [key, item] of frameItems(frame)) if (truth(last.run(frame))) kept.push(isMap ? key : item);
      return new CelList(kept);
    },
  };
};

const map: MakeLoop = ({ frameItems, conditions, last }) => ({
  type: listOf(last.type),
  run: (frame) => {
    const made: Value[] = [];
    for (const _ of frameItems(frame)) if (passes(conditions, frame)) made.push(last.run(frame));
    return new CelList(made);
  },
});

const transformMap: MakeLoop = ({ frameItems, conditions, last, keyType }) => ({
  type: mapOf(keyType, last.type),
  run: (frame) => {
    const made = new CelMap();
    for (const [key] of frameItems(frame)) if (passes(conditions, frame)) made.set(key, last.run(frame));
    return made;
  },
});

const transformMapEntry: MakeLoop = ({ frameItems, conditions, last }) => ({
  type: last.type.kind === "map" ? last.type : mapOf(types.dyn, types.dyn),
  run: (frame) => {
    const made = new CelMap();
    for (const _ of frameItems(frame)) {
      if (!passes(conditions, frame)) continue;
      const entry = last.run(frame);
      if (!(entry instanceof CelMap)) throw noSuchOverload();
      for (const key of entry.keys()) {
        if (made.has(key)) throw new CelError(`insert failed: key ${String(key)} already exists`);
        made.set(key, entry.get(key) ?? null);
      }
    }
    return made;
  },
});

const sortBy: MakeLoop = ({ compiler, frameItems, last, rangeType, offset }) => {
  const isList = rangeType.kind === "list" || rangeType.kind === "dyn";
  const items: Node = { type: isList ? rangeType : listOf(types.dyn), run: () => null };
  const keyed: Node = { type: listOf(last.type), run: () => null };
  compiler.call("@sortByAssociatedKeys", true, [items, keyed], offset);
  return {
    type: items.type,
    run: (frame) => {
      const all: Value[] = [];
      const keys: Value[] = [];
      for (const [, item] of frameItems(frame)) {
        all.push(item);
        keys.push(last.run(frame));
      }
      const sorted = compiler.call(
        "@sortByAssociatedKeys",
        true,
        [
          { type: types.dyn, run: () => new CelList(all) },
          { type: types.dyn, run: () => new CelList(keys) },
        ],
        0,
      );
      return sorted.run(frame);
    },
  };
};

/** Undefined: the call is not `cel.bind(name, value, expression)`. */
export function bindMacro(receiver: Tree, method: string, args: readonly Tree[]): Macro | undefined {
  const [name, value, body] = args;
  if (receiver.op !== "id" || receiver.args !== "cel" || method !== "bind") return undefined;
  if (name === undefined || value === undefined || body === undefined || args.length !== 3) return undefined;
  return (compiler, scope) => {
    if (name.op !== "id")
      return compiler.complain(name.start, "cel.bind() variable names must be simple identifiers");
    const bound = compiler.node(value, scope);
    const slot = compiler.newSlot();
    const inner = compiler.node(body, new Scope(new Map([[name.args, { type: bound.type, slot }]]), scope));
    return {
      type: inner.type,
      run: (frame) => {
        frame.slots[slot] = bound.run(frame);
        return inner.run(frame);
      },
    };
  };
}

function optionalMap(
  compiler: Compiler,
  scope: Scope,
  receiver: Tree,
  name: Tree,
  body: Tree,
  wraps: boolean,
): Node {
  const source = compiler.node(receiver, scope);
  if (name.op !== "id") return compiler.complain(name.start, "argument must be a simple name");
  const slot = compiler.newSlot();
  const item = source.type.kind === "optional" ? source.type.item : types.dyn;
  const inner = compiler.node(body, new Scope(new Map([[name.args, { type: item, slot }]]), scope));
  return {
    type: wraps
      ? optionalOf(inner.type)
      : inner.type.kind === "optional"
        ? inner.type
        : optionalOf(types.dyn),
    run: (frame) => {
      const value = source.run(frame);
      if (!(value instanceof Optional)) throw noSuchOverload();
      if (value.value === undefined) return value;
      frame.slots[slot] = value.value;
      const made = inner.run(frame);
      return wraps ? new Optional(made) : made;
    },
  };
}
