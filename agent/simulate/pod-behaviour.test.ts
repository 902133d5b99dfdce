import assert from "node:assert/strict";
import type { Pod, PodStatus } from "../../client/types.ts";
import { behaviourProblems } from "./check-behaviours.ts";
import { isLike, type PodBehaviour, PodBehaviours } from "./pod-behaviour.ts";
import { SimulatedPod } from "./simulated-pod.ts";
import { defaultStages } from "./stages.ts";

const startMs = Date.parse("2026-07-01T00:00:00Z");

type Spec = Partial<Pod["spec"]>;
const pod = (container: object = {}, spec: Spec = {}): Pod =>
  ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "a", namespace: "default", uid: "u", resourceVersion: "1", labels: { app: "a" } },
    spec: { nodeName: "n", containers: [{ name: "c", image: "reg.io/web:1", ...container }], ...spec },
  }) as unknown as Pod;

/** Status and events as they come, each with its second. */
function life(of: Pod, behaviours: readonly PodBehaviour[], mostMs = 120_000, images = new Set<string>()) {
  assert.deepEqual(behaviourProblems(behaviours), []);
  let now = startMs;
  const seen: string[] = [];
  const second = () => `${(now - startMs) / 1000}`;
  const simulated = new SimulatedPod(of, {
    hostIp: "10.0.0.1",
    stages: defaultStages,
    giveIp: () => "100.64.0.2",
    behaviours: new PodBehaviours(behaviours),
    images,
    onEvent: (_pod, _container, type, reason, message) => {
      if (type === "Warning" || reason === "Killing" || reason.startsWith("Pull"))
        seen.push(`${second()} ${reason}: ${message}`);
    },
  });
  let known = of;
  const step = () => {
    known = { ...known, status: simulated.advance(known, now).status };
    const text = shown(known.status as PodStatus);
    if (seen.findLast((one) => one.includes(" is "))?.split(" is ")[1] !== text)
      seen.push(`${second()} is ${text}`);
    return simulated.advance(known, now);
  };
  for (
    let last = step();
    last.wakeAtMs !== undefined && last.wakeAtMs - startMs <= mostMs && !last.isFinished;
  ) {
    now = last.wakeAtMs;
    last = step();
  }
  return { seen, status: known.status as PodStatus, simulated };
}

const shown = ({ phase, reason, initContainerStatuses = [], containerStatuses = [] }: PodStatus) =>
  [
    `${phase}${reason ? ` (${reason})` : ""}`,
    ...[...initContainerStatuses, ...containerStatuses].map(
      ({ name, state, restartCount, ready, started }) => {
        const { running, terminated, waiting } = state ?? {};
        const what = running
          ? started
            ? "runs"
            : "starts"
          : (waiting?.reason ?? `${terminated?.reason} ${terminated?.exitCode}`);
        return `${name} ${what}${ready ? " ready" : ""}${restartCount ? ` +${restartCount}` : ""}`;
      },
    ),
  ].join(", ");

describe("agent/simulate/pod-behaviour", () => {
  it("lets images take their time once for a node, then the start, then being ready", () => {
    const images = new Set<string>();
    const behaviours = [{ image: "reg.io/*", pull: "3s", start: "2s", ready: "4s" }];
    assert.deepEqual(life(pod(), behaviours, 60_000, images).seen, [
      '0 Pulling: Pulling image "reg.io/web:1"',
      "0 is Pending, c ContainerCreating",
      '3 Pulled: Successfully pulled image "reg.io/web:1" in 3000ms. Image size: 1048576 bytes.',
      "5 is Running, c runs",
      "9 is Running, c runs ready",
    ]);
    assert.deepEqual(life(pod(), behaviours, 60_000, images).seen, [
      '0 Pulled: Container image "reg.io/web:1" already present on machine and can be accessed by the pod',
      "0 is Pending, c ContainerCreating",
      "2 is Running, c runs",
      "6 is Running, c runs ready",
    ]);
    assert.match(
      life(pod({ imagePullPolicy: "Always" }), behaviours, 60_000, images).seen[0] ?? "",
      /Pulling/,
    );
  });

  it("fails pulls as a kubelet's, later and later, until they do not fail any more", () => {
    const failed = 'failed to pull image "reg.io/web:1": not found';
    const { seen, status } = life(pod(), [{ pull: { error: "not found", times: 2 } }]);
    assert.deepEqual(
      seen.filter((one) => / is |Failed: F/.test(one)),
      [
        `0 Failed: Failed to pull image "reg.io/web:1": ${failed}`,
        "0 is Pending, c ErrImagePull",
        `10 Failed: Failed to pull image "reg.io/web:1": ${failed}`,
        "30 is Running, c runs ready",
      ],
    );
    assert.equal(status.containerStatuses?.[0]?.restartCount, 0);
    const stuck = life(pod(), [{ pull: { error: "not found" } }], 5_000);
    const known = { ...pod(), status: stuck.status };
    const { status: later } = stuck.simulated.advance(known, startMs + 1000);
    assert.deepEqual(later.containerStatuses?.[0]?.state?.waiting, {
      reason: "ImagePullBackOff",
      message: `Back-off pulling image "reg.io/web:1": ErrImagePull: ${failed}`,
    });
    assert.match(
      life(pod({ imagePullPolicy: "Never" }), [{ pull: 0 }]).seen.join(),
      /Pending, c ErrImageNeverPull/,
    );
    assert.match(life(pod({ image: "Bad Name" }), [{ pull: 0 }]).seen.join(), /Pending, c InvalidImageName/);
  });

  it("ends containers as said, and restarts them later and later", () => {
    const { seen, status } = life(pod(), [
      { exit: { reason: "OOMKilled", after: "5s", message: "too much", times: 2 } },
    ]);
    assert.deepEqual(seen, [
      "0 is Running, c runs ready",
      "5 is Running, c runs ready +1",
      "10 BackOff: Back-off restarting failed container c in pod a_default(u)",
      "10 is Running, c CrashLoopBackOff +1",
      "20 is Running, c runs ready +2",
    ]);
    const { terminated } = status.containerStatuses?.[0]?.lastState ?? {};
    assert.deepEqual(
      [terminated?.reason, terminated?.exitCode, terminated?.message],
      ["OOMKilled", 137, "too much"],
    );
    assert.deepEqual(life(pod({}, { restartPolicy: "Never" }), [{ exit: { code: 3, after: "1s" } }]).seen, [
      "0 is Running, c runs ready",
      "1 is Failed, c Error 3",
    ]);
    assert.deepEqual(
      life(pod({}, { initContainers: [{ name: "i", image: "init" }] }), [
        { container: "i", exit: { code: 1, after: "2s", times: 1 } },
      ]).seen,
      ["0 is Pending, i runs, c PodInitializing", "2 is Running, i Completed 0 ready +1, c runs ready"],
    );
  });

  it("has the pod's own probes find what is said, at their periods and thresholds", () => {
    const readinessProbe = {
      httpGet: { port: 80 },
      periodSeconds: 5,
      failureThreshold: 2,
      initialDelaySeconds: 1,
    };
    assert.deepEqual(
      life(pod({ readinessProbe }), [{ probe: { readiness: ["fail", "ok", "fail", false, "ok"] } }]).seen,
      [
        "0 is Running, c runs",
        "1 Unhealthy: Readiness probe failed: HTTP probe failed with statuscode: 503",
        "6 is Running, c runs ready",
        "11 Unhealthy: Readiness probe failed: HTTP probe failed with statuscode: 503",
        "16 Unhealthy: Readiness probe failed: HTTP probe failed with statuscode: 503",
        "16 is Running, c runs",
        "21 is Running, c runs ready",
      ],
    );
    const livenessProbe = { exec: { command: ["x"] }, periodSeconds: 10, failureThreshold: 1 };
    const startupProbe = { exec: { command: ["x"] }, periodSeconds: 2 };
    assert.deepEqual(
      life(
        pod({ startupProbe, livenessProbe }),
        [
          {
            probe: {
              startup: { from: "3s" },
              liveness: ({ restarts, elapsedMs }) => restarts > 0 || elapsedMs < 20_000 || "stuck",
            },
          },
        ],
        60_000,
      ).seen,
      [
        "0 Unhealthy: Startup probe failed: the script says so",
        "0 is Running, c starts",
        "2 Unhealthy: Startup probe failed: the script says so",
        "4 is Running, c runs ready",
        "24 Unhealthy: Liveness probe failed: stuck",
        "24 Killing: Container c failed liveness probe, will be restarted",
        "24 Unhealthy: Startup probe failed: the script says so",
        "24 is Running, c starts +1",
        "26 Unhealthy: Startup probe failed: the script says so",
        "28 is Running, c runs ready +1",
      ],
    );
  });

  it("evicts pods, and lets them take their time to end, but no longer than their grace", () => {
    assert.deepEqual(life(pod(), [{ evict: { after: "10s", message: "no memory" }, stop: "500ms" }]).seen, [
      "0 is Running, c runs ready",
      "10 Evicted: no memory",
      "10.5 is Failed (Evicted), c Error 143",
    ]);
    const deleted = pod();
    const simulated = life(deleted, [{ stop: "1m" }]).simulated;
    const leaving = {
      ...deleted,
      metadata: {
        ...deleted.metadata,
        deletionTimestamp: "2026-07-01T00:00:05Z",
        deletionGracePeriodSeconds: 5,
      },
    };
    assert.equal(simulated.advance(leaving, startMs).wakeAtMs, startMs + 5_000);
    const { isFinished, status } = simulated.advance(leaving, startMs + 5_000);
    assert.equal(isFinished, true);
    assert.equal(status.containerStatuses?.[0]?.state?.terminated?.exitCode, 137);
  });

  it("takes each field from the first behaviour that fits and says it", () => {
    const behaviours = new PodBehaviours([
      { name: /^b/, stop: 1 },
      { namespace: "other", stop: 2 },
      { labels: { app: "x" }, stop: 3 },
      { image: "reg.io/*:1", start: 4 },
      { container: "d", stop: 5 },
      { stop: 6, start: 7 },
    ]);
    const { containers } = pod().spec;
    assert.equal(behaviours.of("stop", pod(), containers[0]), 6);
    assert.equal(behaviours.of("start", pod(), containers[0]), 4);
    for (const [pattern, text, fits] of [
      ["a*", "abc", true],
      ["*c", "abc", true],
      ["a*c", "ac", true],
      ["a*b*c", "axbxc", true],
      ["a*b*c", "axc", false],
      ["ab*bc", "abc", false],
      ["abc", "abcd", false],
      ["*", "", true],
      [/b/g, "abc", true],
    ] as const)
      assert.equal(isLike(pattern, text), fits, `${pattern} ${text}`);
  });

  it("names everything in a behaviour that is wrong", () => {
    const wrong = [
      { image: 1, pull: "soon", exit: { code: 300, when: 1 }, probe: { readiness: [] }, logs: 3 },
      { exec: "ls", evict: true, what: 1, labels: { a: 1 }, exit: { reason: "Bored", times: 0 } },
    ];
    assert.deepEqual(behaviourProblems(wrong), [
      "pods[0].image: 1 must be a text",
      'pods[0].pull: "soon" is no duration: give milliseconds, or a text with units such as "90s" or "5m"',
      "pods[0].exit.code: 300 must be a whole number from 0 to 255",
      "pods[0].exit.when: 1 is none of code, after, reason, message, times",
      "pods[0].probe.readiness: [] must name a result at least",
      "pods[0].logs: 3 must be a text",
      'pods[1].exec: "ls" must be a function',
      "pods[1].evict: true must be an object",
      "pods[1].what: 1 is none of image, name, namespace, labels, container, pull, start, ready, probe, exit, stop, evict, logs, exec",
      "pods[1].labels.a: 1 must be a text",
      'pods[1].exit.reason: "Bored" is none of "Completed", "Error", "OOMKilled"',
      "pods[1].exit.times: 0 must be a whole number of at least 1",
    ]);
    assert.match(behaviourProblems({})[0] ?? "", /^pods: \{\} must be a list/);
  });
});
