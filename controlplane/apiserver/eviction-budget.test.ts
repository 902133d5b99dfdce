import assert from "node:assert/strict";
import { startTestApiserver, type TestApiserver } from "./testing.ts";

const namespace = "/api/v1/namespaces/default";
const budgets = "/apis/policy/v1/namespaces/default/poddisruptionbudgets";
const violated = "Cannot evict pod as it would violate the pod's disruption budget.";

/** What kube-apiserver 1.36.3 answers. */
describe("an eviction asks the pod's disruption budget", () => {
  let api: TestApiserver;
  beforeEach(async () => {
    api = await startTestApiserver({ config: { disabledAdmission: ["ServiceAccount"] } });
  });
  afterEach(() => api.stop());

  const call = async (method: string, path: string, body?: object) => {
    const answer = await api.admin.call(method, path, body === undefined ? {} : { body });
    return { code: answer.code, body: answer.body };
  };
  async function makePod(name: string, { phase = "Running", ready = "True" } = {}) {
    const spec = { containers: [{ name: "c", image: "i" }] };
    const metadata = { name, labels: { a: "b" } };
    const made = await call("POST", `${namespace}/pods`, { apiVersion: "v1", kind: "Pod", metadata, spec });
    assert.equal(made.code, 201);
    const status = { phase, conditions: [{ type: "Ready", status: ready }] };
    await call("PUT", `${namespace}/pods/${name}/status`, { ...made.body, status });
  }
  async function makeBudget(name: string, status: object, more: object = {}) {
    const spec = { minAvailable: 1, selector: { matchLabels: { a: "b" } }, ...more };
    const head = { apiVersion: "policy/v1", kind: "PodDisruptionBudget", metadata: { name } };
    const made = await call("POST", budgets, { ...head, spec });
    assert.equal(made.code, 201);
    await call("PUT", `${budgets}/${name}/status`, {
      ...made.body,
      status: { ...made.body.status, ...status },
    });
  }
  const evict = (name: string, query = "") =>
    call("POST", `${namespace}/pods/${name}/eviction${query}`, {
      apiVersion: "policy/v1",
      kind: "Eviction",
      metadata: { name },
    });

  const refusals: readonly (readonly [status: object, why: string, retryAfterSeconds?: number])[] = [
    [{}, "The disruption budget one is still being processed by the server.", 10],
    [
      { observedGeneration: 1, currentHealthy: 1, desiredHealthy: 1 },
      "The disruption budget one needs 1 healthy pods and has 1 currently",
    ],
    [
      { observedGeneration: 1, currentHealthy: 2, desiredHealthy: 1 },
      "The disruption budget one does not allow evicting pods currently",
    ],
    [
      {
        observedGeneration: 1,
        currentHealthy: 2,
        desiredHealthy: 1,
        conditions: [
          {
            type: "DisruptionAllowed",
            status: "False",
            reason: "SyncFailed",
            message: "found no controllers",
            lastTransitionTime: "2024-01-01T00:00:00Z",
          },
        ],
      },
      "The disruption budget one does not allow evicting pods currently because it failed sync: found no controllers",
    ],
  ];
  for (const [status, why, retryAfterSeconds] of refusals)
    it(`and is refused: ${why}`, async () => {
      await makePod("p");
      await makeBudget("one", status);
      const { code, body } = await evict("p");
      assert.deepEqual([code, body.reason, body.message], [429, "TooManyRequests", violated]);
      assert.deepEqual(body.details, {
        causes: [{ reason: "DisruptionBudget", message: why }],
        ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
      });
    });

  it("which counts down, once for each pod, and not for a dry run", async () => {
    for (const name of ["p", "q", "r"]) await makePod(name);
    await makeBudget("one", { observedGeneration: 1, disruptionsAllowed: 2 });
    assert.equal((await evict("p", "?dryRun=All")).code, 201);
    const answers = await Promise.all(["p", "q", "r"].map((name) => evict(name)));
    assert.deepEqual(answers.map(({ code }) => code).sort(), [201, 201, 429]);
    const { status } = (await call("GET", `${budgets}/one`)).body;
    assert.deepEqual([status.disruptionsAllowed, Object.keys(status.disruptedPods).length], [0, 2]);
    assert.deepEqual(
      [status.conditions[0].status, status.conditions[0].reason],
      ["False", "InsufficientPods"],
    );
  });

  it("of which there may be one only", async () => {
    await makePod("p");
    await makeBudget("one", { observedGeneration: 1, disruptionsAllowed: 1 });
    await makeBudget("two", { observedGeneration: 1, disruptionsAllowed: 1 });
    const { code, body } = await evict("p");
    assert.equal(code, 500);
    assert.equal(
      body.message,
      "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.",
    );
  });

  it("unless the pod has not started, or is not ready and may go for that", async () => {
    const none = { observedGeneration: 1 };
    await makePod("pending", { phase: "Pending", ready: "False" });
    await makePod("unready", { ready: "False" });
    await makeBudget("one", none);
    assert.equal((await evict("pending")).code, 201);
    assert.equal((await evict("unready")).code, 429);
    await call("DELETE", `${budgets}/one`);
    await makeBudget("two", none, { unhealthyPodEvictionPolicy: "AlwaysAllow" });
    assert.equal((await evict("unready")).code, 201);
    await call("DELETE", `${budgets}/two`);
    await makePod("another", { ready: "False" });
    await makeBudget("three", { ...none, currentHealthy: 1, desiredHealthy: 1 });
    assert.equal((await evict("another")).code, 201);
  });
});
