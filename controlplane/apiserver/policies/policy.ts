import { type Selector, selectorFromLabelSelector } from "../../../base/label-selector.ts";
import type {
  AuditAnnotation,
  MatchResources,
  MutatingAdmissionPolicy,
  ParamKind,
  ValidatingAdmissionPolicy,
  Validation,
  Variable,
} from "../../../client/types.ts";
import { type CelType, types } from "../../cel/types.ts";
import {
  type CompiledCondition,
  compileCondition,
  type MatchCondition,
} from "../admission/matching/match-conditions.ts";
import type { Rule } from "../admission/matching/rules.ts";
import {
  type CompiledExpression,
  type CompiledVariable,
  compileExpression,
  compileVariables,
  variablesType,
} from "./expressions.ts";

/** What policies of both kinds are, compiled once. */
export interface PolicyBase {
  readonly name: string;
  readonly failurePolicy: string | undefined;
  readonly paramKind: ParamKind | undefined;
  readonly target: Target;
  readonly conditions: readonly CompiledCondition[];
  readonly variables: readonly CompiledVariable[];
}

/** What stored policies of both kinds have in common. */
export interface PolicySource {
  readonly metadata: { readonly name: string };
  readonly spec?:
    | {
        readonly failurePolicy?: string;
        readonly paramKind?: ParamKind;
        readonly matchConstraints?: MatchResources;
        readonly matchConditions?: readonly MatchCondition[];
        readonly variables?: readonly Variable[];
      }
    | undefined;
}

/** What expressions of a policy may name beside the request. */
export type MoreNames = Readonly<Record<string, CelType>>;

/** Compiles what both kinds have in common: what does not compile any more fails when it is asked. */
export function compileBase({ metadata, spec = {} }: PolicySource): { base: PolicyBase; more: MoreNames } {
  const params: MoreNames = spec.paramKind ? { params: types.dyn } : {};
  const variables = compileVariables(spec.variables ?? [], params);
  const more = { ...params, variables: variablesType(variables) };
  const base = {
    name: metadata.name,
    failurePolicy: spec.failurePolicy,
    paramKind: spec.paramKind,
    target: targetOf(spec.matchConstraints),
    conditions: (spec.matchConditions ?? []).map((one) => compileCondition(one, more)),
    variables,
  };
  return { base, more };
}

/** A ValidatingAdmissionPolicy. */
export interface ValidatingPolicy extends PolicyBase {
  readonly validations: readonly CompiledValidation[];
  readonly annotations: readonly CompiledAnnotation[];
}

export interface CompiledValidation {
  readonly validation: Validation;
  readonly expression: CompiledExpression;
  readonly message: CompiledExpression | undefined;
}

export interface CompiledAnnotation {
  readonly annotation: AuditAnnotation;
  readonly value: CompiledExpression;
}

/** What requests a policy or a binding is for (MatchResources). */
export interface Target {
  /** None: all. */
  readonly rules: readonly NamedRule[];
  readonly excluded: readonly NamedRule[];
  readonly matchPolicy: string | undefined;
  readonly namespaces: Selector;
  readonly objects: Selector;
}

export type NamedRule = Rule & { readonly resourceNames?: readonly string[] };

export function targetOf(from: MatchResources = {}): Target {
  const { resourceRules, excludeResourceRules, matchPolicy, namespaceSelector, objectSelector } = from;
  return {
    rules: resourceRules ?? [],
    excluded: excludeResourceRules ?? [],
    matchPolicy,
    namespaces: selectorFromLabelSelector(namespaceSelector ?? {}),
    objects: selectorFromLabelSelector(objectSelector ?? {}),
  };
}

export function compileValidating(policy: ValidatingAdmissionPolicy): ValidatingPolicy {
  const { base, more } = compileBase(policy);
  const { validations = [], auditAnnotations = [] } = policy.spec ?? {};
  return {
    ...base,
    validations: validations.map((validation) => ({
      validation,
      expression: compileExpression(validation.expression, "bool", more),
      message: validation.messageExpression
        ? compileExpression(validation.messageExpression, "string", more, { authorizer: false })
        : undefined,
    })),
    annotations: auditAnnotations.map((annotation) => ({
      annotation,
      value: compileExpression(annotation.valueExpression, "text or null", more),
    })),
  };
}

/** A MutatingAdmissionPolicy. */
export interface MutatingPolicy extends PolicyBase {
  /** Also asked when another has changed the object after it. */
  readonly isReinvoked: boolean;
  readonly mutations: readonly CompiledMutation[];
}

export interface CompiledMutation {
  readonly patchType: "ApplyConfiguration" | "JSONPatch";
  readonly text: string;
  readonly expression: CompiledExpression;
}

export function compileMutating(policy: MutatingAdmissionPolicy): MutatingPolicy {
  const { base, more } = compileBase(policy);
  const { mutations = [], reinvocationPolicy } = policy.spec ?? {};
  return {
    ...base,
    isReinvoked: reinvocationPolicy === "IfNeeded",
    mutations: mutations.map(({ patchType, applyConfiguration, jsonPatch }) => {
      const isPatch = patchType === "JSONPatch";
      const text = (isPatch ? jsonPatch : applyConfiguration)?.expression ?? "";
      const expression = compileExpression(text, isPatch ? "list(JSONPatch)" : "Object", more);
      return { patchType: isPatch ? "JSONPatch" : "ApplyConfiguration", text, expression };
    }),
  };
}
