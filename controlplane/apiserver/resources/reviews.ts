import type { KubeObject } from "../../../client/types.ts";
import { type JsonObject, listOf, objectOf, stringOf } from "../json.ts";
import type { FieldError, Kind } from "../registry/kind.ts";
import { GoForm } from "../schema/go-form.ts";
import { typeOf } from "../schema/load.ts";
import { invalid } from "./field-errors.ts";
import { selectorProblems } from "./review-selectors.ts";

/** Questions about oneself and about access: they are answered, never stored. */

export const selfSubjectReviews = review({
  group: "authentication.k8s.io",
  kind: "SelfSubjectReview",
  validate: () => [],
});
export const selfSubjectAccessReviews = review({
  group: "authorization.k8s.io",
  kind: "SelfSubjectAccessReview",
  validate: (asked) => [
    ...attributeProblems(objectOf(asked.spec)),
    ...selectorProblems(attributesOf(asked)),
    ...metadataProblems(asked),
  ],
});
export const selfSubjectRulesReviews = review({
  group: "authorization.k8s.io",
  kind: "SelfSubjectRulesReview",
  validate: () => [],
});
export const subjectAccessReviews = review({
  group: "authorization.k8s.io",
  kind: "SubjectAccessReview",
  validate: (asked) => [...subjectProblems(objectOf(asked.spec)), ...metadataProblems(asked)],
});
export const localSubjectAccessReviews = review({
  group: "authorization.k8s.io",
  kind: "LocalSubjectAccessReview",
  namespaced: true,
  validate: (asked) => [...subjectProblems(objectOf(asked.spec)), ...localProblems(asked)],
});

export const tokenReviews = review({
  group: "authentication.k8s.io",
  kind: "TokenReview",
  validate: () => [],
});

interface ReviewRow {
  readonly group: string;
  readonly kind: string;
  readonly namespaced?: boolean;
  readonly validate: (asked: KubeObject) => readonly FieldError[];
}

function review({ group, kind, namespaced = false, validate }: ReviewRow): Kind {
  return {
    group,
    version: "v1",
    kind,
    plural: `${kind.toLowerCase()}s`,
    singular: kind.toLowerCase(),
    shortNames: [],
    categories: [],
    namespaced,
    verbs: ["create"],
    subresources: {},
    isReview: true,
    applyDefaults: () => {},
    validate,
    columns: [],
    cells: () => [],
  };
}

function attributeProblems({ resourceAttributes, nonResourceAttributes }: JsonObject): readonly FieldError[] {
  if (resourceAttributes !== undefined && nonResourceAttributes !== undefined)
    return [
      invalid(
        "spec.nonResourceAttributes",
        new GoForm("authorization.NonResourceAttributes", nonResourceAttributes),
        "cannot be specified in combination with resourceAttributes",
      ),
    ];
  if (resourceAttributes === undefined && nonResourceAttributes === undefined)
    return [
      invalid(
        "spec.resourceAttributes",
        null,
        "exactly one of nonResourceAttributes or resourceAttributes must be specified",
      ),
    ];
  return [];
}

function subjectProblems(spec: JsonObject): readonly FieldError[] {
  const hasSubject = stringOf(spec.user) !== "" || listOf(spec.groups).length > 0;
  return [
    ...attributeProblems(spec),
    ...(hasSubject ? [] : [invalid("spec.user", "", "at least one of user or group must be specified")]),
    ...selectorProblems(objectOf(spec.resourceAttributes)),
  ];
}

const attributesOf = ({ spec }: KubeObject): JsonObject => objectOf(objectOf(spec).resourceAttributes);

/** In the order in which Go writes it. */
function setMetadata({ metadata }: KubeObject, except: string): JsonObject {
  const said: JsonObject = { ...metadata };
  const names = Object.keys(typeOf("V1ObjectMeta")?.fields ?? {});
  const set = names.filter((name) => name !== except && said[name] !== undefined && said[name] !== "");
  return Object.fromEntries(set.map((name) => [name, said[name]]));
}

/** Who asked stands there as well, once there is something else to complain of. */
const isSet = (asked: KubeObject, except: string) =>
  Object.keys(setMetadata(asked, except)).some((name) => name !== "managedFields");

function metadataProblems(asked: KubeObject): readonly FieldError[] {
  return isSet(asked, "") ? [invalid("metadata", setMetadata(asked, ""), "must be empty")] : [];
}

function localProblems(asked: KubeObject): readonly FieldError[] {
  const { resourceAttributes, nonResourceAttributes } = objectOf(asked.spec);
  const problems: FieldError[] = [];
  if (isSet(asked, "namespace"))
    problems.push(invalid("metadata", setMetadata(asked, ""), "must be empty except for namespace"));
  const namespace = stringOf(objectOf(resourceAttributes).namespace);
  if (resourceAttributes !== undefined && namespace !== asked.metadata.namespace)
    problems.push(invalid("spec.resourceAttributes.namespace", namespace, "must match metadata.namespace"));
  if (nonResourceAttributes !== undefined)
    problems.push(
      invalid(
        "spec.nonResourceAttributes",
        new GoForm("authorization.NonResourceAttributes", nonResourceAttributes),
        "disallowed on this kind of request",
      ),
    );
  return problems;
}
