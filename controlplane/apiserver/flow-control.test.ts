import assert from "node:assert/strict";
import { once } from "node:events";
import { WebSocket } from "ws";
import { Cancellation } from "../../base/cancellation.ts";
import { systemClock } from "../../base/os/clock.ts";
import { MetricsRegistry } from "../../base/os/metrics.ts";
import { requestInfo } from "./filters/request-info.ts";
import { FlowControl, waitMsMax } from "./flowcontrol/flow-control.ts";
import { flowMetrics } from "./flowcontrol/flow-metrics.ts";
import { MemoryStorage } from "./registry/memory-storage.ts";
import type { Storage } from "./registry/storage.ts";
import { startTestApiserver, type TestApiserver, type TestClient } from "./testing.ts";
import { configMap, configMaps } from "./testing-objects.ts";

const group = "/apis/flowcontrol.apiserver.k8s.io/v1";

/** A storage whose reads can be held up, so that requests stay under way as long as a test wants. */
function heldStorage() {
  const storage = new MemoryStorage(systemClock);
  const held: (() => void)[] = [];
  let isHolding = false;
  let arrived = () => {};
  const slow: Storage = new Proxy(storage, {
    get(target, name) {
      const value = Reflect.get(target, name, target);
      if (name !== "get") return typeof value === "function" ? value.bind(target) : value;
      return async (key: string) => {
        if (isHolding && key.includes("/configmaps/default/held"))
          await new Promise<void>((resolve) => {
            held.push(resolve);
            arrived();
          });
        return storage.get(key);
      };
    },
  });
  return {
    storage: slow,
    hold: () => {
      isHolding = true;
    },
    /** Resolves when so many reads are held. */
    untilHeld: (count: number) =>
      new Promise<void>((resolve) => {
        arrived = () => {
          if (held.length >= count) resolve();
        };
        arrived();
      }),
    letGo: () => {
      isHolding = false;
      for (const resolve of held.splice(0)) resolve();
    },
  };
}

describe("priority and fairness", () => {
  let server: TestApiserver;
  let jane: TestClient;
  const store = heldStorage();
  before(async () => {
    server = await startTestApiserver({
      storage: store.storage,
      config: { inFlight: { readingMax: 4, mutatingMax: 2 } },
    });
    jane = await server.clientFor("jane");
    const body = {
      metadata: { name: "jane-may" },
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "cluster-admin" },
      subjects: [{ apiGroup: "rbac.authorization.k8s.io", kind: "User", name: "jane" }],
    };
    await server.admin.call("POST", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", { body });
    await server.admin.call("POST", configMaps, { body: configMap("held") });
  });
  after(() => server.stop());

  it("keeps Kubernetes' mandatory and suggested objects, and says of schemas whether their level is there", async () => {
    const { body: levels } = await server.admin.call("GET", `${group}/prioritylevelconfigurations`);
    assert.deepEqual(
      levels.items.map(({ metadata }: { metadata: { name: string } }) => metadata.name),
      [
        "catch-all",
        "exempt",
        "global-default",
        "leader-election",
        "node-high",
        "system",
        "workload-high",
        "workload-low",
      ],
    );
    const schema = {
      metadata: { name: "lost" },
      spec: {
        priorityLevelConfiguration: { name: "nowhere" },
        rules: [
          {
            subjects: [{ kind: "User", user: { name: "nobody" } }],
            nonResourceRules: [{ verbs: ["*"], nonResourceURLs: ["*"] }],
          },
        ],
      },
    };
    assert.equal((await server.admin.call("POST", `${group}/flowschemas`, { body: schema })).code, 201);
    for await (const { object } of server.admin.watch(`${group}/flowschemas?watch=true`)) {
      const [condition] = object.status?.conditions ?? [];
      if (condition === undefined) continue;
      const isLost = object.metadata.name === "lost";
      assert.equal(condition.status, isLost ? "True" : "False", object.metadata.name);
      if (!isLost) continue;
      const about = 'This FlowSchema references the PriorityLevelConfiguration object named "nowhere"';
      assert.deepEqual(
        [condition.reason, condition.message],
        ["NotFound", `${about} but there is no such object`],
      );
      break;
    }
  });

  it("says in headers of every answer to which schema and level it belongs", async () => {
    const { body } = await server.admin.call("GET", `${group}/flowschemas/exempt`);
    const { body: level } = await server.admin.call("GET", `${group}/prioritylevelconfigurations/exempt`);
    const { headers } = await server.admin.call("GET", "/version");
    assert.deepEqual(
      [headers["x-kubernetes-pf-flowschema-uid"], headers["x-kubernetes-pf-prioritylevel-uid"]],
      [body.metadata.uid, level.metadata.uid],
    );
    const { headers: hers } = await jane.call("GET", "/version");
    const { body: other } = await server.admin.call("GET", `${group}/flowschemas/global-default`);
    assert.equal(hers["x-kubernetes-pf-flowschema-uid"], other.metadata.uid);
  });

  it("refuses those beyond a level that lets nobody wait with 429 and Retry-After, while others pass", async () => {
    const level = {
      metadata: { name: "narrow" },
      spec: {
        type: "Limited",
        limited: { nominalConcurrencyShares: 1, borrowingLimitPercent: 0, limitResponse: { type: "Reject" } },
      },
    };
    const schema = {
      metadata: { name: "narrow" },
      spec: {
        priorityLevelConfiguration: { name: "narrow" },
        matchingPrecedence: 50,
        rules: [
          {
            subjects: [{ kind: "User", user: { name: "jane" } }],
            resourceRules: [
              {
                verbs: ["patch", "watch"],
                apiGroups: [""],
                resources: ["configmaps"],
                namespaces: ["default"],
              },
            ],
          },
        ],
      },
    };
    const made = await server.admin.call("POST", `${group}/prioritylevelconfigurations`, { body: level });
    const { body: schemaMade } = await server.admin.call("POST", `${group}/flowschemas`, { body: schema });
    // In use once the schema's status says so.
    for await (const { object } of server.admin.watch(`${group}/flowschemas?watch=true`))
      if (object.metadata.name === "narrow" && object.status?.conditions?.[0]?.status === "False") break;
    /** Of a watch of hers over WebSocket: the code, and when to come again. */
    const socketAnswer = async () => {
      const { port, ca, cert, key } = server.place;
      const socket = new WebSocket(`wss://127.0.0.1:${port}${configMaps}?watch=1`, {
        ...{ ca, ...(cert && key && { cert, key }) },
        origin: "https://page.example.com",
        headers: { "impersonate-user": "jane" },
      });
      socket.on("error", () => {});
      const [, response] = await Promise.race([
        once(socket, "unexpected-response"),
        once(socket, "upgrade").then(([answer]) => [undefined, answer]),
      ]);
      socket.terminate();
      return [response.statusCode, response.headers["retry-after"]];
    };
    assert.equal(made.code, 201);
    store.hold();
    const type = "application/merge-patch+json";
    const patch = (client: TestClient) =>
      client.call("PATCH", `${configMaps}/held?dryRun=All`, { body: {}, type });
    const first = patch(jane);
    await store.untilHeld(1);
    const refused = await patch(jane);
    assert.deepEqual(
      [
        refused.code,
        refused.text,
        refused.headers["retry-after"],
        refused.headers["x-kubernetes-pf-flowschema-uid"],
      ],
      [429, "Too many requests, please try again later.\n", "1", schemaMade.metadata.uid],
    );
    assert.deepEqual(await socketAnswer(), [429, "1"], "a watch over WebSocket is one, too");
    assert.equal((await jane.call("GET", "/api/v1/namespaces/default")).code, 200, "her other requests pass");
    assert.equal((await server.admin.call("GET", "/readyz")).code, 200);
    store.letGo();
    assert.equal((await first).code, 200);
    assert.deepEqual(await socketAnswer(), [101, undefined]);
    assert.equal((await patch(jane)).code, 200, "the seat is free again");
    const { text } = await server.admin.call("GET", "/metrics");
    assert.match(
      text,
      /apiserver_flowcontrol_rejected_requests_total\{flow_schema="narrow",priority_level="narrow",reason="concurrency-limit"\} 2/,
    );
    assert.match(
      text,
      /apiserver_flowcontrol_current_executing_seats\{flow_schema="narrow",priority_level="narrow"\} 0/,
    );
  });

  it("lets heartbeats of nodes and leases pass however many others wait", async () => {
    store.hold();
    const type = "application/merge-patch+json";
    const many = Array.from({ length: 30 }, () =>
      jane.call("PATCH", `${configMaps}/held-n?dryRun=All`, { body: {}, type }),
    );
    void many;
    const flood = Array.from({ length: 30 }, () =>
      jane.call("PUT", `${configMaps}/held?dryRun=All`, { body: configMap("held") }),
    );
    await store.untilHeld(1);
    const node = await server.clientFor("system:node:n1", ["system:nodes"]);
    const lease = { metadata: { name: "n1" }, spec: { holderIdentity: "n1" } };
    const path = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases";
    assert.equal((await node.call("POST", path, { body: lease })).code, 201);
    const { text: dump } = await server.admin.call(
      "GET",
      "/debug/api_priority_and_fairness/dump_requests?includeRequestDetails=1",
    );
    assert.match(dump, /^PriorityLevelName, +FlowSchemaName, +QueueIndex/);
    assert.match(dump, /global-default, +global-default, +\d+, +0, +jane/);
    store.letGo();
    const codes = (await Promise.all(flood)).map(({ code }) => code);
    assert.deepEqual(new Set(codes), new Set([200]), "those that waited are served");
    await Promise.all(many);
  });

  it("counts no watch that has begun", async () => {
    const watches = await Promise.all(
      Array.from({ length: 20 }, () => jane.openWatch(`${configMaps}?watch=true`)),
    );
    assert.equal((await jane.call("GET", configMaps)).code, 200);
    for (const watch of watches) await watch.return();
  });
});

describe("a request that waits", () => {
  it("is refused when it has waited long enough, and leaves its queue when its client goes", async () => {
    let nowMs = 0;
    const timers: { readonly atMs: number; readonly fire: () => void }[] = [];
    const clock = {
      monotonicMs: () => nowMs,
      wallMs: () => nowMs,
      after: (delayMs: number, fire: () => void) => {
        const timer = { atMs: nowMs + delayMs, fire };
        timers.push(timer);
        return () => void timers.splice(timers.indexOf(timer), 1);
      },
    };
    const metrics = new MetricsRegistry();
    const flows = new FlowControl({
      clock,
      serverSeats: 1,
      metrics: flowMetrics(metrics),
      sizeOf: () => undefined,
    });
    const spec = {
      type: "Limited",
      limited: {
        nominalConcurrencyShares: 100,
        limitResponse: { type: "Queue", queuing: { queues: 1, handSize: 1, queueLengthLimit: 5 } },
      },
    };
    const rules = [
      {
        subjects: [{ kind: "Group", group: { name: "*" } }],
        nonResourceRules: [{ verbs: ["*"], nonResourceURLs: ["*"] }],
      },
    ];
    flows.configure(
      [
        {
          name: "all",
          uid: "",
          spec: { priorityLevelConfiguration: { name: "one" }, matchingPrecedence: 2, rules },
        },
      ],
      [{ name: "one", uid: "", spec }],
    );
    const asking = (cancellation: Cancellation) => ({
      user: { name: "u", groups: [] },
      info: requestInfo("GET", "/version"),
      cancellation,
      setHeader: () => {},
    });
    const never = new Cancellation();
    const seats = await Promise.all(
      Array.from({ length: flows.levels.get("one")?.queues.seatsMax ?? 0 }, () => flows.enter(asking(never))),
    );
    const going = new Cancellation();
    const patient = Promise.resolve(flows.enter(asking(never)));
    const leaving = Promise.resolve(flows.enter(asking(going)));
    assert.equal(flows.counts.waiting.readOnly + flows.counts.waiting.mutating, 2);
    going.cancel(new Error("the client went away"));
    await assert.rejects(leaving, /the client went away/);
    nowMs = waitMsMax;
    for (const { atMs, fire } of [...timers]) if (atMs <= nowMs) fire();
    await assert.rejects(patient, { code: 429, message: "Too many requests, please try again later." });
    for (const seat of seats) seat.end();
    assert.ok([...flows.levels.all].every(({ queues }) => queues.isIdle && queues.seatsInUse === 0));
    assert.match(
      await metrics.text(),
      /rejected_requests_total\{flow_schema="all",priority_level="one",reason="time-out"\} 2/,
    );
  });
});
