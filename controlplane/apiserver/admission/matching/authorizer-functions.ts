import { type Meter, method, type Overload } from "../../../cel/environment.ts";
import { opaque, types } from "../../../cel/types.ts";
import { CelError, Opaque, type Value } from "../../../cel/values.ts";
import type { User } from "../../filters/authentication.ts";
import { type Attributes, fixedFields, type ResourceAttributes } from "../../filters/authorization.ts";
import type { Decision } from "../../filters/authorizer.ts";
import { serviceAccountUser } from "../../filters/service-account-user.ts";

/** What a user may do, asked by an expression (Kubernetes' library of authorization). Expressions are evaluated at one go, and
 *  authorizers take their time: a question that has no answer yet ends the evaluation, to be begun anew with the answer. */

export type Answered = Decision | { readonly error: string };

export interface Questions {
  /** The answer, where it is there; else throws `Undecided`. */
  ask(user: User, wanted: Attributes): Answered;
}

/** No fault of the expression: the caller finds the answer and evaluates again. */
export class Undecided extends Error {
  readonly user: User;
  readonly wanted: Attributes;
  constructor(user: User, wanted: Attributes) {
    super("an authorizer has to be asked first");
    this.user = user;
    this.wanted = wanted;
  }
}

interface Asking<T> {
  readonly user: User;
  readonly questions: Questions;
  readonly about: T;
}

const name = (of: string) => `kubernetes.authorization.${of}`;
export const authorizerType = opaque(name("Authorizer"));
export const resourceCheckType = opaque(name("ResourceCheck"));
const pathCheckType = opaque(name("PathCheck"));
const groupCheckType = opaque(name("GroupCheck"));
const decisionType = opaque(name("Decision"));

const value = <T>(type: string, asking: T): Opaque =>
  new Opaque(name(type), asking, (other) => other.value === asking);

export function authorizerValue(user: User, questions: Questions): Opaque {
  return value("Authorizer", { user, questions, about: undefined });
}

export function resourceCheckValue(
  user: User,
  questions: Questions,
  about: Omit<ResourceAttributes, "verb">,
): Opaque {
  return value("ResourceCheck", { user, questions, about });
}

function asking<T>(of: Value | undefined): Asking<T> {
  if (!(of instanceof Opaque)) throw new CelError("no such overload");
  return of.value as Asking<T>;
}
const text = (of: Value | undefined) => String(of);

type Resource = Omit<ResourceAttributes, "verb">;
const narrowed =
  (field: keyof Resource): Overload["run"] =>
  (args) => {
    const { user, questions, about } = asking<Resource>(args[0]);
    return resourceCheckValue(user, questions, { ...about, [field]: text(args[1]) });
  };

/** What Kubernetes says that asking an authorizer costs. */
const checkCost = 350_000;

function decide(of: Asking<unknown>, wanted: Attributes, meter: Meter): Value {
  meter.spend(checkCost - 1);
  return value("Decision", of.questions.ask(of.user, wanted));
}

const decision = (of: Value | undefined) => (of instanceof Opaque ? (of.value as Answered) : { error: "" });

export const authorizerFunctions: readonly Overload[] = [
  method("path", [authorizerType, types.string], pathCheckType, ([of, path]) =>
    value("PathCheck", { ...asking(of), about: text(path) }),
  ),
  method("group", [authorizerType, types.string], groupCheckType, ([of, group]) =>
    value("GroupCheck", { ...asking(of), about: text(group) }),
  ),
  method(
    "serviceAccount",
    [authorizerType, types.string, types.string],
    authorizerType,
    ([of, namespace, account]) => {
      const user = serviceAccountUser({ namespace: text(namespace), name: text(account), uid: "" });
      return authorizerValue(user, asking(of).questions);
    },
  ),
  method("resource", [groupCheckType, types.string], resourceCheckType, ([of, plural]) => {
    const { user, questions, about } = asking<string>(of);
    return resourceCheckValue(user, questions, {
      group: about,
      plural: text(plural),
      subresource: "",
      namespace: "",
      name: "",
    });
  }),
  method("subresource", [resourceCheckType, types.string], resourceCheckType, narrowed("subresource")),
  method("namespace", [resourceCheckType, types.string], resourceCheckType, narrowed("namespace")),
  method("name", [resourceCheckType, types.string], resourceCheckType, narrowed("name")),
  method("fieldSelector", [resourceCheckType, types.string], resourceCheckType, ([of, selector]) => {
    const { user, questions, about } = asking<Resource>(of);
    return resourceCheckValue(user, questions, { ...about, fields: fixedFields(text(selector)) });
  }),
  // No authorizer here looks at labels: a check that names some is one that names none.
  method("labelSelector", [resourceCheckType, types.string], resourceCheckType, ([of]) => of ?? null),
  method("check", [pathCheckType, types.string], decisionType, ([of, verb], meter) =>
    decide(asking(of), { verb: text(verb), path: asking<string>(of).about }, meter),
  ),
  method("check", [resourceCheckType, types.string], decisionType, ([of, verb], meter) =>
    decide(asking(of), { ...asking<Resource>(of).about, verb: text(verb) }, meter),
  ),
  method("errored", [decisionType], types.bool, ([of]) => "error" in decision(of)),
  method("error", [decisionType], types.string, ([of]) => {
    const found = decision(of);
    return "error" in found ? found.error : "";
  }),
  method("allowed", [decisionType], types.bool, ([of]) => {
    const found = decision(of);
    return "allowed" in found && found.allowed;
  }),
  method("reason", [decisionType], types.string, ([of]) => {
    const found = decision(of);
    return "allowed" in found ? (found.reason ?? "") : "";
  }),
];
