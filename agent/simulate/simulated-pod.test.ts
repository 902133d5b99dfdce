import { strict as assert } from "node:assert";
import fc from "fast-check";
import type { Pod, PodStatus } from "../../client/types.ts";
import { PodBehaviours } from "./pod-behaviour.ts";
import { SimulatedPod } from "./simulated-pod.ts";
import { defaultStages, type Stage, type Step } from "./stages.ts";

const startMs = Date.UTC(2026, 0, 1);

/** A pod with containers and, before `|`, init containers; `*` after one of those: a sidecar. */
function podOf(containers: string, spec: object = {}, metadata: object = {}): Pod {
  const [inits, mains] = containers.includes("|") ? containers.split("|") : ["", containers];
  const named = (text = "") =>
    text
      .trim()
      .split(/\s+/)
      .filter(Boolean)
      .map((name) => ({
        name: name.replace("*", ""),
        image: "i",
        ...(name.endsWith("*") && { restartPolicy: "Always" }),
      }));
  return {
    metadata: { name: "p", namespace: "d", uid: "u", ...metadata },
    spec: { initContainers: named(inits), containers: named(mains), restartPolicy: "Always", ...spec },
  } as unknown as Pod;
}

const stage = (step: Step, delayMs: number): Stage => ({
  step,
  labels: {},
  annotations: {},
  delayMs,
  mostMs: delayMs,
});

const node = (...stages: Stage[]) => ({
  hostIp: "10.0.0.1",
  stages: [...stages, ...defaultStages],
  giveIp: () => "100.64.0.2",
  behaviours: new PodBehaviours(),
  images: new Set<string>(),
  onEvent: () => undefined,
});

/** Phase, and each container's state and restarts. */
const shown = ({ phase, initContainerStatuses = [], containerStatuses = [] }: PodStatus) =>
  [
    phase,
    ...[...initContainerStatuses, ...containerStatuses].map(({ name, state, restartCount, ready }) => {
      const { running, terminated, waiting } = state ?? {};
      const what = running ? "runs" : (waiting?.reason ?? `exit ${terminated?.exitCode}`);
      return `${name} ${what}${ready ? " ready" : ""}${restartCount ? ` +${restartCount}` : ""}`;
    }),
  ].join(", ");

/** Advances as time is due until nothing is, or `mostMs` are over; answers what was shown, each once, with its time. */
function life(pod: Pod, of: ReturnType<typeof node>, mostMs = 600_000) {
  const simulated = new SimulatedPod(pod, of);
  let now = startMs;
  let known = pod;
  const seen: string[] = [];
  const step = () => {
    known = { ...known, status: simulated.advance(known, now).status };
    const text = shown(known.status as PodStatus);
    if (!seen.at(-1)?.endsWith(`: ${text}`)) seen.push(`${now - startMs}: ${text}`);
    // Its own status wakes it, as a watch does.
    return simulated.advance(known, now).wakeAtMs;
  };
  for (let wakeAtMs = step(); wakeAtMs !== undefined && wakeAtMs - startMs <= mostMs; wakeAtMs = step())
    now = wakeAtMs;
  return { seen, status: known.status as PodStatus };
}

describe("agent/simulate/simulated-pod", () => {
  it("is ready at once where no stage says otherwise", () => {
    const { seen, status } = life(podOf("a b"), node());
    assert.deepEqual(seen, ["0: Running, a runs ready, b runs ready"]);
    assert.equal(status.podIP, "100.64.0.2");
    assert.equal(status.conditions?.find(({ type }) => type === "Ready")?.status, "True");
  });

  it("runs init containers one after the other, and sidecars on", () => {
    const slow = node(stage("pod-create", 1000), stage("pod-init-complete", 2000), stage("pod-ready", 5000));
    assert.deepEqual(life(podOf("i s* j | a"), slow).seen, [
      "0: Pending, i PodInitializing, s PodInitializing, j PodInitializing, a PodInitializing",
      "1000: Pending, i runs, s PodInitializing, j PodInitializing, a PodInitializing",
      "3000: Pending, i exit 0 ready, s runs ready, j runs, a PodInitializing",
      "5000: Pending, i exit 0 ready, s runs ready, j exit 0 ready, a PodInitializing",
      "10000: Running, i exit 0 ready, s runs ready, j exit 0 ready, a runs ready",
    ]);
  });

  it("completes where a Job made it", () => {
    const pod = podOf("s* | a", { restartPolicy: "Never" }, { ownerReferences: [{ kind: "Job" }] });
    assert.deepEqual(life(pod, node(stage("pod-complete", 700))).seen, [
      "0: Running, s runs ready, a runs ready",
      "700: Succeeded, s exit 143, a exit 0",
    ]);
  });

  it("fails where a stage says so, and starts again as an agent does", () => {
    assert.deepEqual(life(podOf("a"), node(stage("pod-fail", 1000)), 35_000).seen, [
      "0: Running, a runs ready",
      "1000: Running, a runs ready +1",
      "2000: Running, a CrashLoopBackOff +1",
      "12000: Running, a runs ready +2",
      "13000: Running, a CrashLoopBackOff +2",
      "33000: Running, a runs ready +3",
      "34000: Running, a CrashLoopBackOff +3",
    ]);
    const never = podOf("a", { restartPolicy: "Never" });
    assert.deepEqual(life(never, node(stage("pod-fail", 1000))).seen, [
      "0: Running, a runs ready",
      "1000: Failed, a exit 1",
    ]);
  });

  it("ends at its deadline", () => {
    const { seen, status } = life(podOf("a", { activeDeadlineSeconds: 5 }), node());
    assert.deepEqual(seen, ["0: Running, a runs ready", "5000: Failed, a exit 143"]);
    assert.equal(status.reason, "DeadlineExceeded");
  });

  it("takes no longer to go than its grace", () => {
    const of = node(stage("pod-delete", 60_000));
    const pod = podOf("a");
    const simulated = new SimulatedPod(pod, of);
    const { status } = simulated.advance(pod, startMs);
    const metadata = { ...pod.metadata, deletionTimestamp: "x", deletionGracePeriodSeconds: 2 };
    const deleted = { ...pod, status, metadata } as unknown as Pod;
    assert.equal(simulated.advance(deleted, startMs + 1000).wakeAtMs, startMs + 3000);
    const end = simulated.advance(deleted, startMs + 3000);
    assert.equal(end.isFinished, true);
    assert.equal(shown(end.status), "Failed, a exit 137");
  });

  it("shows the same to whoever takes it over from its status", () => {
    fc.assert(
      fc.property(
        fc.constantFrom("a", "a b", "i | a", "s* i | a b"),
        fc.constantFrom("Always", "OnFailure", "Never"),
        fc.array(
          fc.tuple(
            fc.constantFrom<Step>("pod-create", "pod-ready", "pod-init-complete", "pod-fail"),
            fc.integer({ min: 0, max: 3 }),
          ),
        ),
        fc.integer({ min: 0, max: 12 }),
        (containers, restartPolicy, stages, seconds) => {
          const pod = podOf(containers, { restartPolicy });
          const of = node(...stages.map(([step, delay]) => stage(step, delay * 1000)));
          const { status } = life(pod, of, seconds * 1000);
          const known = { ...pod, status };
          const nowMs = startMs + seconds * 1000;
          // No step of the successor is over yet but those that take no time.
          const idle = node(
            ...(["pod-create", "pod-ready", "pod-init-complete"] as const).map((one) => stage(one, 1e9)),
          );
          const taken = new SimulatedPod(known, idle).advance(known, nowMs).status;
          const before = (status.containerStatuses ?? []).map(({ name, restartCount, containerID }) => [
            name,
            restartCount,
            containerID,
          ]);
          const after = (taken.containerStatuses ?? []).map(({ name, restartCount, containerID }) => [
            name,
            restartCount,
            containerID,
          ]);
          assert.deepEqual(after, before);
          assert.equal(taken.podIP, status.podIP);
        },
      ),
      { seed: 3, numRuns: 300 },
    );
  });
});
