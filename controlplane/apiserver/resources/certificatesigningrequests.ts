import { pathSegment } from "../../../client/rules/names.ts";
import type { CertificateSigningRequest, KubeObject } from "../../../client/types.ts";
import { anonymous } from "../filters/authentication.ts";
import { age, ageColumn, column, durationText } from "./cell-text.ts";
import { validateRequest, validateRequestUpdate } from "./certificate-request-validation.ts";
import { kindOf } from "./typed-kind.ts";

type Request = CertificateSigningRequest;
type Condition = NonNullable<NonNullable<Request["status"]>["conditions"]>[number];

/** Requests for certificates: decided through …/approval, signed through …/status, and never changed otherwise. */
export const certificateSigningRequests = kindOf<Request>({
  group: "certificates.k8s.io",
  version: "v1",
  kind: "CertificateSigningRequest",
  plural: "certificatesigningrequests",
  singular: "certificatesigningrequest",
  shortNames: ["csr"],
  categories: [],
  namespaced: false,
  nameRule: pathSegment,
  resets: {
    "": ["f:spec", "f:status"],
    status: ["f:spec", "f:status\0f:conditions"],
    approval: ["f:spec", "f:status\0f:certificate"],
  },
  subresources: {
    status: true,
    parts: {
      approval: {
        withMetadata: true,
        take(current, wanted, now) {
          const [before, after] = [current, wanted] as unknown as readonly [Request, Request];
          const conditions = withTimes(after, before, now);
          const { conditions: _, ...rest } = before.status ?? {};
          const status = { ...rest, ...(conditions && { conditions }) };
          return { ...current, status };
        },
        validate: (next, current) =>
          validateRequestUpdate(asRequest(next), asRequest(current), { decides: true }),
      },
    },
  },
  applyDefaults(request) {
    request.status ??= {};
  },
  prepareForCreate(request, user = anonymous) {
    const { name, uid = "", groups, extra = {} } = user;
    const { username: _, uid: __, groups: ___, extra: ____, ...asked } = request.spec;
    const said = Object.entries(extra).map(([key, values]): [string, string[]] => [key, [...values]]);
    request.spec = {
      ...asked,
      username: name,
      ...(uid !== "" && { uid }),
      ...(groups.length > 0 && { groups: [...groups] }),
      ...(said.length > 0 && { extra: Object.fromEntries(said) }),
    };
    request.status = {};
  },
  prepareForUpdate(next, current) {
    next.spec = current.spec;
    next.status = current.status ?? {};
  },
  prepareForStatus(next, current, now) {
    const kept = keepDecisions(next, current);
    const conditions = withTimes(kept, current, now);
    next.status = { ...next.status, ...(conditions && { conditions }) };
  },
  validate: (request, _facts, current) => validateRequest(request, current),
  validateUpdate: (next, current) => validateRequestUpdate(next, current, {}),
  validateStatus: (next, current) => validateRequestUpdate(next, current, { signs: true }),
  selectableFields: ({ spec }) => ({ "spec.signerName": spec.signerName ?? "" }),
  columns: [
    ageColumn,
    column("SignerName"),
    column("Requestor"),
    column("RequestedDuration"),
    column("Condition"),
  ],
  cells: ({ metadata, spec, status }, nowMs) => [
    age(metadata.creationTimestamp, nowMs),
    spec.signerName || "<none>",
    spec.username ?? "",
    spec.expirationSeconds === undefined ? "<none>" : durationText(spec.expirationSeconds * 1000),
    conditionText(status),
  ],
});

const asRequest = (object: KubeObject) => object as unknown as Request;

/** Who signs says nothing new of the decision: its conditions stay word for word. */
function keepDecisions(next: Request, current: Request): Request {
  const { status } = next;
  if (status?.conditions === undefined) return next;
  let conditions: readonly Condition[] = status.conditions;
  for (const type of ["Approved", "Denied"]) {
    const before = (current.status?.conditions ?? []).filter((one) => one.type === type);
    if (conditions.filter((one) => one.type === type).length !== before.length) continue;
    const rest = before.values();
    conditions = conditions.map((one) => (one.type === type ? (rest.next().value ?? one) : one));
  }
  return { ...next, status: { ...status, conditions: [...conditions] } };
}

function withTimes(next: Request, current: Request, now: string): Condition[] | undefined {
  return next.status?.conditions?.map((condition) => {
    const same = current.status?.conditions?.find(
      ({ type, status, lastTransitionTime }) =>
        type === condition.type && status === condition.status && lastTransitionTime !== undefined,
    );
    return {
      ...condition,
      lastUpdateTime: condition.lastUpdateTime ?? now,
      lastTransitionTime: condition.lastTransitionTime ?? same?.lastTransitionTime ?? now,
    };
  });
}

function conditionText(status: Request["status"]): string {
  const has = (wanted: string) => status?.conditions?.some(({ type }) => type === wanted) === true;
  const decision = has("Denied") ? "Denied" : has("Approved") ? "Approved" : "Pending";
  return `${decision}${has("Failed") ? ",Failed" : ""}${status?.certificate ? ",Issued" : ""}`;
}
