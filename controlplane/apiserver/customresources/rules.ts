import { type Compiled, compile, type Program } from "../../cel/compile.ts";
import { costLimits, type Environment, Meter } from "../../cel/environment.ts";
import { kubernetesFunctions } from "../../cel/library.ts";
import { type CelType, optionalOf, types } from "../../cel/types.ts";
import { CelError, CostExceeded, Optional, type Value } from "../../cel/values.ts";
import { isObject } from "../json.ts";
import type { FieldError } from "../registry/kind.ts";
import { duplicate, forbidden, invalid, invalidAltogether, required } from "../resources/field-errors.ts";
import { sameValue } from "../schema/same-value.ts";
import { findPath } from "./field-paths.ts";
import { additionalOf, type JsonSchema, propertyOf, type ValidationRule } from "./json-schema.ts";
import { keyedItems } from "./keyed-items.ts";
import { type RuleTimes, untimed } from "./rule-times.ts";
import { celValue, typeOf } from "./schema-types.ts";

/** The rules of a schema (x-kubernetes-validations), run on an object: apiextensions-apiserver's schema/cel, in its words. */

export interface CompiledRule {
  readonly rule: ValidationRule;
  readonly program: Compiled;
  readonly message?: Compiled;
  readonly usesOld: boolean;
  /** Under the value, for problems; normalised. */
  readonly fieldPath: string;
}

const compiledRules = new WeakMap<
  JsonSchema,
  { root?: readonly CompiledRule[]; inner?: readonly CompiledRule[] }
>();

/** Compiled once for each schema value. */
export function rulesOf(
  schema: JsonSchema,
  isRoot: boolean,
  times: RuleTimes = untimed,
): readonly CompiledRule[] {
  const own = schema["x-kubernetes-validations"];
  if (own === undefined || own.length === 0) return [];
  let known = compiledRules.get(schema);
  if (known === undefined) {
    known = {};
    compiledRules.set(schema, known);
  }
  const key = isRoot ? "root" : "inner";
  known[key] ??= times.compiling(() => compileRules(own, schema, isRoot));
  return known[key];
}

function compileRules(
  rules: readonly ValidationRule[],
  schema: JsonSchema,
  isRoot: boolean,
): readonly CompiledRule[] {
  const type = typeOf(schema, isRoot || schema["x-kubernetes-embedded-resource"] === true) ?? types.dyn;
  const environment = (oldType: CelType): Environment => ({
    variables: new Map([
      ["self", type],
      ["oldSelf", oldType],
    ]),
    functions: kubernetesFunctions,
  });
  return rules.map((rule) => {
    const around = environment(rule.optionalOldSelf === true ? optionalOf(type) : type);
    const program = ofType(compile(rule.rule, around), "bool");
    const message = rule.messageExpression
      ? ofType(compile(rule.messageExpression, around), "string")
      : undefined;
    const path = rule.fieldPath ? findPath(rule.fieldPath, schema) : undefined;
    return {
      rule,
      program,
      ...(message !== undefined && { message }),
      usesOld: "program" in program && program.program.names.has("oldSelf"),
      fieldPath: path !== undefined && "path" in path ? path.path : "",
    };
  });
}

function ofType(compiled: Compiled, kind: "bool" | "string"): Compiled {
  const isMessage = kind === "string";
  if ("problem" in compiled)
    return isMessage
      ? { problem: `messageExpression ${compiled.problem.replace(/^program /, "")}` }
      : compiled;
  if (compiled.program.type.kind === kind) return compiled;
  return {
    problem: isMessage
      ? "messageExpression must evaluate to a string"
      : "cel expression must evaluate to a bool",
  };
}

/** What the rules of the schema, and of all schemas in it, say of the value.
 *  @param old The stored value, in an update: rules that speak of it are run, and what was wrong before and has not changed is
 *  no reason to refuse. */
export function validateRules(
  schema: JsonSchema,
  next: unknown,
  old?: unknown,
  { path = "", isRoot = true, ratchets = true, budget = newBudget(), times = untimed }: RuleOptions = {},
): readonly FieldError[] {
  if (!hasRules(schema)) return [];
  const run: Run = { budget, problems: [], times };
  check(run, schema, next, {
    old,
    path,
    isRoot,
    place: old === undefined || !ratchets ? { kind: "fresh" } : { kind: "known", next, old },
  });
  return run.problems;
}

export interface RuleOptions {
  readonly path?: string;
  readonly isRoot?: boolean;
  /** Whether what was wrong before may stay. */
  readonly ratchets?: boolean;
  /** Shared by runs that are one to who asks. */
  readonly budget?: Budget;
  readonly times?: RuleTimes | undefined;
}

/** What all rules together may still cost; below 0: none is run any more. */
export interface Budget {
  left: number;
}

export const newBudget = (): Budget => ({ left: costLimits.objectMax });

const withRules = new WeakMap<JsonSchema, boolean>();

/** Whether the schema, or any inside it, has rules. */
export function hasRules(schema: JsonSchema): boolean {
  let known = withRules.get(schema);
  if (known === undefined) {
    const { items, properties = {}, additionalProperties } = schema;
    known =
      (schema["x-kubernetes-validations"]?.length ?? 0) > 0 ||
      (items !== undefined && hasRules(items)) ||
      (typeof additionalProperties === "object" && hasRules(additionalProperties)) ||
      Object.values(properties).some(hasRules);
    withRules.set(schema, known);
  }
  return known;
}

interface Run {
  readonly budget: Budget;
  readonly problems: FieldError[];
  readonly times: RuleTimes;
}

/** For ratcheting: the value in the stored object that this one came from, or the nearest around that has one. */
type Place =
  | { readonly kind: "fresh" }
  | { readonly kind: "known"; readonly next: unknown; readonly old: unknown };

interface At {
  /** What transition rules compare with; undefined: nothing. */
  readonly old: unknown;
  readonly path: string;
  readonly isRoot: boolean;
  readonly place: Place;
}

function check(run: Run, schema: JsonSchema, value: unknown, at: At): void {
  if (value === null || value === undefined || !hasRules(schema)) return;
  checkRules(run, schema, value, at);
  if (run.budget.left < 0) return;
  if (Array.isArray(value)) {
    const { items } = schema;
    if (items === undefined || !hasRules(items)) return;
    const before = keyedItems(schema, at.old);
    const listed = keyedItems(schema, at.place.kind === "known" ? at.place.old : undefined);
    for (const [index, item] of value.entries()) {
      const correlated = listed?.get(item);
      check(run, items, item, {
        old: before?.get(item),
        path: `${at.path}[${index}]`,
        isRoot: items["x-kubernetes-embedded-resource"] === true,
        place: correlated === undefined ? at.place : { kind: "known", next: item, old: correlated },
      });
      if (run.budget.left < 0) return;
    }
    return;
  }
  if (!isObject(value)) return;
  const additional = additionalOf(schema);
  for (const [name, one] of Object.entries(value)) {
    const property = propertyOf(schema, name);
    const inner = property ?? additional;
    if (inner === undefined || !hasRules(inner)) continue;
    const child = at.path === "" ? name : `${at.path}.${name}`;
    check(run, inner, one, {
      old: memberOf(at.old, name),
      path: property === undefined ? `${at.path}[${name}]` : child,
      isRoot: inner["x-kubernetes-embedded-resource"] === true,
      place: memberPlace(at.place, name, one),
    });
    if (run.budget.left < 0) return;
  }
}

function memberOf(old: unknown, name: string): unknown {
  return isObject(old) && Object.hasOwn(old, name) ? (old[name] ?? undefined) : undefined;
}

function memberPlace(place: Place, name: string, next: unknown): Place {
  if (place.kind === "fresh" || !isObject(place.old) || !Object.hasOwn(place.old, name)) return place;
  return { kind: "known", next, old: place.old[name] };
}

function checkRules(run: Run, schema: JsonSchema, value: unknown, at: At): void {
  const rules = rulesOf(schema, at.isRoot, run.times);
  if (rules.length > 0) run.times.running(() => runRules(run, rules, { schema, value, at }));
}

function runRules(
  run: Run,
  rules: readonly CompiledRule[],
  { schema, value, at }: { readonly schema: JsonSchema; readonly value: unknown; readonly at: At },
): void {
  const type = schema.type ?? "";
  const add = (problem: FieldError) => run.problems.push(problem);
  let self: Value | undefined;
  let old: Value | undefined;
  for (const compiled of rules) {
    const { rule, program, usesOld } = compiled;
    if ("problem" in program) {
      add(invalid(at.path, type, `rule compile error: ${program.problem}`));
      continue;
    }
    const optional = rule.optionalOldSelf === true;
    if (usesOld && at.old === undefined && !optional) continue;
    if (run.budget.left <= 0) {
      add(invalid(at.path, type, outOfBudget));
      run.budget.left = -1;
      return;
    }
    self ??= celValue(value, schema, at.isRoot);
    if (usesOld && at.old !== undefined) old ??= celValue(at.old, schema, at.isRoot);
    const before: Value | undefined = optional ? new Optional(old) : old;
    const variables = new Map<string, Value>([["self", self]]);
    if (before !== undefined) variables.set("oldSelf", before);
    const outcome = evaluate(run, program.program, variables);
    if (outcome.kind === "ended") {
      add(
        invalid(
          at.path,
          type,
          outcome.text ??
            `'operation cancelled: actual cost limit exceeded': no further validation rules will be run due to call cost exceeds limit for rule: ${shownRule(rule)}`,
        ),
      );
      run.budget.left = -1;
      return;
    }
    if (outcome.kind === "fault") {
      const { text } = outcome;
      add(
        invalid(
          at.path,
          type,
          text.startsWith("no such overload")
            ? `'${text}': call arguments did not match a supported operator, function or macro signature for rule: ${shownRule(rule)}`
            : `${text} evaluating rule: ${shownRule(rule)}`,
        ),
      );
      continue;
    }
    if (outcome.value === true) continue;
    const field =
      compiled.fieldPath === ""
        ? at.path
        : at.path === ""
          ? compiled.fieldPath
          : `${at.path}.${compiled.fieldPath}`;
    // Messages see oldSelf as it is, also where the rule has it as an optional.
    if (optional && old !== undefined) variables.set("oldSelf", old);
    else if (optional) variables.delete("oldSelf");
    const message = messageOf(run, compiled, variables);
    if (message.ended) {
      if (usesOld || !isUnchanged(at.place)) add(invalid(field, type, message.text));
      run.budget.left = -1;
      return;
    }
    if (!usesOld && isUnchanged(at.place)) continue;
    add(refusal(field, type === "object" || type === "array" ? undefined : value, message.text, rule.reason));
  }
}

const isUnchanged = (place: Place) => place.kind === "known" && sameValue(place.next, place.old);

const outOfBudget =
  "validation failed due to running out of cost budget, no further validation rules will be run";

type Outcome =
  | { readonly kind: "value"; readonly value: Value }
  | { readonly kind: "fault"; readonly text: string }
  | { readonly kind: "ended"; readonly text?: string };

function evaluate(run: Run, program: Program, variables: ReadonlyMap<string, Value>): Outcome {
  const meter = new Meter(costLimits.expressionMax);
  try {
    const value = program.evaluate(variables, meter);
    if (meter.spent > run.budget.left) return { kind: "ended", text: outOfBudget };
    return { kind: "value", value };
  } catch (error) {
    if (error instanceof CostExceeded) return { kind: "ended" };
    if (!(error instanceof CelError)) throw error;
    return { kind: "fault", text: error.message };
  } finally {
    run.budget.left -= meter.spent;
  }
}

const messageBytesMax = 5 * 1024;

/** What the rule says itself; a message that cannot be made is made up for. */
function messageOf(
  run: Run,
  { rule, message }: CompiledRule,
  variables: ReadonlyMap<string, Value>,
): { readonly text: string; readonly ended: boolean } {
  const own = rule.message ? rule.message.trim() : `failed rule: ${shownRule(rule)}`;
  if (message === undefined || "problem" in message) return { text: own, ended: false };
  const outcome = evaluate(run, message.program, variables);
  if (outcome.kind === "ended") {
    const shown = JSON.stringify(rule.messageExpression);
    const text =
      outcome.text === undefined
        ? `no further validation rules will be run due to call cost exceeds limit for messageExpression: ${shown}`
        : "messageExpression evaluation failed due to running out of cost budget, no further validation rules will be run";
    return { text, ended: true };
  }
  const text = outcome.kind === "value" && typeof outcome.value === "string" ? outcome.value.trim() : "";
  const fits = text !== "" && !text.includes("\n") && Buffer.byteLength(text) <= messageBytesMax;
  return { text: fits ? text : own, ended: false };
}

const shownRule = ({ rule, message }: ValidationRule) => (message || rule).trim();

function refusal(field: string, value: unknown, text: string, reason: string | undefined): FieldError {
  switch (reason) {
    case "FieldValueForbidden":
      return forbidden(field, text);
    case "FieldValueRequired":
      return required(field, text);
    case "FieldValueDuplicate":
      return value === undefined ? { reason, field, message: "Duplicate value" } : duplicate(field, value);
    default:
      return value === undefined ? invalidAltogether(field, text) : invalid(field, value, text);
  }
}
