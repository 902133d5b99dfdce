import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "../../base/os/clock.ts";
import { below, Prng, systemRandom } from "../../base/os/random.ts";
import { ApiError } from "../../client/api-error.ts";
import { loadKubeconfig, type RestConfig } from "../../client/kubeconfig.ts";
import { resources } from "../../client/resources.ts";
import { RestClient } from "../../client/rest.ts";
import { openStoreClient } from "../../store/client/open-client.ts";
import { eventually, type LocalCluster, startCluster } from "../local-cluster.ts";
import { type RecordingClient, startClient } from "./api-clients.ts";
import { lostWrites, watchProblems } from "./client-records.ts";

const clientCount = 50;
const namespaces = ["chaos-1", "chaos-2", "chaos-3", "chaos-4", "chaos-5"];
/** Beyond one of each. */
const furtherKills = 2;
const seed = Number(process.env.CHAOS_SEED ?? below(systemRandom, 2 ** 31));

function shuffled<T>(items: readonly T[], random: Prng): T[] {
  const left = [...items];
  return items.flatMap(() => left.splice(below(random, left.length), 1));
}

/** What was written by an answer that got lost is written. */
function unlessThere(error: unknown): void {
  if (!(error instanceof ApiError && error.reason === "AlreadyExists")) throw error;
}

describe(`chaos: kill -9 of API servers and store members under clients of the API (CHAOS_SEED=${seed})`, function () {
  this.timeout(600_000);
  const random = new Prng(seed);
  let cluster: LocalCluster;
  let config: RestConfig;
  let admin: RestClient;
  let clients: RecordingClient[] = [];

  before(async () => {
    cluster = await startCluster({ replicas: 3, nodes: 1, runtime: "process" });
    config = loadKubeconfig(cluster.kubeconfig);
    admin = new RestClient(config);
    for (const name of namespaces) await admin.create(resources.namespaces, { metadata: { name } });
    // As many begin with each API server.
    const begun = Array.from({ length: clientCount }, (_, at) => {
      const servers = config.servers.map(
        (_, shift) => config.servers[(at + shift) % config.servers.length] ?? "",
      );
      const namespace = namespaces[at % namespaces.length] ?? "";
      const own = new Prng(seed + at);
      return startClient({ config: { ...config, servers }, namespace, name: `client-${at}`, random: own });
    });
    clients = await Promise.all(begun);
    // Not before all listen: of a deletion nobody can say later whether it was before.
    for (const client of clients) client.begin();
  });
  after(async () => {
    await Promise.all(clients.map((client) => client.stop()));
    admin?.close();
    await cluster?.stop();
  });

  /** Something new is written and every client has heard of it: all of them are past whatever was before. */
  const allHear = async (name: string) => {
    for (const namespace of namespaces)
      await eventually(
        `${name} is written in ${namespace}`,
        () => admin.create(resources.configmaps, { metadata: { name, namespace } }).catch(unlessThere),
        () => true,
      );
    await eventually(
      `all hear of ${name}`,
      async () => clients.filter(({ informer, namespace }) => !informer.get({ namespace, name })).length,
      (deaf) => deaf === 0,
    );
  };

  const component = (name: string) => cluster.state().components.find((one) => one.name === name);

  const kill = async (name: string) => {
    const before = component(name);
    assert.ok(before?.pid, `${name} runs`);
    process.kill(before.pid, "SIGKILL");
    await eventually(
      `${name} is back`,
      async () => component(name),
      (now) => now?.pid !== null && (now?.restarts ?? 0) > before.restarts,
    );
    await (before.kind === "store" ? memberServes(name) : serverIsReady(name));
  };

  const serverIsReady = async (name: string) => {
    const port = cluster.state().plan.ports[`api-${name.split("-").at(-1)}`];
    const one = new RestClient({ ...config, servers: [`https://127.0.0.1:${port}`] });
    try {
      await eventually(
        `${name} is ready`,
        async () => (await one.raw("GET", "/readyz")).toString(),
        () => true,
      );
    } finally {
      one.close();
    }
  };

  /** It answers what only a member that hears its leader knows. */
  const memberServes = async (name: string) => {
    const pem = (file: string) => readFileSync(join(cluster.folder, "pki", file), "utf8");
    const tls = {
      ca: pem("store-ca.pem"),
      certificate: pem("store-client.pem"),
      key: pem("store-client-key.pem"),
    };
    const port = cluster.state().plan.ports[`store-client-${name.split("-").at(-1)}`];
    const member = openStoreClient(
      { endpoints: [`https://127.0.0.1:${port}`], tls, timeoutMs: 5000 },
      { clock: systemClock, random: systemRandom },
    );
    try {
      await eventually(
        `${name} serves`,
        () => member.get("nothing"),
        () => true,
      );
    } finally {
      member.close();
    }
  };

  it("loses no acknowledged write and no event, tells none twice or out of order, and lets informers go on where they were", async () => {
    const victims = cluster
      .state()
      .components.filter(({ kind }) => kind === "apiserver" || kind === "store")
      .map(({ name }) => name);
    assert.ok(victims.length >= 5, victims.join(" "));
    const killed: string[] = [];
    const order = shuffled(victims, random);
    for (let n = 0; n < furtherKills; n++) order.push(victims[below(random, victims.length)] ?? "");
    await allHear("fence-0");
    for (const name of order) {
      await kill(name);
      killed.push(name);
      // Whoever comes back knows nothing from before it started: all clients get beyond that before the next one falls.
      await allHear(`fence-${killed.length}`);
    }
    await Promise.all(clients.map((client) => client.settle()));
    await allHear("fence-last");

    const problems: string[] = [];
    for (const namespace of namespaces) {
      const there = clients.filter((client) => client.namespace === namespace);
      const records = there.flatMap(({ objects }) => objects);
      const { items } = await admin.list(resources.configmaps, { namespace });
      const present = new Map(
        items.map(({ metadata, data }) => [
          metadata.name ?? "",
          { revision: Number(metadata.resourceVersion), value: data?.value ?? "" },
        ]),
      );
      problems.push(...lostWrites(records, present));
      for (const { lives, informer } of there) {
        problems.push(...watchProblems(lives, records));
        const shown = new Map(
          informer.list().map(({ metadata }) => [metadata.name, metadata.resourceVersion]),
        );
        for (const [name, { revision }] of present)
          if (shown.get(name) !== String(revision))
            problems.push(`an informer shows ${name} at ${shown.get(name)}`);
        if (shown.size !== present.size) problems.push(`an informer shows ${shown.size} of ${present.size}`);
      }
    }
    const written = clients.flatMap(({ objects }) => objects);
    const acknowledged = written.reduce((sum, { acknowledged }) => sum + acknowledged.length, 0);
    const uncertain = written.filter((one) => one.uncertain !== undefined).length;
    const heard = clients.flatMap(({ lives }) => lives).reduce((sum, { events }) => sum + events.length, 0);
    const refusals = clients.flatMap((client) => client.refusals);
    console.log(
      `      killed ${killed.join(" ")}: ${acknowledged} writes acknowledged, ${uncertain} uncertain, ${heard} events, ${refusals.length} informers sent back to the start`,
    );
    assert.deepEqual(problems, []);
    assert.ok(acknowledged > clientCount, `${acknowledged} acknowledged`);
    // Whoever's server was killed goes on at another from where it was: nobody takes the whole state again.
    assert.deepEqual(refusals, []);
    assert.deepEqual(
      clients.map(({ lives }) => lives.length),
      clients.map(() => 1),
    );
    assert.deepEqual(
      clients.flatMap(({ refusedWrites }) => refusedWrites),
      [],
    );
  });
});
