import assert from "node:assert/strict";
import type { Pod } from "../../../client/types.ts";
import { podCells } from "./pod-cells.ts";

const nowMs = Date.parse("2026-01-01T01:00:00Z");

interface Given {
  readonly spec?: object;
  readonly status?: object;
  readonly deleted?: true;
}

function cells({ spec = {}, status = {}, deleted }: Given): readonly unknown[] {
  const metadata = {
    name: "p",
    uid: "u",
    resourceVersion: "1",
    creationTimestamp: "2026-01-01T00:00:00Z",
    ...(deleted && { deletionTimestamp: "2026-01-01T00:30:00Z" }),
  };
  const pod = {
    apiVersion: "v1",
    kind: "Pod",
    metadata,
    spec: { containers: [{ name: "a" }], ...spec },
    status,
  };
  return podCells(pod as unknown as Pod, nowMs).slice(0, 4);
}
const running = { name: "a", ready: true, restartCount: 0, state: { running: {} } };
const container = (over: object) => ({ phase: "Running", containerStatuses: [{ ...running, ...over }] });
const waiting = (reason: string, over: object = {}) =>
  container({ ready: false, state: { waiting: { reason } }, ...over });
const ended = (terminated: object) => container({ ready: false, state: { terminated } });
const initSpec = { initContainers: [{ name: "i" }, { name: "j" }], containers: [{ name: "a" }] };
const init = (...states: object[]) => ({
  phase: "Pending",
  initContainerStatuses: states.map((state, index) => ({
    name: "ij"[index],
    restartCount: 0,
    ready: false,
    state,
  })),
});

describe("pod cells", () => {
  const cases: readonly [string, Given, readonly [string, string, string]][] = [
    ["pending", { status: { phase: "Pending" } }, ["0/1", "Pending", "0"]],
    ["running", { status: container({}) }, ["1/1", "Running", "0"]],
    ["being created", { status: waiting("ContainerCreating") }, ["0/1", "ContainerCreating", "0"]],
    [
      "backing off",
      {
        status: waiting("CrashLoopBackOff", {
          restartCount: 3,
          lastState: { terminated: { exitCode: 1, finishedAt: "2026-01-01T00:58:00Z" } },
        }),
      },
      ["0/1", "CrashLoopBackOff", "3 (2m ago)"],
    ],
    [
      "completed",
      { status: { ...ended({ exitCode: 0, reason: "Completed" }), phase: "Succeeded" } },
      ["0/1", "Completed", "0"],
    ],
    ["failed with a code", { status: ended({ exitCode: 3 }) }, ["0/1", "ExitCode:3", "0"]],
    ["killed by a signal", { status: ended({ exitCode: 137, signal: 9 }) }, ["0/1", "Signal:9", "0"]],
    ["going", { status: container({}), deleted: true }, ["1/1", "Terminating", "0"]],
    ["done but still there", { status: { phase: "Succeeded" }, deleted: true }, ["0/1", "Succeeded", "0"]],
    ["evicted", { status: { phase: "Failed", reason: "Evicted" } }, ["0/1", "Evicted", "0"]],
    [
      "initialising",
      { spec: initSpec, status: init({ terminated: { exitCode: 0 } }, { running: {} }) },
      ["0/1", "Init:1/2", "0"],
    ],
    [
      "failing to initialise",
      { spec: initSpec, status: init({ terminated: { exitCode: 1, reason: "Error" } }) },
      ["0/1", "Init:Error", "0"],
    ],
    [
      "backing off in init",
      { spec: initSpec, status: init({ waiting: { reason: "CrashLoopBackOff" } }) },
      ["0/1", "Init:CrashLoopBackOff", "0"],
    ],
    [
      "waiting to initialise",
      { spec: initSpec, status: init({ waiting: { reason: "PodInitializing" } }) },
      ["0/1", "Init:0/2", "0"],
    ],
    [
      "held by a gate",
      {
        status: {
          phase: "Pending",
          conditions: [{ type: "PodScheduled", status: "False", reason: "SchedulingGated" }],
        },
      },
      ["0/1", "SchedulingGated", "0"],
    ],
  ];
  for (const [name, given, wanted] of cases)
    it(name, () => assert.deepEqual(cells(given), [...wanted, "60m"]));
});
