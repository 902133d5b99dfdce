import { badRequest } from "../api-error.ts";
import type { User } from "../filters/authentication.ts";
import { type Attributes, isAllowed } from "../filters/authorization.ts";
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
