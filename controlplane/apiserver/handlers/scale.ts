import { cloneJson } from "../../../base/clone-json.ts";
import type { KubeObject } from "../../../client/types.ts";
import {
  badRequest,
  conflict,
  internalError,
  invalid,
  modifiedMeanwhile,
  notFound,
  resourceNotFound,
} from "../api-error.ts";
import { type JsonObject, objectOf, stringOf, toKubeObject } from "../json.ts";
import type { Kind, Subresources } from "../registry/kind.ts";
import { type ServedKind, servedForms } from "../registry/kind-table.ts";
import { rfc3339 } from "../registry/object-meta.ts";
import { shownIn, storedFrom } from "../registry/slow-conversion.ts";
import { decodeStored, objectKey } from "../registry/stored-object.ts";
import { updateObject } from "../registry/update-object.ts";
import { age, ageColumn, column } from "../resources/cell-text.ts";
import { readManagers } from "../schema/managed-fields.ts";
import { setManagers } from "../schema/managed-update.ts";
import {
  managersOfScale,
  managersOfScaled,
  type ReplicasPath,
  scaleVersion,
} from "../schema/scale-managers.ts";
import { readApplied } from "./apply.ts";
import { type Answer, type Call, type HandlerDeps, requesterOf } from "./call.ts";
import { acceptRequest, readRequest } from "./decode-body.ts";
import { managerOf } from "./field-manager.ts";
import { requireName, requireNamespace } from "./object-place.ts";
import { acceptPatched } from "./patch.ts";
import { patchReader, patchTypeOf } from "./patch-forms.ts";
import { columnDefinition, nameColumn, type TableView } from "./shapes.ts";
import { isDryRun } from "./write-options.ts";

const scaleKind = { group: "autoscaling", version: "v1", kind: "Scale" };

/** …/scale: a workload seen as a number of replicas (autoscaling/v1 Scale). */
export async function getScale(call: Call, deps: HandlerDeps): Promise<Answer> {
  const { served } = call;
  const { kind } = served;
  const { entry } = await deps.storage.get(objectKey(kind, call.target.namespace, call.target.name));
  if (entry === undefined) throw notFound(call.served, call.target.name);
  const object = await shownObject(served, decodeStored(kind, entry.value, entry.modRevision));
  const missing = scaling(served).missingReplicas?.(object);
  if (missing !== undefined)
    throw internalError(`the spec replicas field ${JSON.stringify(missing)} does not exist`);
  return answer(served, object);
}

export async function updateScale(call: Call, deps: HandlerDeps): Promise<Answer> {
  const object = readRequest(call, deps.schemas, scaleKind);
  return changeScale(
    call,
    deps,
    recorded(call, deps, () => cloneJson(object)),
  );
}

export async function patchScale(call: Call, deps: HandlerDeps): Promise<Answer> {
  const scaleCall = { ...call, served: servedScale(call, deps) };
  if (patchTypeOf(call) === "application/apply-patch+yaml") {
    const { mergeServed } = readApplied(scaleCall, deps);
    const accept = (object: JsonObject) => acceptRequest(scaleCall, deps.schemas, scaleKind, { object });
    return changeScale(call, deps, (scale) => accept(mergeServed(scale)));
  }
  const patchOf = patchReader(scaleCall, deps);
  const patched = (scale: JsonObject) =>
    acceptPatched(
      patchOf(),
      () => cloneJson(scale),
      (body) => acceptRequest(call, deps.schemas, scaleKind, body),
    );
  return changeScale(call, deps, recorded(call, deps, patched));
}

/** The Scale as a kind of its own. That of a custom resource takes no strategic merge, as its resource does not. */
function servedScale({ served }: Call, deps: HandlerDeps): ServedKind {
  const { group, version } = scaleKind;
  const kind: Kind = { ...served.kind, group, version, kind: scaleKind.kind, otherForms: [], resets: {} };
  const { strategicMerge: _, ...schema } = deps.schemas.of(scaleKind);
  const apiVersion = scaleVersion;
  const { plural, view } = served;
  const own = served.schema === undefined ? {} : { schema };
  return { kind, group, version, apiVersion, plural, view, subresources: {}, ...own };
}

/** How patches see a number that is not there: no number of replicas. */
const unsetReplicas = -(2 ** 31);

type Rescale = (scale: JsonObject) => JsonObject | Promise<JsonObject>;

/** With a note of who wants it. */
function recorded(call: Call, deps: HandlerDeps, wanted: Rescale): Rescale {
  return async (scale) => {
    const next = toKubeObject(await wanted(cloneJson(scale)));
    const spec = objectOf(next.spec);
    // A zero is nobody's, as it is left out.
    if (spec.replicas === 0) delete spec.replicas;
    deps.schemas.recordUpdate({
      current: toKubeObject(scale),
      next,
      manager: managerOf(call),
      subresource: call.target.subresource,
      resets: [],
      now: rfc3339(deps.clock.wallMs()),
    });
    return { ...next };
  };
}

async function changeScale(call: Call, deps: HandlerDeps, wantedScale: Rescale): Promise<Answer> {
  const { served } = call;
  const { kind } = served;
  const by = requesterOf(call);
  const dryRun = isDryRun(call.query);
  const seen = (object: KubeObject, old: KubeObject) =>
    ({ operation: "update", object, old, kind, type: scaleKind, by, dryRun }) as const;
  const pathIn: ReplicasPath = (apiVersion) => {
    const form = servedForms(kind).find((one) => one.group === served.group && one.apiVersion === apiVersion);
    return form && (scaling(form).path ?? ["f:spec", "f:replicas"]);
  };
  const change = async (stored: KubeObject) => {
    const current = await shownObject(served, stored);
    const managers = readManagers(current.metadata.managedFields);
    const old = scaleOf(served, current);
    setManagers(old, managersOfScale(managers, pathIn));
    const missing = scaling(served).missingReplicas?.(current);
    if (missing !== undefined) old.spec = { replicas: unsetReplicas };
    const wanted = toKubeObject(await wantedScale({ ...old }));
    await deps.admission.mutate(seen(wanted, scaleOf(served, current)));
    if (objectOf(wanted.spec).replicas === unsetReplicas)
      throw badRequest(`the spec replicas field ${JSON.stringify(missing)} cannot be empty`);
    checkScale(call, wanted, current);
    const next = cloneJson(current);
    scaling(served).setReplicas(next, Number(objectOf(wanted.spec).replicas ?? 0));
    const ofScale = readManagers(wanted.metadata.managedFields);
    const { apiVersion } = served;
    setManagers(next, managersOfScaled(managers, ofScale, { apiVersion, pathIn }));
    return served.convert === undefined ? next : toKubeObject(await storedFrom(served, { ...next }));
  };
  const options = {
    dryRun,
    via: "object",
    by,
    patches: true,
    validateAdmission: async (next: KubeObject, current: KubeObject) => {
      const [after, before] = [await shownObject(served, next), await shownObject(served, current)];
      await deps.admission.validate(seen(scaleOf(served, after), scaleOf(served, before)));
    },
  } as const;
  const updated = await updateObject(deps, kind, call.target, change, options);
  return answer(served, await shownObject(served, updated));
}

/** The object in the version that is asked for, whose own paths lead to its replicas. */
async function shownObject(served: ServedKind, object: KubeObject): Promise<KubeObject> {
  if (served.convert === undefined) return object;
  return (await shownIn(served, object)) as unknown as KubeObject;
}

/** Fails where the Scale is no number of replicas, or meant for something else than there is. */
function checkScale(call: Call, wanted: KubeObject, current: KubeObject): void {
  const metadata = objectOf(wanted.metadata);
  requireNamespace(stringOf(metadata.namespace), call.target.namespace);
  requireName(stringOf(metadata.name), call.target.name);
  const uid = stringOf(metadata.uid);
  if (uid !== "" && uid !== current.metadata.uid)
    throw conflict(
      call.served,
      call.target.name,
      `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${current.metadata.uid}`,
    );
  const version = stringOf(metadata.resourceVersion);
  if (version !== "" && version !== current.metadata.resourceVersion)
    throw conflict(call.served, call.target.name, modifiedMeanwhile);
  const replicas = Number(objectOf(wanted.spec).replicas ?? 0);
  if (replicas >= 0) return;
  throw invalid({ group: "autoscaling", kind: "Scale" }, call.target.name, [
    {
      reason: "FieldValueInvalid",
      field: "spec.replicas",
      message: `Invalid value: ${replicas}: must be greater than or equal to 0`,
    },
  ]);
}

function scaling({ subresources }: ServedKind): NonNullable<Subresources["scale"]> {
  const { scale } = subresources;
  if (scale === undefined) throw resourceNotFound();
  return scale;
}

function answer(served: ServedKind, object: KubeObject): Answer {
  return { type: "seenAs", code: 200, object: scaleOf(served, object), view: scaleView };
}

function scaleOf(served: ServedKind, object: KubeObject): KubeObject {
  const { name, namespace = "", uid, resourceVersion, creationTimestamp } = object.metadata;
  const scale = scaling(served);
  const selector = scale.selector(object);
  const replicas = scale.replicas(object);
  return {
    kind: "Scale",
    apiVersion: "autoscaling/v1",
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp },
    // A zero is left out, as in Kubernetes.
    spec: replicas === 0 ? {} : { replicas },
    status: { replicas: scale.currentReplicas(object), ...(selector !== "" && { selector }) },
  };
}

const scaleView: TableView = {
  columns: [
    { ...nameColumn, format: "" },
    columnDefinition(column("Desired", "integer", "The number of replicas that there should be.")),
    columnDefinition(column("Available", "integer", "The number of replicas that there are.")),
    columnDefinition(ageColumn),
  ],
  cells: ({ metadata, spec, status }, nowMs) => [
    metadata.name,
    countOf(objectOf(spec).replicas),
    countOf(objectOf(status).replicas),
    age(metadata.creationTimestamp, nowMs),
  ],
  whole: (object) => ({ ...object }),
};

const countOf = (value: unknown) => (typeof value === "number" ? value : 0);
