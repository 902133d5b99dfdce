import assert from "node:assert/strict";
import { isConflict } from "../client/api-error.ts";
import { kinds } from "../client/kube/kinds.ts";
import type { CronJob } from "../client/types.ts";
import { startCluster } from "./start-cluster.ts";

const settings = (colour: string) => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name: "settings", namespace: "default" },
  data: { colour },
});
const at = { name: "settings", namespace: "default" };
const managersOf = (object: { readonly metadata: { managedFields?: { manager?: string }[] } }) =>
  object.metadata.managedFields?.map(({ manager }) => manager);

describe("clients of a cluster", function () {
  this.timeout(60_000);

  it("are those of programs: what the test applies holds, and a program's conflicts are its own", async () => {
    await using cluster = await startCluster();
    const allows = {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "RoleBinding",
      metadata: { name: "everybody" },
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "admin" },
      subjects: [{ apiGroup: "rbac.authorization.k8s.io", kind: "Group", name: "system:authenticated" }],
    };
    await cluster.client.apply(allows);
    const user = "system:serviceaccount:default:operator";
    const operator = cluster.clientFor(user, { name: "operator" });
    await operator.apply(settings("green"));
    const taken = await cluster.client.apply(settings("red"));
    assert.deepEqual(managersOf(taken), ["test"]);
    await assert.rejects(operator.apply(settings("green")), isConflict);
    const forced = cluster.clientFor(user, { name: "forced", fieldManager: "operator", force: true });
    const { data, ...back } = await forced.apply(settings("green"));
    assert.equal(data.colour, "green");
    assert.deepEqual(managersOf(back), ["operator"]);
    await assert.rejects(cluster.client.apply(settings("red"), { force: false }), isConflict);
    assert.equal(cluster.requests.list({ from: "operator", verb: "patch", code: 409 }).length, 1);
    assert.equal(cluster.requests.list({ from: "forced" }).length, 1);
  });

  it("have the groups of their user", async () => {
    await using cluster = await startCluster();
    const client = cluster.clientFor("system:serviceaccount:shop:operator", { groups: ["night-shift"] });
    const review = await client.create(kinds.SelfSubjectReview, { metadata: {} });
    assert.deepEqual(review.status?.userInfo?.groups, [
      "night-shift",
      "system:serviceaccounts",
      "system:serviceaccounts:shop",
      "system:authenticated",
    ]);
  });

  it("follow a kind's changes until the cluster stops", async () => {
    const cluster = await startCluster();
    const seen: string[] = [];
    const ended = (async () => {
      for await (const { type, object } of cluster.client.watch(kinds.ConfigMap, { initial: false }))
        if (object.metadata.name === at.name) seen.push(`${type} ${object.data?.colour}`);
    })();
    await cluster.client.apply(settings("green"));
    await cluster.client.edit(kinds.ConfigMap, at, (object) => {
      object.data = { colour: "red" };
    });
    await cluster.until(kinds.ConfigMap, (all) => all.some(({ data }) => data?.colour === "red"));
    assert.equal(seen.at(-1), "MODIFIED red");
    await cluster.stop();
    await ended;
  });

  it("wait for an object, while a clock that stands still is moved", async () => {
    const cluster = await startCluster({ clock: "manual", seed: 1 });
    const startedMs = cluster.clock.wallMs();
    const job = {
      apiVersion: "batch/v1",
      kind: "CronJob",
      metadata: { name: "often", namespace: "default" },
      spec: {
        schedule: "* * * * *",
        jobTemplate: {
          spec: { template: { spec: { restartPolicy: "Never", containers: [{ name: "c", image: "i" }] } } },
        },
      },
    };
    await cluster.client.apply(job);
    const hasRun = (one?: CronJob) => one?.status?.lastScheduleTime !== undefined;
    const { metadata: where } = job;
    const late = cluster.client.until(kinds.CronJob, where, hasRun, { timeoutMs: 30_000 });
    await assert.rejects(late, /^TimeoutError: CronJob default\/often as wanted: not within 30 s$/);
    assert.equal(cluster.clock.wallMs() - startedMs, 30_000);
    await cluster.client.until(kinds.CronJob, where, hasRun);
    assert.equal(Math.floor((cluster.clock.wallMs() - startedMs) / 1_000), 60);
    // A program under test waits for what the test makes of the time.
    const operator = cluster.clientFor("admin", { groups: ["system:masters"], name: "operator" });
    const waiting = operator.until(kinds.ConfigMap, at, (one) => one !== undefined);
    await cluster.clock.advance("9s");
    await cluster.client.apply(settings("green"));
    assert.equal((await waiting)?.metadata.name, at.name);
    const never = assert.rejects(
      operator.until(kinds.ConfigMap, at, () => false),
      /the client was closed/,
    );
    await cluster.clock.advance(0);
    await cluster.stop();
    await never;
  });
});
