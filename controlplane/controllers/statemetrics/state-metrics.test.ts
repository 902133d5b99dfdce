import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { silentLog } from "../../../base/os/log.ts";
import { Prng } from "../../../base/os/random.ts";
import { ConnectionError } from "../../../client/api-error.ts";
import { resources } from "../../../client/resources.ts";
import { FakeApi } from "../../../client/testing/fake-api.ts";
import { ManualClock } from "../../../client/testing/manual-clock.ts";
import { nothingAllowed } from "./allow-lists.ts";
import { answerState } from "./answer-state.ts";
import { StateMetrics, stateMetricsTimes } from "./state-metrics.ts";
import { stateKinds } from "./table.ts";

const make = (...plurals: string[]) => {
  const clock = new ManualClock();
  const api = new FakeApi();
  const asked: string[] = [];
  api.intercept = async ({ verb, resource }) => {
    asked.push(`${verb} ${resource}`);
    return undefined;
  };
  const kinds = plurals.flatMap((plural) => stateKinds.get(plural) ?? []);
  const state = new StateMetrics(
    { kinds, allowed: nothingAllowed },
    { client: api, clock, random: new Prng(3), log: silentLog },
  );
  const { signal } = new AbortController();
  const text = async () => [...(await state.text(signal))].join("");
  return { clock, api, asked, state, text };
};

const settings = (name: string) => ({ metadata: { name, namespace: "n" } });

describe("controllers/statemetrics/state-metrics", () => {
  it("follows nothing before somebody asks, and changes from then on", async () => {
    const { clock, api, asked, state, text } = make("configmaps", "namespaces");
    await api.create(resources.configmaps, settings("a"));
    assert.deepEqual(
      asked.filter((one) => !one.startsWith("create")),
      [],
    );
    assert.match(await text(), /kube_configmap_info\{namespace="n",configmap="a"\} 1\n/);
    await api.create(resources.configmaps, settings("b"));
    await api.delete(resources.configmaps, { name: "a", namespace: "n" });
    await clock.advance(1);
    const next = await text();
    assert.match(next, /configmap="b"\} 1\n/);
    assert.doesNotMatch(next, /configmap="a"/);
    assert.doesNotMatch(next, /kube_namespace/, "of a kind without objects nothing is told");
    assert.equal(asked.filter((one) => one === "watch configmaps").length, 1);
    assert.match(next, /kube_state_metrics_watch_total\{resource="\*v1.ConfigMap",result="success"\} 1\n/);
    await state.stop();
    assert.equal(clock.pending, 0);
  });

  it("keeps of an object nothing but its lines", async () => {
    const { api, state, text } = make("secrets");
    await api.create(resources.secrets, { ...settings("s"), data: { password: "c2VjcmV0" } });
    assert.doesNotMatch(await text(), /c2VjcmV0|password/);
    await state.stop();
  });

  it("lets go of it all once nobody has asked for long, and begins anew", async () => {
    const { clock, api, asked, state, text } = make("configmaps");
    await api.create(resources.configmaps, settings("a"));
    await text();
    await clock.advance(stateMetricsTimes.idleMs / 2);
    await text();
    await clock.advance(stateMetricsTimes.idleMs / 2 + 1);
    const before = asked.length;
    await clock.advance(stateMetricsTimes.idleMs);
    await api.create(resources.configmaps, settings("b"));
    await clock.advance(1);
    assert.deepEqual(asked.slice(before), ["create configmaps"]);
    assert.match(await text(), /configmap="b"/);
    await state.stop();
  });

  it("says that it does not know all where that takes too long", async () => {
    const { clock, api, state, text } = make("configmaps");
    api.intercept = async () => {
      throw new ConnectionError("gone", { neverSent: true });
    };
    const late = assert.rejects(text(), /still being read/);
    await clock.advance(stateMetricsTimes.syncMs);
    await late;
    await state.stop();
  });

  it("is told by the leader alone", async () => {
    const { api, state } = make("configmaps");
    await api.create(resources.configmaps, settings("a"));
    let isLeader = true;
    const server = createServer((_, response) => void answerState(response, state, () => isLeader));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/metrics/state`;
    const read = async () => (await fetch(url)).text();
    assert.match(await read(), /configmap="a"\} 1\n/);
    isLeader = false;
    assert.match(await read(), /^# .*stands by.*\n$/);
    isLeader = true;
    assert.match(await read(), /configmap="a"\} 1\n/);
    await state.stop();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
});
