import assert from "node:assert/strict";
import { createServer } from "node:http";
import { silentLog } from "../../../base/os/log.ts";
import { Prng } from "../../../base/os/random.ts";
import type { Plugin } from "../cycle/plugin.ts";
import { podInfo } from "../cycle/pod-info.ts";
import { makeProfile } from "../cycle/profile.ts";
import { sketchCache, sketchNode, sketchPod } from "../testing/cluster.ts";
import { testProfile } from "../testing/test-profile.ts";
import type { ExtenderSpec } from "./extender.ts";
import { Extenders } from "./extenders.ts";

type Answers = Readonly<Record<string, (body: never) => unknown>>;

/** A server that answers verbs, and what it was asked. */
async function serve(answers: Answers) {
  const asked: { readonly verb: string; readonly body: Record<string, unknown> }[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const verb = request.url?.slice(1) ?? "";
      const body = JSON.parse(Buffer.concat(chunks).toString());
      asked.push({ verb, body });
      const answer = answers[verb];
      if (answer === undefined) response.writeHead(500).end();
      else response.end(JSON.stringify(answer(body as never)));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const stop = () => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  };
  return { urlPrefix: `http://127.0.0.1:${port}/`, asked, stop };
}

const signal = new AbortController().signal;
const nodes = ["n1", "n2", "n3"].map((name) => sketchNode(name));

describe("controlplane/scheduler/extenders", () => {
  const run = async (answers: Answers, spec: Omit<ExtenderSpec, "urlPrefix">, pod = sketchPod("p")) => {
    const { urlPrefix, asked, stop } = await serve(answers);
    const extenders = new Extenders([{ urlPrefix, ...spec }]);
    try {
      const low = sketchPod("low", { cpu: "4" });
      const cache = sketchCache(nodes, pod.spec.priority ? { n1: [low], n2: [low], n3: [low] } : {});
      for (const name of pod.spec.priority ? ["n1", "n2", "n3"] : [])
        cache.putPod({ ...sketchPod(`low-${name}`, { cpu: "4" }), spec: { ...low.spec, nodeName: name } });
      const info = podInfo(pod);
      const cycle = extenders.interestedIn(info);
      const tools = { random: new Prng(1), log: silentLog, signal };
      const decision = await cycle?.schedule(info, cache, testProfile(cache), { startAt: 0 }, tools);
      const bound = await extenders.bind(info, "n1", signal);
      return { decision, bound, asked };
    } finally {
      extenders.close();
      await stop();
    }
  };

  it("are asked with whole nodes, or with names where they know the nodes, and leave those they let through", async () => {
    const whole = await run(
      {
        filter: ({ Nodes }: { Nodes: { items: object[] } }) => ({
          nodes: { items: Nodes.items.slice(1, 2) },
        }),
      },
      { filterVerb: "filter" },
    );
    assert.equal(whole.decision?.outcome === "placed" && whole.decision.node, "n2");
    const names = await run(
      { filter: () => ({ NodeNames: ["n3"], FailedNodes: { n1: "no", n2: "no" } }) },
      { filterVerb: "filter", nodeCacheCapable: true },
    );
    assert.deepEqual(names.asked[0]?.body.NodeNames, ["n1", "n2", "n3"]);
    assert.equal(names.asked[0]?.body.Nodes, null);
    assert.equal(names.decision?.outcome === "placed" && names.decision.node, "n3");
  });

  it("say why, and count among those who refused", async () => {
    const { decision } = await run(
      {
        filter: () => ({
          NodeNames: [],
          FailedNodes: { n1: "too hot", n2: "too hot" },
          FailedAndUnresolvableNodes: { n3: "gone" },
        }),
      },
      { filterVerb: "filter", nodeCacheCapable: true },
    );
    assert.ok(decision?.outcome === "unschedulable");
    assert.deepEqual(
      [...decision.error.reasons],
      [
        ["too hot", 2],
        ["gone", 1],
      ],
    );
    assert.deepEqual([...decision.error.plugins], ["Extender"]);
  });

  it("are not asked where a filter ended the cycle", async () => {
    const { urlPrefix, asked, stop } = await serve({ filter: () => ({ NodeNames: ["n1"] }) });
    const extenders = new Extenders([{ urlPrefix, filterVerb: "filter" }]);
    const cache = sketchCache(nodes, {});
    const { points, ...profile } = testProfile(cache);
    const refusal = { reasons: ["it broke"], lasting: true, endsCycle: true };
    const broken: Plugin = {
      name: "Broken",
      prepareFilter: () => ({ filter: ({ name }) => (name === "n2" ? refusal : undefined) }),
    };
    const info = podInfo(sketchPod("p"));
    const decision = await extenders
      .interestedIn(info)
      ?.schedule(
        info,
        cache,
        makeProfile({ ...profile, points: { ...points, filter: [...points.filter, broken] } }),
        { startAt: 0 },
        { random: new Prng(1), log: silentLog, signal },
      );
    assert.ok(decision?.outcome === "error");
    assert.equal(decision.error.message, 'running "Broken" filter plugin: it broke');
    assert.deepEqual(asked, []);
    extenders.close();
    await stop();
  });

  it("add to the scores by their weight", async () => {
    const { decision } = await run(
      { prioritize: () => [{ Host: "n2", Score: 10 }] },
      { prioritizeVerb: "prioritize", weight: 5 },
    );
    assert.equal(decision?.outcome === "placed" && decision.node, "n2");
  });

  it("that fail make the cycle fail, unless they may be ignored", async () => {
    const { decision } = await run({}, { filterVerb: "filter" });
    assert.equal(decision?.outcome, "error");
    const { decision: other } = await run({}, { filterVerb: "filter", ignorable: true });
    assert.equal(other?.outcome, "placed");
    const { decision: third } = await run(
      { filter: () => ({ Error: "out of order" }) },
      { filterVerb: "filter" },
    );
    assert.match(third?.outcome === "error" ? third.error.message : "", /out of order/);
  });

  it("are asked only about pods with the resources that they manage", async () => {
    const spec = { filterVerb: "filter", managedResources: [{ name: "example.com/gpu" }] };
    assert.equal((await run({}, spec)).decision, undefined);
  });

  it("bind where they say so, and may refuse to", async () => {
    const { bound, asked } = await run({ bind: () => ({}) }, { bindVerb: "bind" });
    assert.deepEqual(bound, { outcome: "bound" });
    assert.deepEqual(asked[0]?.body, { PodName: "p", PodNamespace: "n", PodUID: "uid-p", Node: "n1" });
    const { bound: refused } = await run({ bind: () => ({ Error: "no" }) }, { bindVerb: "bind" });
    assert.equal(refused?.outcome === "failed" && refused.error.message, "no");
  });

  it("have a say in who is preempted", async () => {
    const { decision } = await run(
      {
        preempt: ({ NodeNameToMetaVictims: all }: { NodeNameToMetaVictims: Record<string, unknown> }) => ({
          NodeNameToMetaVictims: { n2: all.n2 },
        }),
      },
      { preemptVerb: "preempt", nodeCacheCapable: true },
      sketchPod("p", { priority: 10, cpu: "2" }),
    );
    assert.ok(decision?.outcome === "unschedulable" && decision.rescue?.outcome === "nominated");
    assert.equal(decision.rescue.node, "n2");
  });
});
