import type { FlowSchema, KubeObject } from "../../../client/types.ts";
import { ApiError } from "../api-error.ts";
import { type JsonObject, toKubeObject } from "../json.ts";
import type { NewObject } from "../registry/create-missing.ts";
import { createObject } from "../registry/create-object.ts";
import type { Kind } from "../registry/kind.ts";
import { rfc3339 } from "../registry/object-meta.ts";
import { type RegistryDeps, serverRequester } from "../registry/registry-deps.ts";
import { removeObject } from "../registry/remove-object.ts";
import { objectKey } from "../registry/stored-object.ts";
import { updateObject } from "../registry/update-object.ts";
import { sameValue } from "../schema/same-value.ts";
import { danglingCondition, danglingManager } from "./dangling.ts";
import {
  autoupdateAnnotation,
  flowGroup,
  type Suggestion,
  suggestedLevels,
  suggestedSchemas,
} from "./suggested-objects.ts";

/** Keeps the mandatory and the suggested objects of priority and fairness: those that are missing are made, the specs of those that
 *  nobody took charge of are kept as they are suggested. */

type AnySuggestion = Suggestion<unknown>;

const sets: readonly {
  readonly plural: string;
  readonly name: string;
  readonly all: readonly AnySuggestion[];
}[] = [
  { plural: "prioritylevelconfigurations", name: "PriorityLevelConfiguration", all: suggestedLevels },
  { plural: "flowschemas", name: "FlowSchema", all: suggestedSchemas },
];

/** What a new cluster begins with; the schemas' levels come with them, which their status says. */
export function suggestedObjects({ kinds, clock }: RegistryDeps): NewObject[] {
  const lastTransitionTime = rfc3339(clock.wallMs());
  const levels = new Set(suggestedLevels.map(({ name }) => name));
  const statusOf = (object: KubeObject) => {
    if (object.kind !== "FlowSchema") return {};
    const condition = danglingCondition(object as unknown as FlowSchema, levels);
    return {
      applied: { manager: danglingManager, status: { conditions: [{ ...condition, lastTransitionTime }] } },
    };
  };
  return sets.flatMap(({ plural, name, all }) => {
    const kind = kinds.named(flowGroup, plural)?.kind;
    return kind === undefined
      ? []
      : all.map((one) => {
          const object = objectOf(name, one);
          return { kind, object, ...statusOf(object) };
        });
  });
}

function objectOf(kind: string, { name, spec }: AnySuggestion): KubeObject {
  const annotations = { [autoupdateAnnotation]: "true" };
  const object: JsonObject = {
    apiVersion: `${flowGroup}/v1`,
    kind,
    metadata: { name, annotations },
    spec: structuredClone(spec),
  };
  return toKubeObject(object);
}

/** Puts right what is there. What somebody else does at the same time is looked at next time. */
export async function keepSuggested(deps: RegistryDeps): Promise<void> {
  for (const { plural, name, all } of sets) {
    const kind = deps.kinds.named(flowGroup, plural)?.kind;
    if (kind === undefined) continue;
    const cache = await deps.hub.cache(kind);
    for (const one of all) {
      const there = cache.get(objectKey(kind, "", one.name))?.object;
      if (there === undefined)
        await quietly(createObject(deps, kind, objectOf(name, one), { dryRun: false, by }));
      else if (revised(there, one) !== undefined) await quietly(revise(deps, kind, one));
    }
    for (const { object } of cache.list(cache.prefix))
      if (isUnwanted(object, all))
        await quietly(
          removeObject(deps, kind, { name: object.metadata.name, namespace: "" }, { dryRun: false, by }),
        );
  }
}

const by = serverRequester;

function revise(deps: RegistryDeps, kind: Kind, suggestion: AnySuggestion): Promise<unknown> {
  const change = (current: KubeObject) => revised(current, suggestion) ?? current;
  const address = { namespace: "", name: suggestion.name };
  return updateObject(deps, kind, address, change, { dryRun: false, via: "object", by });
}

/** The object as it should be; `undefined` where it is so. Pure. */
export function revised(object: KubeObject, { spec, isMandatory }: AnySuggestion): KubeObject | undefined {
  const said = boolean(object.metadata.annotations?.[autoupdateAnnotation]);
  // Nobody has said anything, and nobody has changed it since it was made.
  const updates = isMandatory || (said ?? object.metadata.generation === 1);
  const specs = !updates || sameSpec(object.spec, spec);
  if (specs && said === updates) return undefined;
  const annotations = { ...object.metadata.annotations, [autoupdateAnnotation]: String(updates) };
  return {
    ...object,
    metadata: { ...object.metadata, annotations },
    ...(!specs && { spec: structuredClone(spec) }),
  };
}

/** The exempt level's shares and lending are an administrator's to set. */
function sameSpec(there: unknown, wanted: unknown): boolean {
  const isExempt = (wanted as { type?: string }).type === "Exempt";
  const bare = (spec: unknown) => (isExempt ? { ...(spec as object), exempt: undefined } : spec);
  return sameValue(bare(there), bare(wanted));
}

/** Servers of another version may have suggested more. */
function isUnwanted({ metadata }: KubeObject, all: readonly AnySuggestion[]): boolean {
  return (
    !all.some(({ name }) => name === metadata.name) &&
    boolean(metadata.annotations?.[autoupdateAnnotation]) === true
  );
}

/** Go's reading of a truth; `undefined` for what is none. */
function boolean(text: string | undefined): boolean | undefined {
  if (/^(1|t|T|TRUE|true|True)$/.test(text ?? "")) return true;
  return /^(0|f|F|FALSE|false|False)$/.test(text ?? "") ? false : undefined;
}

async function quietly(write: Promise<unknown>): Promise<void> {
  try {
    await write;
  } catch (error) {
    if (!(error instanceof ApiError && ["AlreadyExists", "Conflict", "NotFound"].includes(error.reason)))
      throw error;
  }
}
