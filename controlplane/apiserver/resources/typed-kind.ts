import type { KubeObject } from "../../../client/types.ts";
import type { User } from "../filters/authentication.ts";
import type { Cell, FieldError, Kind, Part, Subresources, ValidationContext } from "../registry/kind.ts";
import { normalizeObject } from "../schema/normalize.ts";
import { describedColumns } from "./column-descriptions.ts";
import { type NameRule, problemsOfChange, validateMeta } from "./meta.ts";
import { metaChecksOf, takesPlainFinalizers } from "./meta-checks.ts";

/** A kind written against its own type. Metadata is checked for it. */
export interface TypedKind<T>
  extends Omit<
    Kind,
    | "applyDefaults"
    | "prepareForCreate"
    | "prepareForUpdate"
    | "prepareForStatus"
    | "dropDisabled"
    | "validate"
    | "validateChanged"
    | "validateCreate"
    | "validateUpdate"
    | "validateStatus"
    | "warnings"
    | "earlyWarnings"
    | "selectableFields"
    | "cells"
    | "gracePeriodSeconds"
    | "subresources"
  > {
  readonly nameRule: NameRule;
  /** The rule for the name of a new object, where it is one about what the object says. */
  readonly nameRuleOf?: (object: T) => NameRule;
  /** What a made-up name begins with is not judged but as part of the name. */
  readonly prefixIsFree?: true;
  /** The metadata of a new object is judged only where the rest of it is well. */
  readonly metadataLast?: true;
  /** Said of kinds without a spec. */
  readonly hasSpec?: false;
  readonly applyDefaults: (object: T) => void;
  readonly prepareForCreate?: (object: T, user?: User) => void;
  readonly prepareForUpdate?: (next: T, current: T) => void;
  readonly prepareForStatus?: (next: T, current: T, now: string) => void;
  readonly dropDisabled?: (next: T, current?: T, context?: ValidationContext) => void;
  readonly validate: (
    object: T,
    context?: ValidationContext,
    current?: T,
    part?: "status",
  ) => readonly FieldError[];
  readonly validateCreate?: (object: T) => readonly FieldError[];
  readonly validateUpdate?: (next: T, current: T) => readonly FieldError[];
  readonly validateStatus?: (next: T, current: T) => readonly FieldError[];
  readonly warnings?: (next: T, current?: T) => readonly string[];
  readonly earlyWarnings?: (object: T) => readonly string[];
  readonly selectableFields?: (object: T) => Readonly<Record<string, string>>;
  readonly cells: (object: T, nowMs: number) => readonly Cell[];
  readonly gracePeriodSeconds?: (object: T, askedSeconds: number | undefined) => number;
  readonly subresources: Omit<Subresources, "scale"> & { readonly scale?: TypedScale<T> };
}

export interface TypedPart<T> {
  readonly take: (current: T, wanted: T) => T;
  readonly validate: (next: T, current: T) => readonly FieldError[];
}

/** Hides the type, as `kindOf` does and for the same reason. */
export function typedPart<T>(part: TypedPart<T>): Part {
  return part as unknown as Part;
}

export interface TypedScale<T> {
  readonly replicas: (object: T) => number;
  readonly setReplicas: (object: T, replicas: number) => void;
  readonly path?: readonly string[];
  readonly currentReplicas: (object: T) => number;
  readonly selector: (object: T) => string;
}

/** Hides the type. Sound because the registry hands a kind only objects of that kind whose field types were checked
 *  against the schema first; this is the one place that relies on it. */
export function kindOf<T>(typed: TypedKind<T>): Kind {
  const { nameRule, nameRuleOf, prefixIsFree, metadataLast, hasSpec, ...row } = typed;
  const erased = row as unknown as Kind;
  const { namespaced } = typed;
  const ofNew = {
    namespaced,
    nameRule,
    plainFinalizers: takesPlainFinalizers(typed.kind),
    ...(prefixIsFree && { prefixIsFree }),
  };
  return {
    ...erased,
    columns: describedColumns(typed.kind, typed.columns),
    applyDefaults: (object: KubeObject) => {
      normalizeObject(object);
      // A kind that has a spec has one even where the manifest leaves it out.
      if (hasSpec !== false) object.spec ??= {};
      erased.applyDefaults(object);
    },
    validate: (object: KubeObject, context?: ValidationContext, current?: KubeObject, part?: "status") => {
      const problems = erased.validate(object, context, current, part);
      if (current !== undefined || (metadataLast && problems.length > 0)) return problems;
      const named = { ...ofNew, ...(nameRuleOf && { nameRule: nameRuleOf(object as T) }) };
      return [...validateMeta(object.metadata, named), ...problems];
    },
    validateChanged: ({ metadata }, { via, kept, rules }) =>
      problemsOfChange(metadata, {
        ...{ namespaced, nameRule, kept, rules },
        checks: metaChecksOf(typed.kind, via),
      }),
  };
}
