import type { CelType } from "./types.ts";
import {
  CelList,
  CelMap,
  Duration,
  Opaque,
  Optional,
  Timestamp,
  TypeValue,
  Uint,
  type Value,
} from "./values.ts";

const primitives = { bool: "boolean", int: "bigint", double: "number", string: "string" } as const;
const classes = {
  uint: Uint,
  bytes: Uint8Array,
  duration: Duration,
  timestamp: Timestamp,
  type: TypeValue,
  map: CelMap,
  object: CelMap,
  optional: Optional,
} as const;

/** Whether a value may stand where a signature has the type: of lists the first item tells. */
export function valueFits(type: CelType, value: Value): boolean {
  switch (type.kind) {
    case "dyn":
    case "error":
    case "param":
      return true;
    case "null":
      return value === null;
    case "list": {
      if (!(value instanceof CelList)) return false;
      const [first] = value.items;
      return first === undefined || valueFits(type.item, first);
    }
    case "opaque":
      return value instanceof Opaque && value.type === type.name;
    case "bool":
    case "int":
    case "double":
    case "string":
      return typeof value === primitives[type.kind];
    default:
      return value instanceof classes[type.kind];
  }
}
