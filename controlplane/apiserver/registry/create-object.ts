import { cloneJson } from "../../../base/clone-json.ts";
import type { KubeObject } from "../../../client/types.ts";
import type { Requester } from "../admission/admission.ts";
import { alreadyExists, badRequest, conflict, generateNameConflict, invalid } from "../api-error.ts";
import type { Kind } from "./kind.ts";
import { fillNewMeta, generatedName } from "./object-meta.ts";
import { putObject, type RegistryDeps, updateAttemptsMax } from "./registry-deps.ts";
import { objectKey } from "./stored-object.ts";

const generatedNameAttemptsMax = 8;

export interface CreateOptions {
  readonly dryRun: boolean;
  readonly by: Requester;
}

/** Stores a new object and returns it as stored. `input` is the server's to change; its types were checked.
 *  Fails with AlreadyExists, Invalid, or whatever admission says. */
export async function createObject(
  deps: RegistryDeps,
  kind: Kind,
  input: KubeObject,
  options: CreateOptions,
): Promise<KubeObject> {
  const { generateName } = input.metadata;
  if (input.metadata.resourceVersion !== "")
    throw badRequest("resourceVersion should not be set on objects to be created");
  const generates = input.metadata.name === "" && generateName !== undefined && generateName !== "";
  for (let attempt = 1; ; attempt++) {
    const object = generates ? cloneJson(input) : input;
    if (generates) object.metadata.name = generatedName(generateName, deps.random);
    await prepare(deps, kind, object, options.by);
    const created = await store(deps, kind, object, options);
    if (created !== undefined) return created;
    if (!generates) throw alreadyExists(kind, object.metadata.name);
    if (attempt >= generatedNameAttemptsMax) throw generateNameConflict(kind, object.metadata.name);
  }
}

async function prepare(deps: RegistryDeps, kind: Kind, object: KubeObject, by: Requester): Promise<void> {
  kind.applyDefaults(object);
  await deps.admit({ operation: "create", kind, object, by });
  kind.applyDefaults(object);
  // First, because jobs name their pods by their own uid.
  fillNewMeta(object, {
    random: deps.random,
    nowMs: deps.clock.wallMs(),
    hasGeneration: kind.hasGeneration ?? false,
  });
  kind.prepareForCreate?.(object);
  kind.dropDisabled?.(object);
  const problems = [...kind.validate(object, deps.facts), ...(kind.validateCreate?.(object) ?? [])];
  if (problems.length > 0) throw invalid(kind, object.metadata.name, problems);
}

/** `undefined` when the name is taken. */
async function store(
  deps: RegistryDeps,
  kind: Kind,
  object: KubeObject,
  options: { readonly dryRun: boolean },
): Promise<KubeObject | undefined> {
  const { name, namespace = "" } = object.metadata;
  const key = objectKey(kind, namespace, name);
  for (let attempt = 1; attempt <= updateAttemptsMax; attempt++) {
    const wanted = cloneJson(object);
    const claims = await deps.allocator.plan(kind, wanted, undefined);
    if (options.dryRun) {
      const { entry } = await deps.storage.get(key);
      return entry === undefined ? wanted : undefined;
    }
    const result = await deps.storage.commit({
      compare: [{ key, modRevision: 0 }, ...claims.compare],
      writes: [putObject(kind, key, wanted), ...claims.writes],
    });
    if (result.ok) {
      wanted.metadata.resourceVersion = String(result.revision);
      return wanted;
    }
    if (result.current[0] !== undefined) return undefined;
  }
  throw conflict(kind, name, "what it needs was taken by others again and again; please try again");
}
