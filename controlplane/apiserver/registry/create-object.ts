import { cloneJson } from "../../../base/clone-json.ts";
import type { KubeObject } from "../../../client/types.ts";
import type { Requester } from "../admission/admission.ts";
import {
  alreadyExists,
  badRequest,
  conflict,
  generateNameConflict,
  invalid,
  unknownError,
} from "../api-error.ts";
import type { Kind } from "./kind.ts";
import { rulesOf } from "./kind-table.ts";
import { dropDeletion, fillNewMeta, generatedName } from "./object-meta.ts";
import { type RegistryDeps, serverRequester, updateAttemptsMax } from "./registry-deps.ts";
import type { StoredEntry } from "./storage.ts";
import { storeObject } from "./store-object.ts";
import { decodeStored, objectKey } from "./stored-object.ts";

const generatedNameAttemptsMax = 8;

export interface CreateOptions {
  readonly dryRun: boolean;
  readonly by: Requester;
  /** Notes in the object who made it, once its defaults are filled in; mutates. */
  readonly record?: (object: KubeObject) => void;
  /** The write would have changed the object if it had been there: what it says of a version or of a deletion is taken. */
  readonly inPlaceOfUpdate?: true;
}

/** Stores a new object and returns it as stored: read-only, but for a dry run. `input` is the server's to change until then; its
 *  types were checked.
 *  Fails with AlreadyExists, Invalid, or whatever admission says. */
export async function createObject(
  deps: RegistryDeps,
  kind: Kind,
  input: KubeObject,
  options: CreateOptions,
): Promise<KubeObject> {
  const { resourceVersion: named } = input.metadata;
  await admitNew(deps, kind, input, options);
  const { name, generateName } = input.metadata;
  const generates = name === "" && generateName !== undefined && generateName !== "";
  for (let attempt = 1; ; attempt++) {
    const object = generates ? cloneJson(input) : input;
    if (generates)
      object.metadata.name = kind.namesAsAsked ? generateName : generatedName(generateName, deps.random);
    prepare(deps, kind, object, options.by);
    const created = await store(deps, kind, object, { ...options, named });
    if (created.ok) return created.object;
    const resource = options.by.served ?? kind;
    if (!generates) throw alreadyExists(resource, object.metadata.name, isGoing(kind, created.entry));
    if (attempt >= generatedNameAttemptsMax) throw generateNameConflict(resource, object.metadata.name);
  }
}

/** Makes of what is wanted what is to be stored, but for what is handed out to it: defaults, admission, what only the server
 *  says, validation. */
export async function prepareNew(
  deps: RegistryDeps,
  kind: Kind,
  object: KubeObject,
  options: CreateOptions,
): Promise<void> {
  await admitNew(deps, kind, object, options);
  const { by, dryRun } = options;
  prepare(deps, kind, object, by);
  await deps.admission.validate({ operation: "create", kind, object, by, dryRun });
}

/** What may change the object has its turn once, before a name is made up. */
async function admitNew(
  deps: RegistryDeps,
  kind: Kind,
  object: KubeObject,
  { dryRun, by, record, inPlaceOfUpdate }: CreateOptions,
): Promise<void> {
  if (!inPlaceOfUpdate) dropDeletion(object);
  kind.applyDefaults(object);
  if (by === serverRequester) deps.recordOwn(object);
  else record?.(object);
  const { namespace } = object.metadata;
  await deps.admission.mutate({ operation: "create", kind, object, by, dryRun });
  if (object.metadata.namespace !== namespace)
    throw badRequest("the namespace of the provided object does not match the namespace sent on the request");
}

function prepare(deps: RegistryDeps, kind: Kind, object: KubeObject, by: Requester): void {
  // First, because jobs name their pods by their own uid.
  fillNewMeta(object, {
    random: deps.random,
    nowMs: deps.clock.wallMs(),
    hasGeneration: kind.hasGeneration ?? false,
  });
  const rules = rulesOf(kind, by.served);
  for (const warning of kind.earlyWarnings?.(object) ?? []) by.warn(warning);
  rules.prepareForCreate?.(object, by.user);
  kind.dropDisabled?.(object, undefined, deps.facts);
  const problems = [...rules.validate(object, deps.facts), ...(rules.validateCreate?.(object) ?? [])];
  if (problems.length > 0) throw invalid(kind, object.metadata.name, problems);
  for (const warning of kind.warnings?.(object) ?? []) by.warn(warning);
}

/** What is no version at all Kubernetes takes for none. */
const namesVersion = (text: string) => /^\d+$/.test(text) && BigInt(text) > 0n && BigInt(text) < 2n ** 64n;

type Outcome =
  | { readonly ok: true; readonly object: KubeObject }
  /** The name is taken by this one. */
  | { readonly ok: false; readonly entry: StoredEntry };

const isGoing = (kind: Kind, { value, modRevision }: StoredEntry) =>
  decodeStored(kind, value, modRevision).metadata.deletionTimestamp !== undefined;

async function store(
  deps: RegistryDeps,
  kind: Kind,
  object: KubeObject,
  { dryRun, by, inPlaceOfUpdate, named }: CreateOptions & { readonly named: string },
): Promise<Outcome> {
  const { name, namespace = "" } = object.metadata;
  const key = objectKey(kind, namespace, name);
  for (let attempt = 1; attempt <= updateAttemptsMax; attempt++) {
    // What is handed out to an object differs from attempt to attempt; else it is the same one.
    const wanted = kind.allocates === undefined && attempt === 1 ? object : cloneJson(object);
    const claims = await deps.allocator.plan(kind, wanted, undefined, { dryRun });
    await deps.admission.validate({ operation: "create", kind, object: wanted, by, dryRun });
    const resource = by.served ?? kind;
    const write = { kind, resource, subresource: by.subresource, object: wanted, old: undefined };
    if (dryRun) {
      await deps.quotas.check(write);
      const { entry } = await deps.storage.get(key);
      if (entry !== undefined) return { ok: false, entry };
      // Nobody has given it a version: it shows the one that it came with.
      if (named === "") Reflect.deleteProperty(wanted.metadata, "resourceVersion");
      else wanted.metadata.resourceVersion = named;
      return { ok: true, object: wanted };
    }
    if (!inPlaceOfUpdate && namesVersion(named))
      throw unknownError("resourceVersion should not be set on objects to be created");
    const result = await storeObject(deps, { kind, key, object: wanted }, (put) =>
      deps.quotas.commit(
        write,
        { compare: [{ key, modRevision: 0 }, ...claims.compare], writes: [put, ...claims.writes] },
        (transaction) => deps.fence.commit(by.claim, transaction),
      ),
    );
    if (result.ok) return result;
    const [entry] = result.current;
    if (entry !== undefined) return { ok: false, entry };
  }
  throw conflict(
    by.served ?? kind,
    name,
    "what it needs was taken by others again and again; please try again",
  );
}
