import { isReady } from "../../../../client/rules/readiness.ts";
import type { Tone } from "../../../../client/rules/tone.ts";
import type { KubeObject as ClientObject } from "../../../../client/types.ts";
import type { KubeObject } from "../api/object-feed.ts";

/** How an object is, at a glance. */
export interface Health {
  readonly tone: Tone;
  readonly word: string;
}

interface ContainerState {
  readonly state?: {
    readonly waiting?: { readonly reason?: string };
    readonly terminated?: { readonly reason?: string };
  };
}

/** By the rule of `client/rules/readiness.ts`; of what is not ready, whether it has failed for good and why it waits. Pure. */
export function healthOf(object: KubeObject): Health {
  const { kind = "", metadata, spec = {}, status = {} } = object;
  if (metadata.deletionTimestamp !== undefined) return { tone: "busy", word: "being deleted" };
  if (isReady(object as unknown as ClientObject)) {
    const isIdle = spec.replicas === 0 || status.phase === "Succeeded" || kind === "Job";
    return isIdle
      ? { tone: "quiet", word: spec.replicas === 0 ? "no replicas" : "done" }
      : { tone: "good", word: "ready" };
  }
  if (kind === "Pod") return podHealth(status);
  if (kind === "Job") return jobHealth(status);
  return { tone: "warn", word: "not ready" };
}

function podHealth(status: Readonly<Record<string, unknown>>): Health {
  const containers = [status.initContainerStatuses, status.containerStatuses].flatMap((list) =>
    Array.isArray(list) ? (list as readonly ContainerState[]) : [],
  );
  const reasons = containers.flatMap(
    ({ state }) => state?.waiting?.reason ?? state?.terminated?.reason ?? [],
  );
  const reason = reasons.find((one) => !/^(ContainerCreating|PodInitializing|Completed)$/.test(one));
  if (status.phase === "Failed") return { tone: "bad", word: String(status.reason ?? reason ?? "failed") };
  if (reason !== undefined) return { tone: "bad", word: reason };
  return status.phase === "Running" ? { tone: "warn", word: "not ready" } : { tone: "busy", word: "pending" };
}

function jobHealth(status: Readonly<Record<string, unknown>>): Health {
  const conditions = (Array.isArray(status.conditions) ? status.conditions : []) as readonly {
    readonly type?: string;
    readonly status?: string;
  }[];
  const isFailed = conditions.some(({ type, status: is }) => type === "Failed" && is === "True");
  return isFailed ? { tone: "bad", word: "failed" } : { tone: "busy", word: "runs" };
}
