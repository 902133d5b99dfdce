import type { KubeObject } from "../../../client/types.ts";
import { badRequest, invalid } from "../api-error.ts";
import { AuthenticationError } from "../authentication/authenticator.ts";
import type { User } from "../filters/authentication.ts";
import type { Attributes } from "../filters/authorization.ts";
import type { Authorizer, KnownRules } from "../filters/authorizer.ts";
import { serviceAccountGroups, serviceAccountOf } from "../filters/service-account-user.ts";
import { isObject, type JsonObject, objectOf, stringOf, stringsOf } from "../json.ts";
import { rfc3339 } from "../registry/object-meta.ts";
import { type AskedSelectors, askedSelectors } from "./asked-selectors.ts";
import { type Answer, type Call, type HandlerDeps, requesterOf } from "./call.ts";
import { readObject } from "./decode-body.ts";
import { recorderOf } from "./field-manager.ts";
import { isDryRun } from "./write-options.ts";

/** POST of a review: the question comes back with its status filled in. */
export async function review(call: Call, deps: HandlerDeps): Promise<Answer> {
  const { kind } = call.served;
  const dryRun = isDryRun(call.query);
  const asked = await readObject(call, deps.schemas);
  recorderOf(call, deps)(asked);
  const attributes = { operation: "create", object: asked, kind, by: requesterOf(call), dryRun } as const;
  await deps.admission.mutate(attributes);
  const problems = kind.validate(asked);
  // Kubernetes has forgotten the kind's name by then.
  if (problems.length > 0) throw invalid({ group: kind.group, kind: "" }, "", problems);
  await deps.admission.validate(attributes);
  const status = await answers[kind.kind]?.(asked, call, deps);
  if (status === undefined) throw new Error(`nothing answers a ${kind.kind}`);
  const shown = shownQuestion(asked, rfc3339(deps.clock.wallMs()));
  return {
    type: "review",
    code: 201,
    body: { kind: kind.kind, apiVersion: asked.apiVersion, ...shown, status },
  };
}

/** As Kubernetes gives it back: who asks about oneself is told the time instead, and of rules the answer alone. */
function shownQuestion({ kind, metadata, spec }: KubeObject, now: string): JsonObject {
  if (kind === "SelfSubjectReview") return { metadata: { creationTimestamp: now } };
  if (kind === "SelfSubjectRulesReview") return { metadata: {}, spec: {} };
  const set = Object.entries(metadata).filter(([, value]) => value !== "" && value !== undefined);
  return { metadata: Object.fromEntries(set), spec };
}

type Answering = (
  asked: KubeObject,
  call: Pick<Call, "user" | "warn">,
  deps: Pick<HandlerDeps, "authorizer" | "rulesFor" | "gate">,
) => Promise<JsonObject> | JsonObject;

const answers: Readonly<Record<string, Answering>> = {
  SelfSubjectReview: (_, { user }) => ({ userInfo: userInfo(user) }),
  TokenReview: tokenStatus,
  SelfSubjectAccessReview: (asked, { user }, { authorizer }) => accessStatus(asked, user, authorizer),
  SubjectAccessReview: (asked, _, { authorizer }) =>
    accessStatus(asked, subjectOf(objectOf(asked.spec)), authorizer),
  LocalSubjectAccessReview: (asked, _, { authorizer }) =>
    accessStatus(asked, subjectOf(objectOf(asked.spec)), authorizer),
  SelfSubjectRulesReview: async (asked, { user }, { rulesFor }) => {
    const namespace = stringOf(objectOf(asked.spec).namespace);
    if (namespace === "") throw badRequest("no namespace on request");
    return rulesStatus(await rulesFor(user, namespace));
  },
};

function userInfo({ name, uid, groups, extra }: User): JsonObject {
  return { username: name, ...(uid !== undefined && { uid }), groups, ...(extra && { extra }) };
}

/** Who a token is of, asked of the same authenticators that know the senders of requests. */
async function tokenStatus(
  asked: KubeObject,
  { warn }: Pick<Call, "warn">,
  { gate }: Pick<HandlerDeps, "gate">,
): Promise<JsonObject> {
  const spec = objectOf(asked.spec);
  const token = stringOf(spec.token);
  if (token === "") throw badRequest("token is required for TokenReview in authentication");
  const wanted = stringsOf(spec.audiences);
  const audiences = wanted.length > 0 ? wanted : gate.audiences;
  const authorization = Buffer.from(`Bearer ${token}`).toString("latin1");
  const headers = { authorization };
  try {
    const evidence = { headers, rawHeaders: [], certificate: undefined, audiences, warn };
    const found = await gate.authenticate(evidence);
    if (found === undefined) return { user: {} };
    const named = found.audiences.length > 0 && { audiences: found.audiences };
    return { authenticated: true, user: userInfo(found.user), ...named };
  } catch (error) {
    if (!(error instanceof AuthenticationError)) throw error;
    return { user: {}, error: error.message };
  }
}

/** The user a review is about. A service account named without groups has those it asks with. */
function subjectOf(spec: JsonObject): User {
  const name = stringOf(spec.user);
  const groups = stringsOf(spec.groups);
  const account = groups.length === 0 ? serviceAccountOf(name) : undefined;
  const implied = account && [...serviceAccountGroups(account.namespace), "system:authenticated"];
  return { name, groups: implied ?? groups };
}

async function accessStatus(asked: KubeObject, user: User, authorizer: Authorizer): Promise<JsonObject> {
  const spec = objectOf(asked.spec);
  const { fields, evaluationError } = askedSelectors(objectOf(spec.resourceAttributes));
  const { allowed, reason } = await authorizer(user, wantedBy(spec, fields));
  return {
    allowed,
    ...(reason !== undefined && { reason }),
    ...(evaluationError !== "" && { evaluationError }),
  };
}

function wantedBy(
  { resourceAttributes, nonResourceAttributes }: JsonObject,
  fields: AskedSelectors["fields"],
): Attributes {
  if (isObject(nonResourceAttributes))
    return { verb: stringOf(nonResourceAttributes.verb), path: stringOf(nonResourceAttributes.path) };
  const attributes = objectOf(resourceAttributes);
  const field = (name: string) => stringOf(attributes[name]);
  return {
    verb: field("verb"),
    group: field("group"),
    plural: field("resource"),
    subresource: field("subresource"),
    namespace: field("namespace"),
    name: field("name"),
    ...(fields && { fields }),
  };
}

function rulesStatus({ rules, incomplete, problems }: KnownRules): JsonObject {
  const resourceRules = rules
    .filter(({ resources = [] }) => resources.length > 0)
    .map(({ verbs, apiGroups, resources, resourceNames }) => ({
      verbs,
      apiGroups,
      resources,
      ...(resourceNames && { resourceNames }),
    }));
  const nonResourceRules = rules
    .filter(({ nonResourceURLs = [] }) => nonResourceURLs.length > 0)
    .map(({ verbs, nonResourceURLs }) => ({ verbs, nonResourceURLs }));
  const [problem = ""] = problems;
  const evaluationError = problems.length > 1 ? `[${problems.join(", ")}]` : problem;
  return { resourceRules, nonResourceRules, incomplete, ...(evaluationError !== "" && { evaluationError }) };
}
