import { strict as assert } from "node:assert";
import type { Container, Pod } from "../../client/types.ts";
import type { ProbeFailure } from "../probes/probe-standing.ts";
import type { ContainerState, RuntimeContainer, SandboxStatus } from "../runtime/seam.ts";
import { afterRestart, type BackoffEntry, backoffUntil } from "./crash-backoff.ts";
import { type Action, planPod } from "./plan-pod.ts";
import { podStatus } from "./pod-status.ts";

/** A row: the pod (`Policy container… | init…`), what runs (`sandbox:state name#attempt=state …`), the plan and the phase.
 *  States: run, new, exit code; then `!`: failed liveness, `~`: runs an image that the pod no longer names, `=`: was killed
 *  for another to take its place. `@`: when it ended, `^`: when it was made. `*` after an init container: a sidecar;
 *  `:Policy+1!2`: see `containerOf`. Time is 100 s. */
const table = `
Always a                | -                              -> make-sandbox 0                   Pending
Always a                | s0:ready                       -> start a 0                        Pending
Always a b              | s0:ready a0=run                -> start b 0                        Pending
Always a b              | s0:ready a0=run b0=run         ->                                  Running
Always a                | s0:ready a0=new                -> start a 0                        Pending
Always a                | s0:ready a0=1@99               -> start a 1                        Running
Always a                | s0:ready a0=1 a1=1@99 back10   -> back-off a 109                   Running
Always a                | s0:ready a0=1 a1=1@80 back10   -> start a 2                        Running
Always a                | s0:ready a0=0@99               -> start a 1                        Running
OnFailure a             | s0:ready a0=0@99               -> stop-pod 30                      Succeeded
OnFailure a             | s0:ready a0=2@99               -> start a 1                        Running
Never a                 | s0:ready a0=2@99               -> stop-pod 30                      Failed
Never a b               | s0:ready a0=2@99 b0=run        ->                                  Running
Never a b               | s0:notready a0=2@99 b0=0       ->                                  Failed
Always a                | s0:ready a0=run!               -> kill a (Container a failed liveness probe, will be restarted) Running
Never a                 | s0:ready a0=run!               -> kill a (Container a failed liveness probe) Running
Always a                | s0:ready a0=run~               -> kill a (Container a definition changed, will be restarted) Running
Never a                 | s0:ready a0=run~               -> kill a (Container a definition changed, will be restarted) Running
Never a                 | s0:ready a0=0=                 -> start a 1                        Running
OnFailure a             | s0:ready a0=0=                 -> start a 1                        Running
Never a                 | s0:ready a0=0~                 -> stop-pod 30                      Succeeded
Always a | i            | s0:ready i0=run~               ->                                  Pending
Never a | s*            | s0:ready s0=run~ a0=run        -> kill s (Init container s definition changed) Running
Always a                | s0:notready a0=137@99          -> make-sandbox 1                   Running
Always a                | s0:notready a0=run             -> stop-sandbox s0, make-sandbox 1  Running
Always a                | s0:notready s1:ready a0=137@99 -> start a 1                        Running
Always a | i            | s0:ready                       -> start i 0                        Pending
Always a | i            | s0:ready i0=run                ->                                  Pending
Always a | i j          | s0:ready i0=0@99               -> start j 0                        Pending
Always a | i            | s0:ready i0=1@99               -> start i 1                        Pending
Never a | i             | s0:ready i0=1@99               -> stop-pod 30                      Failed
Always a | i            | s0:ready i0=0@99               -> start a 0                        Pending
Always a | i            | s0:ready i0=0@99 a0=run        ->                                  Running
Always a | i            | s0:notready s1:ready i0=0@9    -> start i 1                        Pending
Always a | s*           | s0:ready                       -> start s 0                        Pending
Always a | s*           | s0:ready s0=run                -> start a 0                        Pending
Always a | s*           | s0:ready s0=1@99 a0=run        -> start s 1                        Running
Never a | s*            | s0:ready s0=run a0=0@99        -> stop-pod 30                      Succeeded
deleted a               | s0:ready a0=run                -> stop-pod 7                       Running
deleted a               | s0:notready a0=143             -> finish                           Failed
deleted a               | -                              -> finish                           Failed
deleted a b             | s0:notready a0=0               -> finish                           Failed
deleted a b             | s0:notready a0=0 b0=0          -> finish                           Succeeded
deadline a              | s0:ready a0=run                -> stop-pod 30, fail-pod            Running
Never a:OnFailure       | s0:ready a0=2@99               -> start a 1                        Running
Never a:OnFailure       | s0:ready a0=0@99               -> stop-pod 30                      Succeeded
Always a:Never          | s0:ready a0=2@99               -> stop-pod 30                      Failed
Always a:Never b        | s0:ready a0=2@99 b0=run        ->                                  Running
Never a:Always          | s0:ready a0=0@99               -> start a 1                        Running
Never a:Never+5         | s0:ready a0=5@99               -> start a 1                        Running
Never a:Never+5         | s0:ready a0=6@99               -> stop-pod 30                      Failed
Always a:Never          | s0:ready a0=run!               -> kill a (Container a failed liveness probe) Running
Never a:OnFailure       | s0:ready a0=run!               -> kill a (Container a failed liveness probe, will be restarted) Running
Never a | i:OnFailure   | s0:ready i0=1@99               -> start i 1                        Pending
Always a | i:Never      | s0:ready i0=1@99               -> stop-pod 30                      Failed
Always a | i:Never+0    | s0:ready i0=0@99               -> start a 0                        Pending
Never a:Never!5 b       | s0:ready a0=5@99 b0=run        -> kill b in 0 s (Stopping container b) Running
Never a:Never!5 b       | s0:ready a0=5@99 b0=137@99     -> start a 1, start b 1             Running
Never a:Never!5 b       | s0:ready a0=5@98 b0=137@99 a1=run^99 -> start b 1                  Running
Never a:Never!5 b       | s0:ready a0=5@98 a1=run^99 b1=run^99 ->                            Running
Never a:Never!5 b       | s0:ready a0=5@97 a1=0@99^98 b1=0@99^98 -> stop-pod 30              Succeeded
Never a:Never!5 b       | s0:ready a0=4@99 b0=run        ->                                  Running
Never a:Never!5 | i     | s0:ready i0=0@60 a0=5@99       -> start i 1                        Running
Never a:Never!5 | i     | s0:ready a0=5@98 i1=run^99     ->                                  Running
Never a:Never!5 | i     | s0:ready a0=5@97 i1=0@99^98    -> start a 1                        Running
Never a:Never!5 | s*    | s0:ready s0=run a0=5@99        -> kill s in 0 s (Stopping container s) Running
`;

describe("planPod", () => {
  for (const row of table.trim().split("\n")) {
    const [given = "", wanted = ""] = row.split("->");
    it(row.replace(/\s+/g, " "), () => {
      const cut = given.lastIndexOf("|");
      const { pod, observed, backoffs, unhealthy } = scene(given.slice(0, cut), given.slice(cut + 1));
      const started = new Set(
        observed.containers.filter(({ state }) => state.phase === "running").map(({ id }) => id),
      );
      const plan = planPod({ pod, observed, backoffs, unhealthy, started, nowMs: 100_000, terminal: false });
      const status = podStatus({
        pod,
        observed,
        started,
        ready: started,
        nowMs: 100_000,
        scheme: "oci",
        recursiveReadOnly: true,
        hostIp: "10.0.0.1",
        waiting: new Map(),
        terminationMessages: new Map(),
      });
      const shown = `${plan.actions.map(textOf).join(", ")} ${status.phase}`.trim();
      assert.equal(shown, wanted.trim().replace(/\s+/g, " "));
      const back = plan.actions.find((action) => action.kind === "back-off");
      if (back) assert.equal(plan.wakeAtMs, back.untilMs);
    });
  }
});

describe("planPod of a pod to be evicted", () => {
  const plan = (podText: string, terminal = false, graceSeconds = 1) => {
    const { pod, observed } = scene(podText, " s0:ready a0=run ");
    const eviction = { message: "too much", graceSeconds };
    const none = { backoffs: new Map(), unhealthy: new Map(), started: new Set<string>() };
    const input = { pod, observed, ...none, nowMs: 100_000, terminal, eviction };
    return planPod(input).actions.map(textOf).join(", ");
  };

  it("stops it within its grace and fails it, also when it is being deleted", () => {
    assert.equal(plan("Always a "), "stop-pod 1, fail-pod");
    assert.equal(plan("deleted a "), "stop-pod 1, fail-pod");
    assert.equal(plan("Always a ", false, 20), "stop-pod 20, fail-pod");
  });

  it("leaves one that ended for good as it is", () => {
    assert.equal(plan("Always a ", true), "stop-pod 30");
  });
});

describe("crash back-off", () => {
  it("lets the first restart through, then waits 10 s doubling to 5 min, and forgets after 10 min", () => {
    let entry: BackoffEntry | undefined;
    let nowMs = 0;
    const waits: number[] = [];
    for (let crash = 0; crash < 8; crash++) {
      const finishedMs = nowMs;
      const untilMs = backoffUntil(entry, finishedMs, nowMs) ?? nowMs;
      waits.push((untilMs - nowMs) / 1000);
      nowMs = untilMs;
      entry = afterRestart(entry, finishedMs, nowMs);
    }
    assert.deepEqual(waits, [0, 10, 20, 40, 80, 160, 300, 300]);
    assert.equal(backoffUntil(entry, nowMs + 600_001, nowMs + 600_001), undefined);
    assert.notEqual(backoffUntil(entry, nowMs + 599_999, nowMs + 599_999), undefined);
  });
});

function textOf(action: Action): string {
  switch (action.kind) {
    case "start":
      return `start ${action.name} ${action.attempt}`;
    case "back-off":
      return `back-off ${action.name} ${action.untilMs / 1000}`;
    case "kill":
      return `kill ${action.name}${action.graceSeconds === 0 ? " in 0 s" : ""} (${action.message})`;
    case "make-sandbox":
      return `make-sandbox ${action.attempt}`;
    case "stop-sandbox":
      return `stop-sandbox ${action.id}`;
    case "stop-pod":
      return `stop-pod ${action.graceSeconds}`;
    default:
      return action.kind;
  }
}

function scene(podText: string, runs: string) {
  const [mains = "", inits = ""] = podText.split("|");
  const [policy = "", ...names] = mains.trim().split(" ");
  const initContainers = inits
    .trim()
    .split(" ")
    .filter(Boolean)
    .map(
      (name): Container =>
        name.endsWith("*")
          ? { name: name.slice(0, -1), image: "i", restartPolicy: "Always" }
          : containerOf(name),
    );
  const pod: Pod = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: "p",
      uid: "u",
      resourceVersion: "1",
      creationTimestamp: "1970-01-01T00:00:00Z",
      ...(policy === "deleted" && {
        deletionTimestamp: "1970-01-01T00:01:00Z",
        deletionGracePeriodSeconds: 7,
      }),
    },
    spec: {
      containers: names.map(containerOf),
      initContainers,
      restartPolicy: ["deleted", "deadline"].includes(policy) ? "Always" : policy,
      ...(policy === "deadline" && { activeDeadlineSeconds: 60 }),
    },
    status: { startTime: "1970-01-01T00:00:00Z" },
  };
  const backoffs = new Map<string, BackoffEntry>();
  const unhealthy = new Map<string, ProbeFailure>();
  const replaced = new Set<string>();
  const sandboxes: SandboxStatus[] = [];
  const containers: RuntimeContainer[] = [];
  const identity = { namespace: "d", name: "p", uid: "u" };
  for (const word of runs
    .trim()
    .split(" ")
    .filter((one) => one !== "" && one !== "-")) {
    const sandbox = /^s(\d):(ready|notready)$/.exec(word);
    const run = /^([a-z])(\d)=(run|new|\d+)([!~=]?)(?:@(\d+))?(?:\^(\d+))?$/.exec(word);
    if (sandbox) {
      const state = sandbox[2] === "ready" ? "ready" : "notready";
      sandboxes.push({
        id: `s${sandbox[1]}`,
        pod: identity,
        attempt: Number(sandbox[1]),
        state,
        createdAtMs: 0,
        podIp: "10.0.0.2",
      });
    } else if (run) {
      const [, name = "", attempt = "", what = "", mark, at = "50", made = "0"] = run;
      // Containers that ended long ago stand in the first sandbox, the others in it too: it was the one there was.
      const id = `${name}${attempt}`;
      containers.push({
        id,
        sandboxId: "s0",
        pod: identity,
        name,
        attempt: Number(attempt),
        image: mark === "~" ? "old" : "i",
        imageId: "i",
        logPath: "/l",
        annotations: {},
        createdAtMs: Number(made) * 1000,
        state: stateOf(what, Number(at)),
      });
      if (mark === "!") unhealthy.set(id, { kind: "liveness" });
      if (mark === "=") replaced.add(id);
    } else if (word === "back10") backoffs.set("a", { delayMs: 10_000, updatedMs: 70_000 });
    else assert.fail(`the table has a word that means nothing: ${word}`);
  }
  return { pod, observed: { sandboxes, containers, replaced }, backoffs, unhealthy };
}

/** `a:Never+5!6`: a policy of its own, restarted after 5, and with all others after 6. */
function containerOf(word: string): Container {
  const [, name = "", restartPolicy, one, all] = /^(\w)(?::(\w+))?(?:\+(\d+))?(?:!(\d+))?$/.exec(word) ?? [];
  const rule = (action: string, code: string | undefined) =>
    code === undefined ? [] : [{ action, exitCodes: { operator: "In", values: [Number(code)] } }];
  return {
    name,
    image: "i",
    ...(restartPolicy !== undefined && {
      restartPolicy,
      restartPolicyRules: [...rule("Restart", one), ...rule("RestartAllContainers", all)],
    }),
  };
}

function stateOf(what: string, atSeconds: number): ContainerState {
  if (what === "run") return { phase: "running", startedAtMs: 0 };
  if (what === "new") return { phase: "created" };
  return {
    phase: "exited",
    exitCode: Number(what),
    signal: 0,
    startedAtMs: 0,
    finishedAtMs: atSeconds * 1000,
    reason: "Error",
    message: "",
  };
}
