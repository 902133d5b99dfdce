import type { KubeObject } from "../../../client/types.ts";
import { badRequest, conflict, unknownError } from "../api-error.ts";
import { isObject, type JsonObject, listOf, objectOf, stringMapOf, stringOf } from "../json.ts";
import type { Kind } from "../registry/kind.ts";
import { rfc3339 } from "../registry/object-meta.ts";
import { objectKey } from "../registry/stored-object.ts";
import { updateObject } from "../registry/update-object.ts";
import { type AdmittedRequest, admitRequest } from "./admit-request.ts";
import { type Answer, type Call, type HandlerDeps, requesterOf } from "./call.ts";
import { readRequest } from "./decode-body.ts";
import { isDryRun } from "./write-options.ts";

const bindingKind = { group: "", version: "v1", kind: "Binding" };

/** POST pods/NAME/binding: gives a pod its node, once. */
export async function bind(call: Call, deps: HandlerDeps): Promise<Answer> {
  const { object: binding, validate } = await admitted(call, deps);
  if (stringOf(objectOf(binding.metadata).name) !== call.target.name)
    throw badRequest("name in URL does not match name in Binding object");
  return bindPod(call, deps, { binding, validate, name: call.target.name, kind: call.served.kind });
}

function admitted(call: Call, deps: HandlerDeps): Promise<AdmittedRequest> {
  const said = readRequest(call, deps.schemas, bindingKind);
  const dryRun = isDryRun(call.query);
  // However it came, it is a binding and no pod.
  return admitRequest(call, deps, { type: bindingKind, said, dryRun, subresource: "binding" });
}

/** POST bindings: the same with the pod's name in the body. */
export async function createBinding(call: Call, deps: HandlerDeps): Promise<Answer> {
  const { object: binding, validate } = await admitted(call, deps);
  const name = stringOf(objectOf(binding.metadata).name);
  if (name === "") throw badRequest("Name parameter required.");
  return bindPod(call, deps, { binding, validate, name, kind: call.served.kind });
}

interface Wanted {
  readonly binding: JsonObject;
  readonly validate: AdmittedRequest["validate"];
  readonly name: string;
  readonly kind: Kind;
}

async function bindPod(
  call: Call,
  deps: HandlerDeps,
  { binding, validate, name, kind }: Wanted,
): Promise<Answer> {
  const target = objectOf(binding.target);
  const node = stringOf(target.name);
  const targetKind = stringOf(target.kind);
  const problems = [
    ...(targetKind === "" || targetKind === "Node"
      ? []
      : [
          `target.kind: Unsupported value: ${JSON.stringify(targetKind)}: supported values: "Node", "<empty>"`,
        ]),
    ...(node === "" ? ["target.name: Required value"] : []),
  ];
  // Kubernetes tells these without saying that the client is to blame.
  if (problems.length > 0)
    throw unknownError(problems.length === 1 ? (problems[0] ?? "") : `[${problems.join(", ")}]`);
  await validate();
  const meta = objectOf(binding.metadata);
  const change = (pod: KubeObject) => assigned(pod, { node, meta, kind, now: rfc3339(deps.clock.wallMs()) });
  const address = { namespace: call.target.namespace, name };
  await updateObject(deps, kind, address, change, {
    dryRun: isDryRun(call.query),
    via: "server",
    by: requesterOf(call),
    validateAdmission: async () => {},
  });
  return {
    type: "json",
    code: 201,
    body: { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", code: 201 },
  };
}

function assigned(
  pod: KubeObject,
  { node, meta, kind, now }: { node: string; meta: JsonObject; kind: Kind; now: string },
): KubeObject {
  const { name, uid } = pod.metadata;
  const spec = objectOf(pod.spec);
  const preconditions = [
    ["UID", stringOf(meta.uid), uid],
    ["ResourceVersion", stringOf(meta.resourceVersion), pod.metadata.resourceVersion],
  ] as const;
  const key = objectKey(kind, pod.metadata.namespace ?? "", name);
  for (const [what, wanted, given] of preconditions)
    if (wanted !== "" && wanted !== given)
      throw conflict(
        kind,
        name,
        `StorageError: invalid object, Code: 4, Key: ${key}, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: ${what} in precondition: ${wanted}, ${what} in object meta: ${given}`,
      );
  if (pod.metadata.deletionTimestamp !== undefined)
    throw conflict(
      { group: "", plural: "pods/binding" },
      name,
      `pod ${name} is being deleted, cannot be assigned to a host`,
    );
  const before = stringOf(spec.nodeName);
  if (before !== "")
    throw conflict(
      { group: "", plural: "pods/binding" },
      name,
      `pod ${name} is already assigned to node "${before}"`,
    );
  if (listOf(spec.schedulingGates).length > 0)
    throw conflict(
      { group: "", plural: "pods/binding" },
      name,
      `pod ${name} has non-empty .spec.schedulingGates`,
    );
  const annotations = { ...pod.metadata.annotations, ...stringMapOf(meta.annotations) };
  const labels = { ...pod.metadata.labels, ...stringMapOf(meta.labels) };
  // Whoever hoped for another node learns that the pod has one.
  const { nominatedNodeName: _, ...status } = objectOf(pod.status);
  const others = listOf(status.conditions).filter((one) => isObject(one) && one.type !== "PodScheduled");
  const scheduled = { type: "PodScheduled", status: "True", lastTransitionTime: now };
  return {
    ...pod,
    metadata: {
      ...pod.metadata,
      ...(Object.keys(annotations).length > 0 && { annotations }),
      ...(Object.keys(labels).length > 0 && { labels }),
    },
    spec: { ...spec, nodeName: node },
    status: { ...status, conditions: [...others, scheduled] },
  };
}
