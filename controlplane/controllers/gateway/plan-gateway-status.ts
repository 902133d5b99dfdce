import { type AttachedRoute, type Attachment, attachRoutes } from "../../../client/gateway/attachments.ts";
import { type PolicyView, targetsOf } from "../../../client/gateway/backend-tls.ts";
import {
  gatewayController,
  gatewayKey,
  isAcceptedClass,
  isOwnGatewayClass,
  supportedFeatures,
} from "../../../client/gateway/gateway-class.ts";
import {
  type AnyRoute,
  type BackendTlsPolicy,
  type Gateway,
  type GatewayClass,
  type GatewayStatus,
  gatewayGroup,
  type ListenerStatus,
  type PolicyAncestorStatus,
  type RouteParentStatus,
  type RouteStatus,
} from "../../../client/gateway/gateway-types.ts";
import {
  type Fault,
  type GatewayView,
  type ListenerView,
  takesRequests,
} from "../../../client/gateway/listeners.ts";
import {
  type BackendWorld,
  backendOf,
  backendRefsOf,
  backendsFault,
} from "../../../client/gateway/route-backends.ts";
import { routeFault } from "../../../client/gateway/route-faults.ts";
import { certificateIn } from "../../../client/rules/tls-secret.ts";
import type { Condition, Secret } from "../../../client/types.ts";
import { withCondition } from "../conditions.ts";
import { timeText } from "../times.ts";

/** What the statuses of Gateway API's objects are to say. Pure. */

export interface StatusWorld extends BackendWorld {
  /** Those of our classes. */
  readonly gateways: readonly GatewayView[];
  readonly routes: readonly AnyRoute[];
  readonly namespaceLabels: (namespace: string) => Readonly<Record<string, string>> | undefined;
  readonly secret: (key: string) => Secret | undefined;
  /** Where the Gateway is reached, and at which of its ports nodes answer. */
  readonly served: (gateway: GatewayView) => {
    readonly addresses: readonly { readonly type: string; readonly value: string }[];
    readonly isAnswered: (port: number) => boolean;
    /** Why it has no address. */
    readonly why: string;
  };
  readonly nowMs: number;
}

type Stated = Pick<Condition, "type" | "status" | "reason" | "message">;

const yes = (type: string, reason = type, message = ""): Stated => ({
  type,
  status: "True",
  reason,
  message,
});
const no = (type: string, { reason, message }: Fault): Stated => ({ type, status: "False", reason, message });

/** Puts what is said now in place of what was said before; times and others' conditions stay. */
function conditions(
  before: readonly Condition[] | undefined,
  stated: readonly Stated[],
  { generation, nowMs }: { readonly generation: number | undefined; readonly nowMs: number },
): Condition[] {
  return stated.reduce<Condition[]>(
    (all, one) =>
      withCondition(all, {
        ...one,
        observedGeneration: generation ?? 0,
        lastTransitionTime: timeText(nowMs),
      }),
    [...(before ?? [])],
  );
}

export function classStatus(one: GatewayClass, nowMs: number): GatewayClass["status"] {
  if (!isOwnGatewayClass(one)) return one.status;
  const accepted = isAcceptedClass(one)
    ? yes("Accepted")
    : no("Accepted", {
        reason: "InvalidParameters",
        message: "spec.parametersRef: parameters are not known here",
      });
  return {
    ...one.status,
    conditions: conditions(one.status?.conditions, [accepted], {
      generation: one.metadata.generation,
      nowMs,
    }),
    ...(isAcceptedClass(one) && { supportedFeatures: supportedFeatures.map((name) => ({ name })) }),
  };
}

export interface PlannedStatuses {
  readonly gateways: readonly { readonly gateway: Gateway; readonly status: GatewayStatus }[];
  readonly routes: readonly { readonly of: AnyRoute; readonly status: RouteStatus }[];
  readonly policies: readonly {
    readonly policy: BackendTlsPolicy;
    readonly status: NonNullable<BackendTlsPolicy["status"]>;
  }[];
}

export function planStatuses(world: StatusWorld): PlannedStatuses {
  const gateways = new Map(world.gateways.map((view) => [gatewayKey(view.gateway), view]));
  const { namespaceLabels, nowMs } = world;
  /** Listener -> routes that are attached to it. */
  const attached = new Map<ListenerView, number>();
  const isServed = (of: AnyRoute) => routeFault(of) === undefined;
  const all = attachRoutes(world.routes, { gateways, namespaceLabels, isServed });
  const routes = all.map(({ of, attachments }) => {
    const fault = routeFault(of);
    if (fault === undefined)
      for (const listener of new Set(
        attachments.flatMap((one) => one.listeners.map(({ listener }) => listener)),
      ))
        attached.set(listener, (attached.get(listener) ?? 0) + 1);
    return {
      of,
      status: routeStatus(of, attachments, { fault, unresolved: backendsFault(of, world), nowMs }),
    };
  });
  return {
    gateways: world.gateways.map((view) => ({
      gateway: view.gateway,
      status: gatewayStatus(view, attached, world),
    })),
    routes,
    policies: policyStatuses(all, world),
  };
}

/** A policy has as many ancestors as the specification allows. */
const ancestorsMost = 16;

/** Said for each Gateway that has a route to one of the policy's Services. */
function policyStatuses(all: readonly AttachedRoute[], world: StatusWorld): PlannedStatuses["policies"] {
  const ancestors = new Map<PolicyView, Map<string, Gateway>>();
  for (const { of, attachments } of all)
    for (const ref of backendRefsOf(of)) {
      const found = backendOf(of, ref, world);
      if ("fault" in found) continue;
      // One that lost to another is told so by the same Gateways.
      for (const view of world.policies.views.filter((one) => isAbout(one, found))) {
        const known = ancestors.get(view) ?? new Map<string, Gateway>();
        ancestors.set(view, known);
        for (const { gateway } of attachments) known.set(gatewayKey(gateway.gateway), gateway.gateway);
      }
    }
  return world.policies.views.flatMap((view) => {
    const { policy, fault, unresolved } = view;
    const before = policy.status?.ancestors ?? [];
    const ours = [...(ancestors.get(view)?.values() ?? [])]
      .sort((a, b) => (gatewayKey(a) < gatewayKey(b) ? -1 : 1))
      .map(({ metadata: { namespace = "", name } }): PolicyAncestorStatus => {
        const ancestorRef = { group: gatewayGroup, kind: "Gateway", namespace, name };
        const known = before.find(
          (one) =>
            one.controllerName === gatewayController &&
            one.ancestorRef.namespace === namespace &&
            one.ancestorRef.name === name,
        );
        return {
          ancestorRef,
          controllerName: gatewayController,
          conditions: conditions(
            known?.conditions,
            [
              fault === undefined ? yes("Accepted") : no("Accepted", fault),
              unresolved === undefined ? yes("ResolvedRefs") : no("ResolvedRefs", unresolved),
            ],
            { generation: policy.metadata.generation, nowMs: world.nowMs },
          ),
        };
      });
    const theirs = before.filter(({ controllerName }) => controllerName !== gatewayController);
    // What is nobody's of ours is not written to.
    if (ours.length === 0 && theirs.length === before.length) return [];
    return [
      { policy, status: { ...policy.status, ancestors: [...theirs, ...ours].slice(0, ancestorsMost) } },
    ];
  });
}

const isAbout = (
  { policy }: PolicyView,
  { namespace, service }: { readonly namespace: string; readonly service: string },
) => targetsOf(policy).some((key) => key.split(":")[0] === `${namespace}/${service}`);

function gatewayStatus(
  view: GatewayView,
  attached: ReadonlyMap<ListenerView, number>,
  world: StatusWorld,
): GatewayStatus {
  const { gateway, fault, listeners } = view;
  const before = gateway.status;
  const at = { generation: gateway.metadata.generation, nowMs: world.nowMs };
  const valid = listeners.filter(takesRequests);
  const bad: Fault = {
    reason: "ListenersNotValid",
    message: `not valid: ${listeners
      .filter((one) => !takesRequests(one))
      .map(({ name }) => name)
      .join(", ")}`,
  };
  const refused = fault && {
    ...fault,
    reason: fault.reason === "UnsupportedValue" ? "Invalid" : fault.reason,
  };
  const why = refused ?? (valid.length === 0 ? bad : undefined);
  const { addresses, isAnswered, why: noAddress } = world.served(view);
  const unanswered = valid.filter(({ port }) => !isAnswered(port));
  const notProgrammed: Fault | undefined =
    why !== undefined
      ? { reason: "Invalid", message: "the Gateway is not accepted" }
      : unanswered.length > 0
        ? {
            reason: "NoResources",
            message: `no node answers yet for: ${unanswered.map(({ name }) => name).join(", ")}`,
          }
        : addresses.length === 0
          ? { reason: "AddressNotAssigned", message: noAddress }
          : undefined;
  const accepted =
    why !== undefined
      ? no("Accepted", why)
      : valid.length === listeners.length
        ? yes("Accepted")
        : yes("Accepted", bad.reason, bad.message);
  return {
    ...before,
    addresses: why === undefined ? addresses : [],
    conditions: conditions(
      before?.conditions,
      [accepted, notProgrammed === undefined ? yes("Programmed") : no("Programmed", notProgrammed)],
      at,
    ),
    listeners: listeners.map((one): ListenerStatus => {
      const known = before?.listeners?.find(({ name }) => name === one.name);
      const isProgrammed = why === undefined && isAnswered(one.port);
      return {
        name: one.name,
        supportedKinds: one.kinds,
        attachedRoutes: attached.get(one) ?? 0,
        conditions: conditions(known?.conditions, listenerConditions(one, isProgrammed, world), at),
      };
    }),
  };
}

function listenerConditions(one: ListenerView, isProgrammed: boolean, world: StatusWorld): readonly Stated[] {
  const { refused, conflict, kindFault } = one;
  const unresolved = kindFault ?? certificateFault(one, world);
  const isUsable =
    takesRequests(one) && (unresolved === undefined || unresolved === kindFault) && one.kinds.length > 0;
  return [
    refused === undefined && conflict === undefined
      ? yes("Accepted")
      : no("Accepted", refused ?? (conflict as Fault)),
    conflict === undefined
      ? { type: "Conflicted", status: "False", reason: "NoConflicts", message: "" }
      : { ...no("Conflicted", conflict), status: "True" },
    unresolved === undefined ? yes("ResolvedRefs") : no("ResolvedRefs", unresolved),
    isUsable && isProgrammed
      ? yes("Programmed")
      : no("Programmed", {
          reason: isUsable ? "Pending" : "Invalid",
          message: isUsable ? "no node answers yet" : "the listener is not valid",
        }),
  ];
}

function certificateFault({ certificates }: ListenerView, { secret }: StatusWorld): Fault | undefined {
  for (const { secret: key, fault } of certificates) {
    if (fault !== undefined) return fault;
    const found = certificateIn(secret(key ?? ""), key ?? "");
    if ("problem" in found) return { reason: "InvalidCertificateRef", message: found.problem };
  }
  return undefined;
}

function routeStatus(
  { route }: AnyRoute,
  attachments: readonly Attachment[],
  {
    fault,
    unresolved,
    nowMs,
  }: { readonly fault: Fault | undefined; readonly unresolved: Fault | undefined; readonly nowMs: number },
): RouteStatus {
  const before = route.status?.parents ?? [];
  const key = ({ parentRef }: Pick<RouteParentStatus, "parentRef">) =>
    JSON.stringify(Object.entries(parentRef).sort(([a], [b]) => (a < b ? -1 : 1)));
  const ours = attachments.map(({ parentRef, fault: detached }): RouteParentStatus => {
    const known = before.find(
      (one) => one.controllerName === gatewayController && key(one) === key({ parentRef }),
    );
    const refused = detached ?? fault;
    return {
      parentRef,
      controllerName: gatewayController,
      conditions: conditions(
        known?.conditions,
        [
          refused === undefined ? yes("Accepted") : no("Accepted", refused),
          unresolved === undefined ? yes("ResolvedRefs") : no("ResolvedRefs", unresolved),
        ],
        { generation: route.metadata.generation, nowMs },
      ),
    };
  });
  const theirs = before.filter(({ controllerName }) => controllerName !== gatewayController);
  return { ...route.status, parents: [...theirs, ...ours] };
}
