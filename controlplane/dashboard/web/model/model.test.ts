import assert from "node:assert/strict";
import { ageText, arrange, type Column, type Row } from "../../../../client/rules/printed-table.ts";
import { toneOf } from "../../../../client/rules/tone.ts";
import type { Kind } from "../api/discovery.ts";
import { amountOf } from "./amounts.ts";
import { menuOf, titleOf } from "./menu.ts";
import { foldEvents, podsByState } from "./overview.ts";
import { containersOf } from "./pods.ts";
import { relatedTo, selectorText } from "./related.ts";

const columns: readonly Column[] = ["Name", "Ready", "Status", "Restarts", "Age"].map((name) => ({
  name,
  type: name === "Restarts" ? "integer" : "string",
  priority: 0,
}));
const row = (name: string, cells: readonly (string | number)[], more: object = {}): Row => ({
  cells: [name, ...cells],
  object: { metadata: { name, namespace: "default", ...more } },
});
const pods = [
  row("web-10", ["1/1", "Running", 2, "1h"], {
    creationTimestamp: "2026-01-01T00:00:00Z",
    labels: { app: "web" },
  }),
  row("web-9", ["0/1", "CrashLoopBackOff", 11, "2h"], { creationTimestamp: "2026-01-01T01:00:00Z" }),
  row("job-1", ["0/1", "Completed", 0, "3h"], {
    creationTimestamp: "2026-01-01T02:00:00Z",
    namespace: "batch",
  }),
];
const names = (rows: readonly Row[]) => rows.map(({ object }) => object.metadata.name);

describe("the dashboard's tables", () => {
  const view = { words: "", sortBy: 0, descending: false };

  it("orders names as people count", () => {
    assert.deepEqual(names(arrange(pods, columns, view)), ["job-1", "web-9", "web-10"]);
  });
  it("orders numbers as numbers, ages by birth, and either way", () => {
    assert.deepEqual(names(arrange(pods, columns, { ...view, sortBy: 3, descending: true })), [
      "web-9",
      "web-10",
      "job-1",
    ]);
    assert.deepEqual(names(arrange(pods, columns, { ...view, sortBy: 4 })), ["job-1", "web-9", "web-10"]);
  });
  it("keeps rows that have all words, in any cell or label", () => {
    assert.deepEqual(names(arrange(pods, columns, { ...view, words: "crash WEB" })), ["web-9"]);
    assert.deepEqual(names(arrange(pods, columns, { ...view, words: "app=web" })), ["web-10"]);
  });
  it("says ages as kubectl does", () => {
    const cases = {
      5: "5s",
      119: "119s",
      120: "2m",
      130: "2m10s",
      3600: "60m",
      10800: "3h",
      12000: "3h20m",
      100000: "27h",
      200000: "2d7h",
      800000: "9d",
    };
    for (const [seconds, text] of Object.entries(cases)) assert.equal(ageText(Number(seconds) * 1000), text);
  });
});

describe("how well things are", () => {
  it("reads states and shares", () => {
    const cases = {
      Running: "good",
      CrashLoopBackOff: "bad",
      "Init:0/1": "busy",
      "Init:Error": "bad",
      ErrImagePull: "bad",
      NotReady: "bad",
      "Ready,SchedulingDisabled": "warn",
      Completed: "good",
      Terminating: "busy",
    };
    for (const [text, tone] of Object.entries(cases)) assert.equal(toneOf("Status", text), tone, text);
    assert.equal(toneOf("Ready", "2/2"), "good");
    assert.equal(toneOf("Ready", "1/2"), "busy");
    assert.equal(toneOf("Ready", "0/2"), "bad");
    assert.equal(toneOf("Ready", "0/0"), "quiet");
    assert.equal(toneOf("Name", "Error"), undefined);
  });
  it("counts states, worst first", () => {
    assert.deepEqual(
      podsByState(pods, columns).map(([state]) => state),
      ["CrashLoopBackOff", "Running", "Completed"],
    );
  });
  it("folds warnings that differ in names and numbers only", () => {
    const event = (name: string, message: string, lastTimestamp: string, count = 1) => ({
      metadata: { name },
      reason: "BackOff",
      message,
      lastTimestamp,
      count,
      involvedObject: { kind: "Pod", name },
    });
    const folded = foldEvents([
      event("a", "restarting container of web-5f6-x1", "2026-01-01T00:00:01Z", 3),
      event("b", "restarting container of web-5f6-x2", "2026-01-01T00:00:02Z"),
      event("c", "other", "2026-01-01T00:00:03Z"),
    ]);
    assert.deepEqual(
      folded.map(({ count, objects }) => [count, objects.length]),
      [
        [1, 1],
        [4, 2],
      ],
    );
  });
  it("reads quantities", () => {
    assert.equal(amountOf("250m"), 0.25);
    assert.equal(amountOf("2Gi"), 2 ** 31);
    assert.equal(amountOf("x"), 0);
  });
  it("reads containers of each part with what became of them", () => {
    const lines = containersOf({
      metadata: { name: "p" },
      spec: {
        initContainers: [{ name: "i", image: "x" }],
        containers: [{ name: "c", image: "y" }, { name: "d" }],
      },
      status: {
        initContainerStatuses: [{ name: "i", state: { terminated: { exitCode: 0, reason: "Completed" } } }],
        containerStatuses: [
          {
            name: "c",
            ready: false,
            restartCount: 3,
            state: { waiting: { reason: "CrashLoopBackOff" } },
            lastState: { terminated: { exitCode: 137, reason: "OOMKilled" } },
          },
        ],
      },
    });
    assert.deepEqual(
      lines.map(({ name, tone, state }) => [name, tone, state]),
      [
        ["i", "quiet", "Completed"],
        ["c", "bad", "CrashLoopBackOff"],
        ["d", "busy", "Waiting"],
      ],
    );
    assert.match(lines[1]?.note ?? "", /OOMKilled, exit code 137/);
  });
});

describe("the side bar and what belongs together", () => {
  const kind = (group: string, plural: string, name: string): Kind => ({
    group,
    plural,
    kind: name,
    version: "v1",
    namespaced: true,
    verbs: ["list"],
    shortNames: [],
    subresources: [],
  });
  it("names kinds in words", () => {
    assert.equal(titleOf(kind("", "networkpolicies", "NetworkPolicy")), "Network Policies");
    assert.equal(titleOf(kind("", "ingresses", "Ingress")), "Ingresses");
    assert.equal(titleOf(kind("", "endpoints", "Endpoints")), "Endpoints");
    assert.equal(titleOf(kind("", "csidrivers", "CSIDriver")), "CSI Drivers");
  });
  it("puts known kinds in order and custom ones under their group, and hides what may not be seen", () => {
    const all = [
      kind("", "secrets", "Secret"),
      kind("apps", "deployments", "Deployment"),
      kind("", "pods", "Pod"),
      kind("shop.example", "carts", "Cart"),
    ];
    const menu = menuOf(all, ({ plural }) => plural !== "secrets");
    assert.deepEqual(
      menu.map(({ heading, kinds }) => [heading, kinds.map(({ plural }) => plural)]),
      [
        ["Workloads", ["pods", "deployments"]],
        ["shop.example", ["carts"]],
      ],
    );
  });
  it("says selectors as the API takes them", () => {
    const matchExpressions = [
      { key: "a", operator: "In", values: ["x", "y"] },
      { key: "b", operator: "DoesNotExist" },
    ];
    assert.equal(selectorText({ matchLabels: { app: "web" }, matchExpressions }), "app=web,a in (x,y),!b");
  });
  it("a service without a selector has no pods of its own", () => {
    const related = relatedTo("core/services", { metadata: { name: "s" }, spec: {} });
    assert.deepEqual(
      related.map(({ title }) => title),
      ["Endpoint slices"],
    );
  });
});
