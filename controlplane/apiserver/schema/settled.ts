import { isQuantity } from "../../../base/quantity.ts";
import { canonicalQuantity } from "../../../base/quantity-text.ts";
import { goTimeError, writtenTime } from "./go-time.ts";
import { fieldOf, meansUnset, type SchemaField, type SchemaType } from "./load.ts";
import { innerTypeOf, schemaFormOf } from "./schema-forms.ts";
import { isSharedTree } from "./shared-trees.ts";

type Json = Readonly<Record<string, unknown>>;

/** The object in the form that is stored (`normalizeObject`), where there is nothing to tell of its fields (`checkFields`):
 *  the object itself where it is in that form, else one without what is not set, which shares with it whatever is whole.
 *  Undefined: the others have to look, and may find nothing either. Quick, since nearly all objects are of the first two
 *  sorts. Pure.
 *  @param origin Read: as a client sent it. Made: the server has it, and will fill in what only the server says. */
export function settledForm(type: SchemaType, object: Json, origin: "read" | "made"): Json | undefined {
  if (origin === "read" && lacksTime(object)) return undefined;
  return messageForm(rulesOf(type), object, "object");
}

/** Is it in that form already? */
export function isSettled(type: SchemaType, object: Json, origin: "read" | "made"): boolean {
  return settledForm(type, object, origin) === object;
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

/** What becomes of a value that is stored as none at all. */
const unset = Symbol("unset");

/** @returns Undefined: there is something in it for others to look at. */
function messageForm(rules: Rules, object: Json, what: What): Json | undefined {
  let changed: Record<string, unknown> | undefined;
  for (const name in object) {
    const rule = rules.get(name);
    if (rule === undefined) return undefined;
    const value = object[name];
    const form = fieldForm(rule, value, what, name);
    if (form === undefined) return undefined;
    if (form !== value) changed ??= fieldsBefore(object, name);
    if (changed !== undefined && form !== unset) changed[name] = form;
  }
  return changed ?? object;
}

/** Fields of a message have names of their own: none is what objects inherit. */
function fieldsBefore(object: Json, end: string): Record<string, unknown> {
  const before: Record<string, unknown> = {};
  for (const name in object) {
    if (name === end) break;
    before[name] = object[name];
  }
  return before;
}

function fieldForm(rule: Rule, value: unknown, what: What, name: string): unknown {
  if (value === undefined) return undefined;
  if (value === null) return rule.value === "free" && rule.many === "one" ? value : unset;
  if (rule.many === "list") return listForm(rule, value);
  if (rule.many === "map") return mapForm(rule, value);
  if (value === "" || value === 0 || value === false) {
    const isFilledIn = what === "metadata" && value === "" && rule.isServerString;
    // Times that are filled in later are empty texts until then.
    if (isFilledIn && rule.value === "time") return value;
    if (!rule.keepsEmpty && !isFilledIn) return isValueSettled(rule, value) ? unset : undefined;
  }
  if (rule.value !== "message") return isValueSettled(rule, value) ? value : undefined;
  return innerForm(rule, value, what === "object" && name === "metadata" ? "metadata" : "part");
}

function innerForm({ type }: Rule, value: unknown, what: What): Json | undefined {
  return isObject(value) && type !== undefined ? messageForm(rulesOf(type), value, what) : undefined;
}

function listForm(rule: Rule, list: unknown): unknown {
  if (!Array.isArray(list)) return undefined;
  if (list.length === 0) return rule.keepsEmpty ? list : unset;
  let changed: unknown[] | undefined;
  for (let at = 0; at < list.length; at++) {
    const form = elementForm(rule, list[at]);
    if (form === undefined) return undefined;
    if (form !== list[at]) changed ??= list.slice(0, at);
    changed?.push(form);
  }
  return changed ?? list;
}

function mapForm(rule: Rule, map: unknown): unknown {
  if (!isObject(map)) return undefined;
  let isEmpty = true;
  for (const key in map) {
    isEmpty = false;
    // Hardly any map holds messages, and fewer still such as are not whole.
    if (elementForm(rule, map[key]) !== map[key]) return undefined;
  }
  return isEmpty && !rule.keepsEmpty ? unset : map;
}

function elementForm(rule: Rule, value: unknown): unknown {
  if (rule.value === "message") return innerForm(rule, value, "part");
  return value !== undefined && isValueSettled(rule, value) ? value : undefined;
}

function isValueSettled(rule: Rule, value: unknown): boolean {
  switch (rule.value) {
    case "text":
      return typeof value === "string";
    case "message":
      return false;
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
