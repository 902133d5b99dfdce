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

/** Whether a value may stand where a signature has the type: of lists and maps the first item tells. */
export function valueFits(type: CelType, value: Value): boolean {
  switch (type.kind) {
    case "dyn":
    case "error":
    case "param":
      return true;
    case "bool":
      return typeof value === "boolean";
    case "int":
      return typeof value === "bigint";
    case "uint":
      return value instanceof Uint;
    case "double":
      return typeof value === "number";
    case "string":
      return typeof value === "string";
    case "bytes":
      return value instanceof Uint8Array;
    case "null":
      return value === null;
    case "duration":
      return value instanceof Duration;
    case "timestamp":
      return value instanceof Timestamp;
    case "type":
      return value instanceof TypeValue;
    case "list": {
      if (!(value instanceof CelList)) return false;
      const [first] = value.items;
      return first === undefined || valueFits(type.item, first);
    }
    case "map":
      return value instanceof CelMap;
    case "optional":
      return value instanceof Optional;
    case "object":
      return value instanceof CelMap;
    case "opaque":
      return value instanceof Opaque && value.type === type.name;
  }
}
