import type { Program } from "../../../cel/compile.ts";
import { type Environment, functionTable, type Meter } from "../../../cel/environment.ts";
import { untypedValue } from "../../../cel/json-values.ts";
import { kubernetesFunctions } from "../../../cel/library.ts";
import { type CelType, listOf, mapOf, types } from "../../../cel/types.ts";
import { CelList, CelMap, type Value } from "../../../cel/values.ts";
import type { User } from "../../filters/authentication.ts";
import type { Attributes as Wanted } from "../../filters/authorization.ts";
import type { Authorizer } from "../../filters/authorizer.ts";
import { isObject, type JsonObject } from "../../json.ts";
import { type AskedRequest, describedRequest, objectIn, type RequestForm } from "./asked-request.ts";
import {
  type Answered,
  authorizerFunctions,
  authorizerType,
  authorizerValue,
  type Questions,
  resourceCheckType,
  resourceCheckValue,
  Undecided,
} from "./authorizer-functions.ts";

/** What expressions about a request may name: object, oldObject, namespaceObject, request, authorizer and
 *  authorizer.requestResource; where there are parameters also params. */

const object = (name: string, fields: Readonly<Record<string, CelType>>): CelType => ({
  kind: "object",
  name: `kubernetes.${name}`,
  fields: new Map(Object.entries(fields)),
});
const texts = mapOf(types.string, types.string);

const groupKind = object("GroupVersionKind", {
  group: types.string,
  version: types.string,
  kind: types.string,
});
const groupResource = object("GroupVersionResource", {
  group: types.string,
  version: types.string,
  resource: types.string,
});
const userInfo = object("UserInfo", {
  username: types.string,
  uid: types.string,
  groups: listOf(types.string),
  extra: mapOf(types.string, listOf(types.string)),
});
export const requestType = object("AdmissionRequest", {
  kind: groupKind,
  resource: groupResource,
  subResource: types.string,
  requestKind: groupKind,
  requestResource: groupResource,
  requestSubResource: types.string,
  name: types.string,
  namespace: types.string,
  operation: types.string,
  userInfo,
  dryRun: types.bool,
  options: types.dyn,
});
export const namespaceType = object("Namespace", {
  metadata: object("NamespaceMetadata", {
    name: types.string,
    generateName: types.string,
    namespace: types.string,
    labels: texts,
    annotations: texts,
    UID: types.string,
    creationTimestamp: types.timestamp,
    deletionGracePeriodSeconds: types.int,
    deletionTimestamp: types.timestamp,
    generation: types.int,
    resourceVersion: types.string,
    finalizers: listOf(types.string),
  }),
  spec: object("NamespaceSpec", { finalizers: listOf(types.string) }),
  status: object("NamespaceStatus", {
    conditions: listOf(
      object("NamespaceCondition", {
        status: types.string,
        type: types.string,
        lastTransitionTime: types.timestamp,
        message: types.string,
        reason: types.string,
      }),
    ),
    phase: types.string,
  }),
});

const functions = functionTable([...kubernetesFunctions.values()].flat(), authorizerFunctions);

/** @param more Variables beside those of the request, such as `params`. */
export function requestEnvironment(more: Readonly<Record<string, CelType>> = {}): Environment {
  return {
    functions,
    variables: new Map<string, CelType>([
      ["object", types.dyn],
      ["oldObject", types.dyn],
      ["namespaceObject", namespaceType],
      ["request", requestType],
      ["authorizer", authorizerType],
      ["authorizer.requestResource", resourceCheckType],
      ...Object.entries(more),
    ]),
  };
}

/** The answers of an authorizer that expressions of one request have asked for so far. */
export class Answers implements Questions {
  readonly #known = new Map<string, Answered>();
  readonly #authorizer: Authorizer;

  constructor(authorizer: Authorizer) {
    this.#authorizer = authorizer;
  }

  ask(user: User, wanted: Wanted): Answered {
    const known = this.#known.get(keyOf(user, wanted));
    if (known === undefined) throw new Undecided(user, wanted);
    return known;
  }

  async find({ user, wanted }: Undecided): Promise<void> {
    const answer: Answered = await this.#authorizer(user, wanted).catch((error: unknown) => ({
      error: error instanceof Error ? error.message : String(error),
    }));
    this.#known.set(keyOf(user, wanted), answer);
  }
}

const keyOf = (user: User, wanted: Wanted) => JSON.stringify([user.name, user.groups, wanted]);

/** Runs the program, asking the authorizer as often as it wants to know something new: what it may cost in all bounds that.
 *  Throws what the program throws. */
export async function evaluateAsking(
  program: Program,
  variables: ReadonlyMap<string, Value>,
  { answers, meter }: { readonly answers: Answers; readonly meter: () => Meter },
): Promise<{ readonly value: Value; readonly cost: number }> {
  for (;;) {
    const own = meter();
    try {
      return { value: program.evaluate(variables, own), cost: own.spent };
    } catch (error) {
      if (!(error instanceof Undecided)) throw error;
      await answers.find(error);
    }
  }
}

export interface VariableFacts {
  readonly answers: Answers;
  /** The request's namespace; absent: expressions see none. */
  readonly namespace?: JsonObject;
}

/** The variables of a request as it looks in a group and version. */
export function requestVariables(
  asked: AskedRequest,
  form: RequestForm,
  { answers, namespace }: VariableFacts,
): Map<string, Value> {
  const { user, subresource, name } = asked;
  const own = {
    group: asked.form.group,
    plural: asked.form.plural,
    subresource,
    namespace: asked.namespace,
    name,
  };
  return new Map<string, Value>([
    ["object", untypedValue(objectIn(form, asked.object))],
    ["oldObject", untypedValue(objectIn(form, asked.old))],
    ["namespaceObject", namespace === undefined ? null : typedValue(namespaceType, namespace)],
    ["request", typedValue(requestType, describedRequest(asked, form))],
    ["authorizer", authorizerValue(user, answers)],
    ["authorizer.requestResource", resourceCheckValue(user, answers, own)],
  ]);
}

/** JSON by the type that its expressions were checked with. */
function typedValue(type: CelType, json: unknown): Value {
  if (type.kind === "object" && isObject(json)) {
    const map = new CelMap(type.name);
    for (const [field, inner] of type.fields)
      if (json[field] !== undefined) map.setLazy(field, () => typedValue(inner, json[field]));
    return map;
  }
  if (type.kind === "list" && Array.isArray(json))
    return new CelList(json.map((one) => typedValue(type.item, one)));
  return untypedValue(json);
}
