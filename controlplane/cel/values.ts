/** What expressions compute with. Whole numbers are bigint (int) or `Uint`, numbers are double. Pure. */
export type Value =
  | null
  | boolean
  | bigint
  | number
  | string
  | Uint
  | Uint8Array
  | CelList
  | CelMap
  | Optional
  | Duration
  | Timestamp
  | TypeValue
  | Opaque;

export class Uint {
  readonly value: bigint;
  constructor(value: bigint) {
    this.value = value;
  }
}

export class Duration {
  readonly nanoseconds: bigint;
  constructor(nanoseconds: bigint) {
    this.nanoseconds = nanoseconds;
  }
}

export class Timestamp {
  /** Since 1970. */
  readonly nanoseconds: bigint;
  constructor(nanoseconds: bigint) {
    this.nanoseconds = nanoseconds;
  }
}

export class TypeValue {
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
}

export class Optional {
  readonly value: Value | undefined;
  constructor(value: Value | undefined) {
    this.value = value;
  }
}

/** A value of a library of functions. */
export class Opaque {
  readonly type: string;
  readonly value: unknown;
  /** Equal keys, equal values; undefined: as `same` says. */
  readonly same: (other: Opaque) => boolean;
  constructor(type: string, value: unknown, same: (other: Opaque) => boolean) {
    this.type = type;
    this.value = value;
    this.same = same;
  }
}

/** @property keys What tells items of a list apart, where its schema says that it is a map; none: it is a set. */
export class CelList {
  readonly items: readonly Value[];
  readonly keys: readonly string[] | undefined;
  constructor(items: readonly Value[], keys?: readonly string[]) {
    this.items = items;
    this.keys = keys;
  }
}

/** Values are made when they are asked for: most of an object nobody looks at. */
export class CelMap {
  readonly #entries: Map<string, { readonly key: Value; value?: Value; readonly make?: () => Value }>;
  /** A schema's object: its fields are no keys to go through. */
  readonly typeName: string | undefined;

  /** What stands for each key that is not there; undefined: nothing. */
  readonly #otherwise: Value | undefined;

  constructor(typeName?: string, otherwise?: Value) {
    this.#entries = new Map();
    this.typeName = typeName;
    this.#otherwise = otherwise;
  }

  get size(): number {
    return this.#entries.size;
  }

  set(key: Value, value: Value): void {
    this.#entries.set(keyText(key), { key, value });
  }

  setLazy(key: Value, make: () => Value): void {
    this.#entries.set(keyText(key), { key, make });
  }

  has(key: Value): boolean {
    return this.#entries.has(keyText(key));
  }

  get(key: Value): Value | undefined {
    const entry = this.#entries.get(keyText(key));
    if (entry === undefined) return this.#otherwise;
    if (entry.value === undefined) entry.value = entry.make?.() ?? null;
    return entry.value;
  }

  keys(): readonly Value[] {
    return [...this.#entries.values()].map(({ key }) => key);
  }
}

/** The same for numbers that are equal, whatever their type. */
function keyText(key: Value): string {
  if (typeof key === "string") return `s${key}`;
  if (typeof key === "bigint") return `n${key}`;
  if (key instanceof Uint) return `n${key.value}`;
  if (typeof key === "number") return Number.isInteger(key) ? `n${BigInt(key)}` : `d${key}`;
  return `b${String(key)}`;
}

/** What went wrong in an expression, in cel-go's words. */
export class CelError extends Error {}

export class CostExceeded extends Error {
  constructor() {
    super("operation cancelled: actual cost limit exceeded");
  }
}

export const noSuchOverload = () => new CelError("no such overload");

export function typeNameOf(value: Value): string {
  if (value === null) return "null_type";
  switch (typeof value) {
    case "boolean":
      return "bool";
    case "bigint":
      return "int";
    case "number":
      return "double";
    case "string":
      return "string";
  }
  if (value instanceof Uint) return "uint";
  if (value instanceof Uint8Array) return "bytes";
  if (value instanceof CelList) return "list";
  if (value instanceof CelMap) return value.typeName ?? "map";
  if (value instanceof Optional) return "optional_type";
  if (value instanceof Duration) return "google.protobuf.Duration";
  if (value instanceof Timestamp) return "google.protobuf.Timestamp";
  return value instanceof Opaque ? value.type : "type";
}
