import { isQuantity } from "../../../base/quantity.ts";
import { canonicalQuantity } from "../../../base/quantity-text.ts";
import { goTimeError, writtenTime } from "./go-time.ts";
import { fieldOf, meansUnset, type SchemaField, type SchemaType } from "./load.ts";
import { innerTypeOf, schemaFormOf } from "./schema-forms.ts";
import { isSharedTree } from "./shared-trees.ts";

type Json = Readonly<Record<string, unknown>>;

/** Is there nothing to tell of the object's fields (`checkFields`), and nothing to do to bring it into the form that is stored
 *  (`normalizeObject`)? Quick, since it is so of nearly all objects; where it says no, the others look again and may find
 *  nothing either. Pure.
 *  @param origin Read: as a client sent it. Made: the server has it, and will fill in what only the server says. */
export function isSettled(type: SchemaType, object: Json, origin: "read" | "made"): boolean {
  if (origin === "read" && lacksTime(object)) return false;
  return isMessageSettled(rulesOf(type), object, "object");
}

/** No client may say so. */
function lacksTime({ metadata }: Json): boolean {
  return isObject(metadata) && metadata.creationTimestamp === "";
}

/** What the server fills in later is text from the start (see `normalize.ts`). */
const serverStrings: ReadonlySet<string> = new Set(["name", "uid", "resourceVersion", "creationTimestamp"]);

interface Rule {
  readonly value:
    | "text"
    | "time"
    | "microtime"
    | "int32"
    | "whole"
    | "number"
    | "flag"
    | "quantity"
    | "port"
    | "free"
    | "message";
  readonly type: SchemaType | undefined;
  readonly many: "one" | "list" | "map";
  /** An empty one says something: it stays. */
  readonly keepsEmpty: boolean;
  readonly isServerString: boolean;
}

type Rules = ReadonlyMap<string, Rule>;
const known = new WeakMap<SchemaType, Rules>();

/** Fields without a rule are the others' to look at. */
function rulesOf(type: SchemaType): Rules {
  let rules = known.get(type);
  if (rules === undefined) {
    rules = new Map(
      Object.keys(type.fields).flatMap((name) => {
        const field = fieldOf(type, name);
        const rule = field && ruleOf(field, name);
        return rule === undefined ? [] : [[name, rule] as const];
      }),
    );
    known.set(type, rules);
  }
  return rules;
}

function ruleOf(field: SchemaField, name: string): Rule | undefined {
  const { c, t } = field;
  if (c === "mapOfLists" || schemaFormOf(field) !== undefined) return undefined;
  const type = innerTypeOf(field);
  const value =
    type === undefined ? valueRules[t === "integer" && field.f === "int32" ? "int32" : t] : "message";
  if (value === undefined) return undefined;
  const keepsEmptyList = field.r === 1 || field.j !== undefined || field.z === 1;
  return {
    value,
    type,
    many: c ?? "one",
    keepsEmpty: c === undefined ? !meansUnset(field, "") : c === "list" ? keepsEmptyList : field.r === 1,
    isServerString: serverStrings.has(name),
  };
}

const valueRules: Readonly<Record<string, Rule["value"]>> = {
  string: "text",
  time: "time",
  microtime: "microtime",
  int32: "int32",
  integer: "whole",
  number: "number",
  boolean: "flag",
  quantity: "quantity",
  intOrString: "port",
  any: "free",
};

type What = "object" | "metadata" | "part";

function isMessageSettled(rules: Rules, object: Json, what: What): boolean {
  for (const name in object) {
    const rule = rules.get(name);
    if (rule === undefined) return false;
    const value = object[name];
    if (value === null || value === undefined) return false;
    if (rule.many === "one") {
      if (value === "" || value === 0 || value === false) {
        const stays = rule.keepsEmpty || (what === "metadata" && value === "" && rule.isServerString);
        if (!stays) return false;
        // Times that are filled in later are empty texts until then.
        if (value === "" && rule.value === "time") continue;
      }
      const inner = what === "object" && name === "metadata" ? "metadata" : "part";
      if (!isValueSettled(rule, value, inner)) return false;
    } else if (rule.many === "list") {
      if (!isListSettled(rule, value)) return false;
    } else if (!isMapSettled(rule, value)) return false;
  }
  return true;
}

function isListSettled(rule: Rule, list: unknown): boolean {
  if (!Array.isArray(list) || (list.length === 0 && !rule.keepsEmpty)) return false;
  for (const element of list) if (!isValueSettled(rule, element, "part")) return false;
  return true;
}

function isMapSettled(rule: Rule, map: unknown): boolean {
  if (!isObject(map)) return false;
  let isEmpty = true;
  for (const key in map) {
    isEmpty = false;
    if (!isValueSettled(rule, map[key], "part")) return false;
  }
  return !isEmpty || rule.keepsEmpty;
}

function isValueSettled(rule: Rule, value: unknown, what: What): boolean {
  switch (rule.value) {
    case "text":
      return typeof value === "string";
    case "message":
      return isObject(value) && rule.type !== undefined && isMessageSettled(rulesOf(rule.type), value, what);
    case "int32":
      return typeof value === "number" && value === (value | 0) && !Object.is(value, -0);
    case "whole":
      return Number.isSafeInteger(value);
    case "flag":
      return typeof value === "boolean";
    case "number":
      return typeof value === "number";
    case "port":
      return typeof value === "string" || (typeof value === "number" && value === (value | 0));
    case "quantity":
      return typeof value === "string" && isCanonical(value);
    case "time":
    case "microtime":
      return typeof value === "string" && isWrittenTime(value, rule.value);
    case "free":
      return hasNoNumbers(value);
  }
}

/** Amounts and times come again and again. */
const textsMax = 1024;
const amounts = new Map<string, boolean>();
const times = new Map<string, boolean>();

function remembered(texts: Map<string, boolean>, text: string, find: () => boolean): boolean {
  const before = texts.get(text);
  if (before !== undefined) return before;
  if (texts.size >= textsMax) texts.clear();
  const found = find();
  // Not what somebody made as long as can be.
  if (text.length <= 64) texts.set(text, found);
  return found;
}

const isCanonical = (text: string) =>
  remembered(amounts, text, () => isQuantity(text) && canonicalQuantity(text) === text);

function isWrittenTime(text: string, kind: "time" | "microtime"): boolean {
  const isMicro = kind === "microtime";
  return remembered(times, isMicro ? `micro ${text}` : text, () => {
    if (goTimeError(text, isMicro ? "micro" : "any") !== undefined) return false;
    return writtenTime(text, isMicro ? "micro" : "seconds") === text;
  });
}

/** Of numbers in free values somebody has to look whether they can be kept. */
function hasNoNumbers(value: unknown): boolean {
  if (typeof value !== "object") return typeof value === "string" || typeof value === "boolean";
  if (value === null || isSharedTree(value)) return true;
  for (const inner of Object.values(value)) if (!hasNoNumbers(inner)) return false;
  return true;
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
