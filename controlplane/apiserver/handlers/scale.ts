import type { KubeObject } from "../../../client/types.ts";
import { conflict, invalid, modifiedMeanwhile, notFound, resourceNotFound } from "../api-error.ts";
import { header } from "../filters/request-info.ts";
import { type JsonObject, objectOf, stringOf, toKubeObject } from "../json.ts";
import type { Subresources } from "../registry/kind.ts";
import type { ServedKind } from "../registry/kind-table.ts";
import { shownIn, storedFrom } from "../registry/slow-conversion.ts";
import { decodeStored, objectKey } from "../registry/stored-object.ts";
import { updateObject } from "../registry/update-object.ts";
import { age, ageColumn, column } from "../resources/cell-text.ts";
import { type Answer, type Call, type HandlerDeps, requesterOf } from "./call.ts";
import { acceptRequest, readRequest } from "./decode-body.ts";
import { recorderOf } from "./field-manager.ts";
import { requireName, requireNamespace } from "./object-place.ts";
import { acceptPatched, patcherFor } from "./patch.ts";
import { columnDefinition, nameColumn, type TableView } from "./shapes.ts";
import { isDryRun } from "./write-options.ts";

const scaleKind = { group: "autoscaling", version: "v1", kind: "Scale" };

/** …/scale: a workload seen as a number of replicas (autoscaling/v1 Scale). */
export async function getScale(call: Call, deps: HandlerDeps): Promise<Answer> {
  const { served } = call;
  const { kind } = served;
  const { entry } = await deps.storage.get(objectKey(kind, call.target.namespace, call.target.name));
  if (entry === undefined) throw notFound(call.served, call.target.name);
  return answer(served, await shownObject(served, decodeStored(kind, entry.value, entry.modRevision)));
}

export async function updateScale(call: Call, deps: HandlerDeps): Promise<Answer> {
  const object = readRequest(call, deps.schemas, scaleKind);
  return changeScale(call, deps, () => structuredClone(object));
}

export async function patchScale(call: Call, deps: HandlerDeps): Promise<Answer> {
  const type = (header(call.headers, "content-type").split(";")[0] ?? "").trim();
  // A Scale has no lists: strategic merge is plain merge.
  const plain = type === "application/strategic-merge-patch+json" ? "application/merge-patch+json" : type;
  const patcher = patcherFor(plain, call, deps, call.body);
  return changeScale(call, deps, (current) =>
    acceptPatched(
      () => patcher(scaleOf(call.served, current)),
      (object) => acceptRequest(call, deps.schemas, scaleKind, { object }),
    ),
  );
}

async function changeScale(
  call: Call,
  deps: HandlerDeps,
  wantedScale: (current: KubeObject) => JsonObject | Promise<JsonObject>,
): Promise<Answer> {
  const { served } = call;
  const { kind } = served;
  const by = requesterOf(call);
  const dryRun = isDryRun(call.query);
  const seen = (object: KubeObject, old: KubeObject) =>
    ({ operation: "update", object, old, kind, type: scaleKind, by, dryRun }) as const;
  const change = async (stored: KubeObject) => {
    const current = await shownObject(served, stored);
    const wanted = toKubeObject(await wantedScale(current));
    await deps.admission.mutate(seen(wanted, scaleOf(served, current)));
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
    if (replicas < 0)
      throw invalid({ group: "autoscaling", kind: "Scale" }, call.target.name, [
        {
          reason: "FieldValueInvalid",
          field: "spec.replicas",
          message: `Invalid value: ${replicas}: must be greater than or equal to 0`,
        },
      ]);
    const next = structuredClone(current);
    scaling(served).setReplicas(next, replicas);
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
    record: recorderOf(call, deps),
  } as const;
  const updated = await updateObject(deps, kind, call.target, change, options);
  return answer(served, await shownObject(served, updated));
}

/** The object in the version that is asked for, whose own paths lead to its replicas. */
async function shownObject(served: ServedKind, object: KubeObject): Promise<KubeObject> {
  if (served.convert === undefined) return object;
  return (await shownIn(served, object)) as unknown as KubeObject;
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
