import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { orAbsent } from "../client/api-error.ts";
import { loadKubeconfig } from "../client/kubeconfig.ts";
import { resources } from "../client/resources.ts";
import { RestClient } from "../client/rest.ts";
import type { Cluster } from "./cluster.ts";
import { startCluster } from "./start-cluster.ts";

interface APIVersions {
  readonly serverAddressByClientCIDRs: readonly { readonly serverAddress: string }[];
}

const kubernetes = { namespace: "default", name: "kubernetes" };

/** Where the `kubernetes` Service leads, by each kind that says so. */
async function addressesOf({ client }: Cluster) {
  const { items: slices } = await client.list(resources.endpointslices, { namespace: "default" });
  const endpoints = await orAbsent(client.get(resources.endpoints, kubernetes));
  return {
    slices: slices.flatMap(({ endpoints, ports }) =>
      (endpoints ?? []).flatMap(({ addresses }) => addresses.map((ip) => `${ip}:${ports?.[0]?.port}`)),
    ),
    endpoints: (endpoints?.subsets ?? []).flatMap(({ addresses, ports }) =>
      (addresses ?? []).map(({ ip }) => `${ip}:${ports?.[0]?.port}`),
    ),
  };
}

const nowhere = { slices: [], endpoints: [] };
const at = (url: string) => ({ slices: [new URL(url).host], endpoints: [new URL(url).host] });

describe("the API server of a cluster", function () {
  this.timeout(60_000);

  it("is where the kubernetes Service leads as soon as its port is open, and nowhere before", async () => {
    await using cluster = await startCluster({ nodes: 0, clock: "manual", seed: 1 });
    const portOf = async () => (await cluster.client.get(resources.services, kubernetes)).spec?.ports?.[0];
    await cluster.clock.advance("1m");
    assert.deepEqual(await addressesOf(cluster), nowhere);
    assert.equal(await orAbsent(cluster.client.get(resources.endpoints, kubernetes)), undefined);

    const [{ url, path }, other] = await Promise.all([cluster.kubeconfig(), cluster.kubeconfig("mary")]);
    assert.equal(other.url, url);
    assert.deepEqual(await addressesOf(cluster), at(url));
    assert.equal((await portOf())?.targetPort, Number(new URL(url).port));
    const rest = new RestClient(loadKubeconfig(path));
    const versions: APIVersions = JSON.parse(await rest.raw("GET", "/api").finally(() => rest.close()));
    assert.equal(versions.serverAddressByClientCIDRs[0]?.serverAddress, new URL(url).host);
    await cluster.clock.advance("1m");
    assert.deepEqual(await addressesOf(cluster), at(url));
  });

  it("is there again with its port after a crash, whatever a snapshot says, and whether the store is there or not", async () => {
    await using cluster = await startCluster({ nodes: 0, clock: "manual", seed: 1 });
    const snapshot = await cluster.snapshot();
    const { url } = await cluster.kubeconfig();
    await cluster.restore(snapshot);
    assert.deepEqual(await addressesOf(cluster), at(url));

    await cluster.crash("apiserver");
    await cluster.restart("apiserver");
    await cluster.clock.advance(0);
    assert.deepEqual(await addressesOf(cluster), at(url));

    await cluster.crash("store");
    await cluster.restart("apiserver");
    assert.equal((await cluster.kubeconfig("mary")).url, url);
    await cluster.restart("store");
    await cluster.clock.advance("1m");
    assert.deepEqual(await addressesOf(cluster), at(url));
    await cluster.crash("apiserver");
    await assert.rejects(cluster.kubeconfig(), /the API server is down: restart it first/);
  });

  it("says so where nobody can be told of its port", async () => {
    await using cluster = await startCluster({ nodes: 0, clock: "manual", seed: 1 });
    await cluster.crash("store");
    await cluster.restart("apiserver");
    await assert.rejects(
      cluster.kubeconfig(),
      /^TimeoutError: the Service kubernetes leads to the API server: not within 30 s$/,
    );
  });

  it("is not where the Service leads when its cluster has stopped", async () => {
    const folder = await mkdtemp(join(tmpdir(), "pintle-api-server-"));
    try {
      {
        await using cluster = await startCluster({ nodes: 0, folder });
        const { url } = await cluster.kubeconfig();
        assert.deepEqual(await addressesOf(cluster), at(url));
      }
      await using cluster = await startCluster({ nodes: 0, folder });
      assert.deepEqual(await addressesOf(cluster), nowhere);
      const { url } = await cluster.kubeconfig();
      assert.deepEqual(await addressesOf(cluster), at(url));
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
