import type { KubeObject } from "../../../client/types.ts";
import { header } from "../filters/request-info.ts";
import { toKubeObject } from "../json.ts";
import type { ServedKind } from "../registry/kind-table.ts";
import { rfc3339 } from "../registry/object-meta.ts";
import type { OwnStatus } from "../registry/registry-deps.ts";
import type { UpdateRecord } from "../schemas.ts";
import type { Call, HandlerDeps } from "./call.ts";
import { formsOfStored } from "./managed-forms.ts";

/** Notes in a write that is no apply who set which fields; to be called once defaults are filled in, before admission. */
export function recorderOf(call: Call, deps: HandlerDeps): (next: KubeObject, current?: KubeObject) => void {
  return (next, current) =>
    deps.schemas.recordUpdate({
      current,
      next,
      manager: managerOf(call),
      subresource: call.target.subresource,
      resets: resetsOf(call.served, call.target.subresource),
      now: rfc3339(deps.clock.wallMs()),
      ...ownForm(call),
    });
}

/** Notes that the server set the fields of a new object of its own, or those of a status that it has changed. */
export function ownRecorder({
  schemas,
  clock,
}: Pick<HandlerDeps, "schemas" | "clock">): (next: KubeObject, current?: KubeObject) => void {
  return (next, current) =>
    schemas.recordUpdate({
      current,
      next,
      manager: next.apiVersion?.startsWith("flowcontrol.apiserver.k8s.io/") ? fairnessManager : ownManager,
      subresource: current === undefined ? "" : "status",
      resets: current === undefined ? ["f:status"] : [],
      now: rfc3339(clock.wallMs()),
    });
}

/** Applies a status of the server's own, whoever else has set it. */
export function ownApplier({
  schemas,
  clock,
}: Pick<HandlerDeps, "schemas" | "clock">): (current: KubeObject, applied: OwnStatus) => KubeObject {
  return (current, { manager, status }) => {
    const { apiVersion, kind, metadata } = current;
    const outcome = schemas.serverSideApply({
      current,
      patch: { apiVersion, kind, metadata: { name: metadata.name }, status },
      manager,
      force: true,
      subresource: "status",
      resets: ["f:spec"],
      now: rfc3339(clock.wallMs()),
    });
    if (!outcome.ok) throw new Error("a forced apply has no conflicts");
    return toKubeObject(outcome.object);
  };
}

const ownManager = "kube-apiserver";
/** Which part of the server suggests how requests are let in. */
const fairnessManager = "api-priority-and-fairness-config-producer-v1";

/** Of custom resources that others convert, the form that is stored. */
function ownForm({ served }: Call): Pick<UpdateRecord, "type" | "apiVersion" | "forms"> {
  const { kind, slow, apiVersion, group } = served;
  const forms = formsOfStored(kind, group);
  if (slow !== undefined) return { type: kind.schema?.type };
  return { type: kind.schema?.type, apiVersion, forms };
}

/** What a write through this door does not set, whatever it says. */
export function resetsOf(
  { kind, subresources, rules = kind }: ServedKind,
  subresource: string,
): readonly string[] {
  const { resets } = rules;
  const { statusKeeps = [] } = kind;
  if (resets !== undefined) return resets[subresource] ?? [];
  if (subresource === "status") return ["f:spec", ...statusKeeps.map((field) => `f:metadata\0f:${field}`)];
  return subresources.status === true && subresource === "" ? ["f:status"] : [];
}

const managerBytesMax = 128;
/** As nearly all are: nothing to leave out. */
const plainName = /^[\x20-\x7e]{1,128}$/;

/** Named in the query, else the first word of the user agent, as in Kubernetes. */
export function managerOf({ query, headers }: Call): string {
  const named = query.get("fieldManager") ?? "";
  if (named !== "") return named;
  const [first = ""] = header(headers, "user-agent").split("/", 1);
  if (plainName.test(first)) return first;
  let name = "";
  for (const character of first) {
    if (/(?! )[\p{C}\p{Z}]/u.test(character)) continue;
    if (Buffer.byteLength(name + character) > managerBytesMax) break;
    name += character;
  }
  return name === "" ? "unknown" : name;
}
