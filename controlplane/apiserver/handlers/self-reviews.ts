import { badRequest } from "../api-error.ts";
import type { AccessRule } from "../filters/access-rules.ts";
import type { User } from "../filters/authentication.ts";
import { type Attributes, isAllowed, rulesOf } from "../filters/authorization.ts";
import { isObject, type JsonObject, objectOf, stringOf } from "../json.ts";

/** Questions about oneself and about access: they are answered, not stored. */
export const reviewKinds = [
  { group: "authentication.k8s.io", version: "v1", plural: "selfsubjectreviews", kind: "SelfSubjectReview" },
  {
    group: "authorization.k8s.io",
    version: "v1",
    plural: "selfsubjectaccessreviews",
    kind: "SelfSubjectAccessReview",
  },
  {
    group: "authorization.k8s.io",
    version: "v1",
    plural: "subjectaccessreviews",
    kind: "SubjectAccessReview",
  },
  {
    group: "authorization.k8s.io",
    version: "v1",
    plural: "selfsubjectrulesreviews",
    kind: "SelfSubjectRulesReview",
  },
] as const;

export type ReviewPlural = (typeof reviewKinds)[number]["plural"];

export function reviewKind(group: string, version: string, plural: string): ReviewPlural | undefined {
  return reviewKinds.find((one) => one.group === group && one.version === version && one.plural === plural)
    ?.plural;
}

/** The review with its status filled in. Pure. Fails with BadRequest. */
export function answerReview(plural: ReviewPlural, review: JsonObject, user: User): JsonObject {
  const metadata = { creationTimestamp: null, ...objectOf(review.metadata) };
  switch (plural) {
    case "selfsubjectreviews": {
      const userInfo = { username: user.name, groups: user.groups };
      return {
        kind: "SelfSubjectReview",
        apiVersion: "authentication.k8s.io/v1",
        metadata,
        status: { userInfo },
      };
    }
    case "selfsubjectaccessreviews":
      return { ...review, metadata, status: accessStatus(review, user) };
    case "selfsubjectrulesreviews":
      return {
        ...review,
        metadata,
        status: rulesStatus(rulesOf(user), stringOf(objectOf(review.spec).namespace)),
      };
    case "subjectaccessreviews": {
      const spec = objectOf(review.spec);
      const groups = Array.isArray(spec.groups) ? spec.groups.filter((one) => typeof one === "string") : [];
      return { ...review, metadata, status: accessStatus(review, { name: stringOf(spec.user), groups }) };
    }
  }
}

function accessStatus(review: JsonObject, user: User): JsonObject {
  const allowed = isAllowed(user, wantedBy(objectOf(review.spec)));
  return allowed ? { allowed, reason: "" } : { allowed, reason: "no rule allows it" };
}

function wantedBy({ resourceAttributes, nonResourceAttributes }: JsonObject): Attributes {
  if (isObject(nonResourceAttributes))
    return { verb: stringOf(nonResourceAttributes.verb), path: stringOf(nonResourceAttributes.path) };
  if (!isObject(resourceAttributes))
    throw badRequest("spec: one of resourceAttributes and nonResourceAttributes is required");
  const field = (name: string) => stringOf(resourceAttributes[name]);
  return {
    verb: field("verb"),
    group: field("group"),
    plural: field("resource"),
    subresource: field("subresource"),
    namespace: field("namespace"),
    name: field("name"),
  };
}

function rulesStatus(rules: readonly AccessRule[], namespace: string): JsonObject {
  const here = rules.filter((rule) => rule.namespaces === undefined || rule.namespaces.includes(namespace));
  const resourceRules = here
    .filter((rule) => rule.resources !== undefined)
    .map(({ verbs, groups = [""], resources, names }) => ({
      verbs,
      apiGroups: groups,
      resources,
      ...(names && { resourceNames: names }),
    }));
  const nonResourceRules = here
    .filter((rule) => rule.paths !== undefined)
    .map(({ verbs, paths }) => ({ verbs, nonResourceURLs: paths }));
  return { resourceRules, nonResourceRules, incomplete: false };
}
