import { dns1123Subdomain } from "../../../client/rules/names.ts";
import type { KubeObject } from "../../../client/types.ts";
import type { FieldError, Subresources, VersionRules } from "../registry/kind.ts";
import { validateMeta } from "../resources/meta.ts";
import type { DefinitionVersion } from "./definition.ts";
import type { JsonSchema } from "./json-schema.ts";
import { objectProblems } from "./object-problems.ts";
import { scaleOf, scaleSpecProblems, scaleStatusProblems } from "./scale-paths.ts";

/** What holds for objects that come in a version of a custom resource: each has its own schema and subresources. */

interface Judging extends Pick<DefinitionVersion, "subresources"> {
  readonly schema: JsonSchema;
  readonly namespaced: boolean;
  /** A stored object as it is judged. */
  readonly shown: (object: KubeObject) => object;
}

/** What a write through the version leaves as it is. */
export function doorRules({
  subresources,
}: Pick<DefinitionVersion, "subresources">): Pick<
  VersionRules,
  "prepareForCreate" | "prepareForUpdate" | "resets"
> {
  const hasStatus = subresources?.status !== undefined;
  return {
    ...(hasStatus && {
      prepareForCreate(object) {
        delete object.status;
      },
      prepareForUpdate(next, current) {
        if (current.status === undefined) delete next.status;
        else next.status = current.status;
      },
    }),
    resets: { "": hasStatus ? ["f:status"] : [], status: ["f:metadata", "f:spec"] },
  };
}

/** What is wrong with an object, in the version's eyes. */
export function judgeRules({
  subresources,
  schema,
  namespaced,
  shown,
}: Judging): Pick<VersionRules, "validate" | "validateCreate" | "validateUpdate" | "validateStatus"> {
  const { scale } = subresources ?? {};
  const scaleProblems = (object: KubeObject): readonly FieldError[] =>
    scale === undefined
      ? []
      : [...scaleSpecProblems(shown(object), scale), ...scaleStatusProblems(shown(object), scale)];
  return {
    validate: (object, context, current, part) =>
      objectProblems(shown(object), schema, current && shown(current), {
        part,
        ruleTimes: context?.ruleTimes,
        before: validateMeta(object.metadata, {
          namespaced,
          nameRule: dns1123Subdomain,
          plainFinalizers: true,
        }),
      }),
    validateCreate: scaleProblems,
    validateUpdate: scaleProblems,
    validateStatus: (next) => (scale === undefined ? [] : scaleStatusProblems(shown(next), scale)),
  };
}

export function subresourcesOf({ subresources }: Pick<DefinitionVersion, "subresources">): Subresources {
  const { status, scale } = subresources ?? {};
  return {
    ...(status !== undefined && { status: true }),
    ...(scale !== undefined && { scale: scaleOf(scale) }),
  };
}
