import type { Value } from "../../cel/values.ts";
import { type AskedRequest, preparedForm, type RequestForm } from "../admission/matching/asked-request.ts";
import { type Answers, requestVariables } from "../admission/matching/variables.ts";
import { type LookupDeps, storedObject } from "../admission/stored-lookup.ts";
import { ApiError } from "../api-error.ts";
import type { JsonObject } from "../json.ts";
import type { ServedKind } from "../registry/kind-table.ts";
import { targetForm } from "./matching.ts";
import { BindingError, paramsOf, servedParams } from "./params.ts";
import type { PolicyBase, PolicySource } from "./policy.ts";
import type { Binding, BoundPolicy, PolicyIndex } from "./policy-index.ts";

/** A policy, asked through a binding with one set of params; or why it cannot be. */
export interface Invocation<P extends PolicyBase> {
  readonly policy: P;
  readonly binding: Binding;
  readonly form: RequestForm;
  readonly params: JsonObject | undefined;
}

export interface Misfit<P extends PolicyBase> {
  readonly policy: P;
  readonly binding?: Binding | undefined;
  readonly misfit: string;
}

/** Everything that a request meets, policy by policy; what cannot be asked counts unless the policy ignores failures. */
export async function invocationsFor<S extends PolicySource, P extends PolicyBase>(
  deps: LookupDeps,
  index: PolicyIndex<S, P>,
  asked: AskedRequest,
): Promise<readonly (Invocation<P> | Misfit<P>)[]> {
  const plurals = new Set([asked.form, ...asked.equivalents].map(({ plural }) => plural));
  const found: (Invocation<P> | Misfit<P>)[] = [];
  for (const bound of index.for(plurals)) found.push(...(await invocationsOf(deps, bound, asked)));
  return found;
}

async function invocationsOf<P extends PolicyBase>(
  deps: LookupDeps,
  { policy, bindings }: BoundPolicy<P>,
  asked: AskedRequest,
): Promise<readonly (Invocation<P> | Misfit<P>)[]> {
  const found: (Invocation<P> | Misfit<P>)[] = [];
  const misfit = (error: unknown, binding?: Binding) => {
    if (!(error instanceof BindingError || error instanceof ApiError)) throw error;
    const what = binding === undefined ? "policy" : "binding";
    if (policy.failurePolicy !== "Ignore")
      found.push({ policy, binding, misfit: `failed to configure ${what}: ${error.message}` });
  };
  let form: RequestForm | undefined;
  let kind: ServedKind | undefined;
  try {
    form = await targetForm(deps, policy.target, asked);
    if (form === undefined) return [];
    kind = servedParams(deps, policy.paramKind);
  } catch (error) {
    misfit(error);
    return found;
  }
  for (const binding of bindings) {
    try {
      if ((await targetForm(deps, binding.target, asked)) === undefined) continue;
      const objects = await paramsOf(deps, kind, binding.binding.spec?.paramRef, asked.namespace);
      for (const params of objects) found.push({ policy, binding, form, params });
    } catch (error) {
      misfit(error, binding);
    }
  }
  return found;
}

/** What expressions see of the request in a form. */
export async function variablesIn(
  deps: LookupDeps,
  asked: AskedRequest,
  form: RequestForm,
  answers: Answers,
): Promise<Map<string, Value>> {
  // A Namespace is in none here.
  const isNamespace = asked.form.group === "" && asked.form.plural === "namespaces";
  const name = isNamespace ? "" : asked.namespace;
  const namespace =
    name === ""
      ? undefined
      : await storedObject(deps, { group: "", plural: "namespaces", namespace: "", name });
  return requestVariables(asked, await preparedForm(form, asked), {
    answers,
    ...(namespace !== undefined && { namespace: namespace as unknown as JsonObject }),
  });
}
