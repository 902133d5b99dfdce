/** The types that expressions are checked with. Pure. */
export type CelType =
  | { readonly kind: "dyn" | "error" | "bool" | "int" | "uint" | "double" | "string" | "bytes" | "null" }
  | { readonly kind: "duration" | "timestamp" | "type" }
  | { readonly kind: "list"; readonly item: CelType }
  | { readonly kind: "map"; readonly key: CelType; readonly value: CelType }
  | { readonly kind: "optional"; readonly item: CelType }
  | { readonly kind: "object"; readonly name: string; readonly fields: ReadonlyMap<string, CelType> }
  /** Told apart by name: quantities, addresses. */
  | { readonly kind: "opaque"; readonly name: string }
  /** Stands in signatures for any one type. */
  | { readonly kind: "param"; readonly name: string };

const simple = <Kind extends (CelType & { kind: string })["kind"]>(kind: Kind) =>
  ({ kind }) as Extract<CelType, { kind: Kind }>;

export const types = {
  dyn: simple("dyn"),
  error: simple("error"),
  bool: simple("bool"),
  int: simple("int"),
  uint: simple("uint"),
  double: simple("double"),
  string: simple("string"),
  bytes: simple("bytes"),
  null: simple("null"),
  duration: simple("duration"),
  timestamp: simple("timestamp"),
  type: simple("type"),
} as const;

export const listOf = (item: CelType): CelType => ({ kind: "list", item });
export const mapOf = (key: CelType, value: CelType): CelType => ({ kind: "map", key, value });
export const optionalOf = (item: CelType): CelType => ({ kind: "optional", item });
export const opaque = (name: string): CelType => ({ kind: "opaque", name });
export const param = (name: string): CelType => ({ kind: "param", name });

export type Bindings = Map<string, CelType>;

/** Whether `actual` may stand where `declared` does; binds what parameters stand for. */
export function isAssignable(declared: CelType, actual: CelType, bound: Bindings): boolean {
  if (declared.kind === "param") {
    const known = bound.get(declared.name);
    if (known === undefined) {
      bound.set(declared.name, actual);
      return true;
    }
    if (!isAssignable(known, actual, bound) && !isAssignable(actual, known, bound)) return false;
    if (isLoose(known) && !isLoose(actual) && known.kind !== "dyn") bound.set(declared.name, actual);
    if (known.kind === "null") bound.set(declared.name, actual);
    return true;
  }
  if (isAny(declared) || isAny(actual)) return true;
  if (actual.kind === "null") return mayBeNull(declared);
  if (declared.kind === "null") return mayBeNull(actual);
  if (declared.kind !== actual.kind) return false;
  switch (declared.kind) {
    case "list":
    case "optional":
      return isAssignable(declared.item, (actual as typeof declared).item, bound);
    case "map": {
      const other = actual as typeof declared;
      return isAssignable(declared.key, other.key, bound) && isAssignable(declared.value, other.value, bound);
    }
    case "object":
    case "opaque":
      return declared.name === (actual as typeof declared).name;
    default:
      return true;
  }
}

const isAny = ({ kind }: CelType) => kind === "dyn" || kind === "error";

/** An empty list or map is one of anything. */
function isLoose(type: CelType): boolean {
  if (type.kind === "list" || type.kind === "optional") return isLoose(type.item);
  if (type.kind === "map") return isLoose(type.value);
  return isAny(type);
}

const mayBeNull = ({ kind }: CelType) =>
  ["null", "object", "opaque", "optional", "duration", "timestamp"].includes(kind);

export function substitute(type: CelType, bound: Bindings): CelType {
  switch (type.kind) {
    case "param":
      return bound.get(type.name) ?? types.dyn;
    case "list":
      return listOf(substitute(type.item, bound));
    case "optional":
      return optionalOf(substitute(type.item, bound));
    case "map":
      return mapOf(substitute(type.key, bound), substitute(type.value, bound));
    default:
      return type;
  }
}

export function sameType(a: CelType, b: CelType): boolean {
  return a === b || typeText(a) === typeText(b);
}

export function typeText(type: CelType): string {
  switch (type.kind) {
    case "list":
      return `list(${typeText(type.item)})`;
    case "map":
      return `map(${typeText(type.key)}, ${typeText(type.value)})`;
    case "optional":
      return `optional_type(${typeText(type.item)})`;
    case "object":
    case "opaque":
      return type.name;
    case "error":
      return "!error!";
    default:
      return type.kind;
  }
}
