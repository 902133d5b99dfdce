import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { TLSSocket } from "node:tls";
import { createAuthority, issueCertificate } from "../../base/os/pki.ts";
import { eventually, type LocalCluster, startCluster } from "../local-cluster.ts";

/** What came to the extension server, and from whom. */
interface Seen {
  readonly path: string;
  readonly proxy: string;
  readonly user: unknown;
  readonly groups: unknown;
}

/** An API server of its own for `flunders`, which takes requests of the cluster's front proxy only. */
async function startExtension(trust: { readonly proxies: string; readonly names: readonly string[] }) {
  const authority = await createAuthority({ name: "flunder-ca" });
  const own = await issueCertificate(authority, {
    commonName: "flunder",
    dnsNames: ["flunder.default.svc"],
    usage: "server",
  });
  const seen: Seen[] = [];
  const server = createServer(
    {
      cert: own.certificatePem,
      key: own.privateKeyPem,
      ca: trust.proxies,
      requestCert: true,
      rejectUnauthorized: true,
    },
    ({ url = "", headers, socket }, response) => {
      const proxy = String((socket as TLSSocket).getPeerCertificate().subject.CN);
      const [path = ""] = url.split("?");
      seen.push({ path, proxy, user: headers["x-remote-user"], groups: headers["x-remote-group"] });
      const head = { "content-type": "application/json" };
      if (!trust.names.includes(proxy)) return void response.writeHead(401, head).end("{}");
      const groupVersion = "flunder.example.com/v1";
      const list = {
        kind: "APIResourceList",
        apiVersion: "v1",
        groupVersion,
        resources: [
          { name: "flunders", singularName: "flunder", namespaced: true, kind: "Flunder", verbs: ["get"] },
        ],
      };
      const one = {
        kind: "Flunder",
        apiVersion: groupVersion,
        metadata: { name: "one", namespace: "default" },
      };
      response.writeHead(200, head).end(JSON.stringify(path.endsWith("/flunders/one") ? one : list));
    },
  );
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    caBundle: Buffer.from(authority.certificatePem).toString("base64"),
    seen,
    stop: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

describe("an extension API server in a cluster of pintle up", function () {
  this.timeout(300_000);
  let cluster: LocalCluster;
  before(async () => {
    cluster = await startCluster({ replicas: 1, nodes: 1, runtime: "process" });
  });
  after(() => cluster?.stop());

  it("is reached through the cluster's, knows it by its certificate, and is told who asks", async () => {
    const map = JSON.parse(
      await cluster.kubectl(
        ...["get", "configmap", "-n", "kube-system", "extension-apiserver-authentication", "-o", "json"],
      ),
    );
    const extension = await startExtension({
      proxies: map.data["requestheader-client-ca-file"],
      names: JSON.parse(map.data["requestheader-allowed-names"]),
    });
    try {
      const { port, caBundle } = extension;
      const objects = [
        {
          apiVersion: "v1",
          kind: "Service",
          metadata: { name: "flunder", namespace: "default" },
          spec: { ports: [{ port: 443, targetPort: port }] },
        },
        {
          apiVersion: "discovery.k8s.io/v1",
          kind: "EndpointSlice",
          metadata: {
            name: "flunder-1",
            namespace: "default",
            labels: { "kubernetes.io/service-name": "flunder" },
          },
          addressType: "IPv4",
          endpoints: [{ addresses: ["127.0.0.1"], conditions: { ready: true } }],
          ports: [{ name: "", port }],
        },
        {
          apiVersion: "apiregistration.k8s.io/v1",
          kind: "APIService",
          metadata: { name: "v1.flunder.example.com" },
          spec: {
            group: "flunder.example.com",
            version: "v1",
            groupPriorityMinimum: 1000,
            versionPriority: 15,
            caBundle,
            service: { namespace: "default", name: "flunder" },
          },
        },
      ];
      const list = { apiVersion: "v1", kind: "List", items: objects };
      await cluster.kubectlWith(JSON.stringify(list), "create", "-f", "-");
      const flunder = await eventually(
        "the extension server answers",
        () => cluster.kubectl("get", "flunders.flunder.example.com", "one", "-o", "name"),
        (text) => text.includes("/one"),
      );
      assert.equal(flunder.trim(), "flunder.flunder.example.com/one");
      const asked = extension.seen.filter(({ path }) => path.endsWith("/flunders/one")).at(-1);
      assert.deepEqual(
        [asked?.proxy, asked?.user, asked?.groups],
        ["front-proxy-client", "admin", "system:masters, system:authenticated"],
      );
    } finally {
      extension.stop();
    }
  });
});
