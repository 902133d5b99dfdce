import type { Container, ContainerStatus, Pod } from "../../../client/types.ts";
import { amountSeries } from "./amounts.ts";
import { alpha, counter, type Family, info, one, type Series, stable, unixSeconds } from "./series.ts";

/** Families of a pod's containers, and of its init containers. Pure. */

interface Part {
  readonly prefix: string;
  readonly containers: (pod: Pod) => readonly Container[];
  readonly statuses: (pod: Pod) => readonly ContainerStatus[];
  readonly isInit: boolean;
}

const running: Part = {
  prefix: "kube_pod_container",
  containers: ({ spec }) => spec.containers,
  statuses: ({ status }) => status?.containerStatuses ?? [],
  isInit: false,
};
const init: Part = {
  prefix: "kube_pod_init_container",
  containers: ({ spec }) => spec.initContainers ?? [],
  statuses: ({ status }) => status?.initContainerStatuses ?? [],
  isInit: true,
};

export const containerFamilies: readonly Family<Pod>[] = [...families(running), ...families(init)];

function families(part: Part): readonly Family<Pod>[] {
  const { prefix, containers, statuses, isInit } = part;
  const [some, the] = isInit ? ["an init container", "the init container"] : ["a container", "the container"];
  const each =
    (value: (status: ContainerStatus) => number | undefined) =>
    (pod: Pod): readonly Series[] =>
      statuses(pod).flatMap((status) => one(value(status), { container: status.name }));
  const isIn = (state: "running" | "waiting" | "terminated") =>
    each(({ state: at }) => (at?.[state] === undefined ? 0 : 1));
  const reason =
    (of: (status: ContainerStatus) => { readonly reason?: string } | undefined) =>
    (pod: Pod): readonly Series[] =>
      statuses(pod).flatMap((status) => {
        const state = of(status);
        return state === undefined ? [] : info({ container: status.name, reason: state.reason ?? "" });
      });
  const stableIfRunning = isInit ? alpha<Pod> : stable<Pod>;
  const amounts = (which: "limits" | "requests") => (pod: Pod) =>
    containers(pod).flatMap(({ name, resources }) =>
      amountSeries(resources?.[which], { container: name, node: pod.spec.nodeName ?? "" }),
    );
  const better = (which: string) =>
    isInit
      ? ""
      : ` It is recommended to use the kube_pod_resource_${which} metric exposed by kube-scheduler instead, as it is more precise.`;
  return [
    stable(`${prefix}_info`, `Information about ${some} in a pod.`, (pod) => infoOf(part, pod)),
    stableIfRunning(
      `${prefix}_resource_limits`,
      `The number of requested limit resource by ${some}.${better("limits")}`,
      amounts("limits"),
    ),
    stableIfRunning(
      `${prefix}_resource_requests`,
      `The number of requested request resource by ${some}.${better("requests")}`,
      amounts("requests"),
    ),
    stableIfRunning(
      `${prefix}_state_started`,
      `Start time in unix timestamp for a pod ${isInit ? "init container" : "container"}.`,
      each(({ state }) => unixSeconds(state?.running?.startedAt ?? state?.terminated?.startedAt)),
    ),
    alpha(
      `${prefix}_status_last_terminated_reason`,
      `Describes the last reason ${the} was in terminated state.`,
      reason(({ lastState }) => lastState?.terminated),
    ),
    alpha(
      `${prefix}_status_last_terminated_exitcode`,
      `Describes the exit code for the last ${isInit ? "init container" : "container"} in terminated state.`,
      each(({ lastState }) => lastState?.terminated?.exitCode),
    ),
    alpha(
      `${prefix}_status_last_terminated_timestamp`,
      `Last terminated time for a pod ${isInit ? "init container" : "container"} in unix timestamp.`,
      each(({ lastState }) => unixSeconds(lastState?.terminated?.finishedAt)),
    ),
    stable(
      `${prefix}_status_ready`,
      `Describes whether the ${isInit ? "init containers" : "containers"} readiness check succeeded.`,
      each(({ ready }) => (ready ? 1 : 0)),
    ),
    counter(
      `${prefix}_status_restarts_total`,
      isInit
        ? "The number of restarts for the init container."
        : "The number of container restarts per container.",
      each(({ restartCount }) => restartCount),
    ),
    stable(
      `${prefix}_status_running`,
      `Describes whether ${the} is currently in running state.`,
      isIn("running"),
    ),
    stable(
      `${prefix}_status_terminated`,
      `Describes whether ${the} is currently in terminated state.`,
      isIn("terminated"),
    ),
    alpha(
      `${prefix}_status_terminated_reason`,
      `Describes the reason ${the} is currently in terminated state.`,
      reason(({ state }) => state?.terminated),
    ),
    stable(
      `${prefix}_status_waiting`,
      `Describes whether ${the} is currently in waiting state.`,
      isIn("waiting"),
    ),
    stableIfRunning(
      `${prefix}_status_waiting_reason`,
      `Describes the reason ${the} is currently in waiting state.`,
      reason(({ state }) => state?.waiting),
    ),
  ];
}

function infoOf({ containers, statuses, isInit }: Part, pod: Pod): readonly Series[] {
  const byName = new Map(statuses(pod).map((status) => [status.name, status]));
  return containers(pod).flatMap(({ name, image, restartPolicy }) => {
    const status = byName.get(name);
    if (status === undefined) return [];
    return info({
      container: name,
      image_spec: image ?? "",
      image: status.image,
      image_id: status.imageID,
      container_id: status.containerID ?? "",
      ...(isInit && { restart_policy: restartPolicy ?? "" }),
    });
  });
}
