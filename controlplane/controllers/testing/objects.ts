import type {
  Condition,
  DaemonSet,
  Deployment,
  Job,
  Meta,
  Node,
  OwnerReference,
  Pod,
  ReplicaSet,
} from "../../../client/types.ts";
import { controllerReference, type Owner } from "../owners.ts";
import { timeText } from "../times.ts";

/** The moment at which tests of plans take place. */
export const nowMs = Date.UTC(2026, 0, 1, 12);
export const now = timeText(nowMs);
export const timeAt = (ms: number): string => timeText(ms);
export const ago = (seconds: number): string => timeAt(nowMs - seconds * 1000);

export function meta(name: string, more: Partial<Meta> = {}): Meta {
  return {
    name,
    namespace: "default",
    uid: `uid-${name}`,
    resourceVersion: "1",
    creationTimestamp: ago(3600),
    generation: 1,
    ...more,
  };
}

export interface PodOptions {
  readonly node?: string;
  readonly phase?: string;
  /** Ready for so many seconds. */
  readonly readyFor?: number;
  readonly owner?: Owner;
  readonly meta?: Partial<Meta>;
  readonly spec?: Partial<Pod["spec"]>;
  readonly ip?: string;
}

export function pod(name: string, options: PodOptions = {}): Pod {
  const { node, phase = "Running", readyFor, owner, ip } = options;
  const ownerReferences: OwnerReference[] = owner === undefined ? [] : [controllerReference(owner)];
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: meta(name, { ownerReferences, ...options.meta }),
    spec: { containers: [{ name: "c" }], ...(node !== undefined && { nodeName: node }), ...options.spec },
    status: {
      phase,
      ...(ip !== undefined && { podIP: ip, podIPs: [{ ip }] }),
      ...(readyFor !== undefined && {
        conditions: [{ type: "Ready", status: "True", lastTransitionTime: ago(readyFor) }],
      }),
    },
  };
}

export function deployment(
  spec: Partial<Deployment["spec"]> = {},
  more: { readonly meta?: Partial<Meta>; readonly status?: Deployment["status"] } = {},
): Deployment {
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: meta("web", more.meta),
    spec: {
      replicas: 3,
      progressDeadlineSeconds: 600,
      selector: { matchLabels: { app: "web" } },
      template: template("a:1"),
      ...spec,
    },
    ...(more.status !== undefined && { status: more.status }),
  };
}

export function template(image: string) {
  return { metadata: { labels: { app: "web" } }, spec: { containers: [{ name: "web", image }] } };
}

export interface ReplicaSetOptions {
  readonly replicas?: number;
  readonly available?: number;
  readonly revision?: number;
  /** For how many replicas of the Deployment it was sized. */
  readonly sizedFor?: number;
  readonly maxFor?: number;
  readonly ageSeconds?: number;
  readonly conditions?: Condition[];
}

export function replicaSet(name: string, image: string, options: ReplicaSetOptions = {}): ReplicaSet {
  const { replicas = 3, available = replicas, revision = 1, sizedFor = 3, maxFor = 4 } = options;
  return {
    apiVersion: "apps/v1",
    kind: "ReplicaSet",
    metadata: meta(name, {
      creationTimestamp: ago(options.ageSeconds ?? 3600),
      annotations: {
        "deployment.kubernetes.io/revision": String(revision),
        "deployment.kubernetes.io/desired-replicas": String(sizedFor),
        "deployment.kubernetes.io/max-replicas": String(maxFor),
      },
    }),
    spec: { replicas, selector: { matchLabels: { app: "web" } }, template: template(image) },
    status: {
      replicas,
      availableReplicas: available,
      readyReplicas: available,
      observedGeneration: 1,
      ...(options.conditions !== undefined && { conditions: options.conditions }),
    },
  };
}

export function job(spec: Partial<Job["spec"]> = {}, status?: Job["status"]): Job {
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: meta("sum"),
    spec: { template: { spec: { restartPolicy: "Never", containers: [{ name: "c" }] } }, ...spec },
    ...(status !== undefined && { status }),
  };
}

export function node(
  name: string,
  more: { readonly ready?: string; readonly spec?: Node["spec"] } = {},
): Node {
  const { ready = "True", spec } = more;
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: meta(name),
    ...(spec !== undefined && { spec }),
    status: { conditions: [{ type: "Ready", status: ready, lastTransitionTime: ago(60) }] },
  };
}

export function daemonSet(spec: Partial<DaemonSet["spec"]> = {}): DaemonSet {
  return {
    apiVersion: "apps/v1",
    kind: "DaemonSet",
    metadata: meta("every"),
    spec: { selector: { matchLabels: { app: "web" } }, template: template("a:1"), ...spec },
  };
}
