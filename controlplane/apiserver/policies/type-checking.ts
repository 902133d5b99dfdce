import type { ParamKind, ValidatingAdmissionPolicy, Variable } from "../../../client/types.ts";
import { compile } from "../../cel/compile.ts";
import type { Environment } from "../../cel/environment.ts";
import { type CelType, types } from "../../cel/types.ts";
import type { Rule } from "../admission/matching/rules.ts";
import { requestEnvironment } from "../admission/matching/variables.ts";
import { compileVariables, variablesType } from "./expressions.ts";

/** Whether the expressions of a policy can be right of the kinds that it is for, as far as schemas tell (k8s.io/apiserver's
 *  validating.TypeChecker, in its words). Pure. */

export interface CheckedKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

export interface KindTypes {
  /** The kinds of a resource, which may be named in the singular too; of the core group: those of every group. */
  readonly kindsOf: (group: string, version: string, resource: string) => readonly CheckedKind[];
  /** What expressions see of a kind; undefined: its schema is not known. */
  readonly typeOf: (kind: CheckedKind) => CelType | undefined;
}

export interface TypeWarning {
  readonly fieldRef: string;
  readonly warning: string;
}

export function typeWarnings(policy: ValidatingAdmissionPolicy, known: KindTypes): readonly TypeWarning[] {
  const { matchConstraints, validations = [], variables = [], paramKind } = policy.spec ?? {};
  const kinds = checkedKinds(matchConstraints?.resourceRules ?? [], known).flatMap((kind) => {
    const type = known.typeOf(kind);
    return type === undefined
      ? []
      : [{ kind, environment: environmentOf(type, { paramKind, variables, known }) }];
  });
  const check = (expression: string, fieldRef: string): readonly TypeWarning[] => {
    const problems = kinds.flatMap(({ kind, environment }) => {
      const problem = typeProblem(expression, environment);
      const { group, version, kind: name } = kind;
      return problem === undefined ? [] : [`${group}/${version}, Kind=${name}: ${problem}\n`];
    });
    return problems.length === 0 ? [] : [{ fieldRef, warning: problems.join("\n") }];
  };
  return validations.flatMap(({ expression, messageExpression }, index) => [
    ...check(expression, `spec.validations[${index}].expression`),
    ...(messageExpression ? check(messageExpression, `spec.validations[${index}].messageExpression`) : []),
  ]);
}

interface EnvironmentParts {
  readonly paramKind: ParamKind | undefined;
  readonly variables: readonly Variable[];
  readonly known: KindTypes;
}

function environmentOf(object: CelType, { paramKind, variables, known }: EnvironmentParts): Environment {
  const more: Record<string, CelType> = { object, oldObject: object };
  if (paramKind !== undefined) more.params = paramType(paramKind, known);
  const { functions, variables: named } = requestEnvironment({
    ...more,
    variables: variablesType(compileVariables(variables, more)),
  });
  const own = new Map(named);
  // Kubernetes' checker does not know it.
  own.delete("authorizer.requestResource");
  return { functions, variables: own };
}

function paramType({ apiVersion = "", kind = "" }: ParamKind, known: KindTypes): CelType {
  const [version = "", group = ""] = apiVersion.split("/").reverse();
  return known.typeOf({ group, version, kind }) ?? types.dyn;
}

const refusedByCompiler = "compilation failed: ";

/** What cannot be of these types. What an expression comes to is not looked at. */
function typeProblem(expression: string, environment: Environment): string | undefined {
  const compiled = compile(expression, environment);
  if ("program" in compiled || !compiled.problem.startsWith(refusedByCompiler)) return undefined;
  return compiled.problem.slice(refusedByCompiler.length);
}

const kindsPerRuleMax = 10;

/** By group, version and kind. Rules that name all groups or versions, and subresources, are passed over. */
function checkedKinds(rules: readonly Rule[], known: KindTypes): readonly CheckedKind[] {
  const found = new Map<string, CheckedKind>();
  for (const { apiGroups = [], apiVersions = [], resources = [] } of rules) {
    if ([...apiGroups, ...apiVersions].some((name) => name.includes("*"))) continue;
    const whole = resources.filter((name) => !/[*/]/.test(name));
    let count = 0;
    for (const group of [...apiGroups].sort())
      for (const version of [...apiVersions].sort())
        for (const resource of [...whole].sort())
          for (const kind of known.kindsOf(group, version, resource)) {
            found.set([kind.group, kind.version, kind.kind].join("\0"), kind);
            if (++count === kindsPerRuleMax) return sorted(found);
          }
  }
  return sorted(found);
}

/** The separator comes before all that names are made of. */
function sorted(kinds: ReadonlyMap<string, CheckedKind>): readonly CheckedKind[] {
  return [...kinds].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, kind]) => kind);
}
