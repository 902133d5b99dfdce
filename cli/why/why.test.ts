import assert from "node:assert/strict";
import { parse } from "yaml";
import { parseFlags } from "../../base/os/flags.ts";
import type { KubeClient } from "../../client/kube/kube-client.ts";
import { resources } from "../../client/resources.ts";
import type { Cluster } from "../../cluster/cluster.ts";
import { startCluster } from "../../cluster/start-cluster.ts";
import { whyCommand } from "./why.ts";

async function why({ rest }: KubeClient, ...argv: string[]) {
  const said = { out: "", err: "", status: -1 };
  said.status = await whyCommand.run(parseFlags(whyCommand.flags, argv, { env: {} }) as never, {
    stdout: (text) => {
      said.out += text;
    },
    stderr: (text) => {
      said.err += text;
    },
    stdin: process.stdin,
    env: {},
    signal: new AbortController().signal,
    client: () => rest,
  });
  return said;
}

const deployment = (name: string, image: string, replicas = 3) => `
apiVersion: apps/v1
kind: Deployment
metadata: { name: ${name} }
spec:
  replicas: ${replicas}
  selector: { matchLabels: { app: ${name} } }
  template:
    metadata: { labels: { app: ${name} } }
    spec: { containers: [{ name: app, image: ${image} }] }
---
apiVersion: v1
kind: Service
metadata: { name: ${name} }
spec: { selector: { app: ${name} }, ports: [{ port: 80 }] }
`;

const role = `
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: { name: looks }
rules:
  - { apiGroups: ["", apps], resources: [pods, deployments, replicasets, services, events], verbs: [get, list] }
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: { name: looks }
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: Role, name: looks }
subjects: [{ kind: User, name: jane, apiGroup: rbac.authorization.k8s.io }]
`;

describe("pintle why", function () {
  this.timeout(60_000);
  let cluster: Cluster;

  before(async () => {
    cluster = await startCluster({
      nodes: 2,
      pods: [{ image: "bad:*", pull: { error: "manifest unknown" } }],
    });
    await cluster.apply(`${deployment("good", "good:1")}---\n${deployment("bad", "bad:1")}---\n${role}`);
    await cluster.until(
      resources.pods,
      (pods) =>
        pods.filter(
          ({ status }) => status?.containerStatuses?.[0]?.state?.waiting?.reason === "ImagePullBackOff",
        ).length === 3,
    );
    await cluster.untilReady({ apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "good" } });
  });

  after(() => cluster?.stop());

  it("names the cause, its evidence and the next command, and ends with 3", async () => {
    const { out, status } = await why(cluster.client, "deploy/bad");
    assert.match(
      out,
      /^deployment\/bad: the image of container app cannot be pulled: bad:1: its registry has none of this name and tag\n/,
    );
    assert.match(out, /\n {2}pod bad-\S+, one of 3 of 3 pods that are not ready\n/);
    assert.match(out, /\n {2}pod\/bad-\S+ event Failed: Failed to pull image "bad:1": /);
    assert.match(out, /\n {2}next: kubectl describe pod\/bad-\S+ -n default\n/);
    assert.equal(status, 3);
    const well = await why(cluster.client, "deployment", "good");
    assert.deepEqual(
      [well.out, well.status],
      ["deployment/good: nothing is wrong: its 3 pods are ready\n", 0],
    );
    assert.match(
      (await why(cluster.client, "svc/bad")).out,
      /^service\/bad: none of the 3 pods that it selects is ready: the image of/,
    );
  });

  it("folds everything in a namespace and in the cluster by its cause", async () => {
    const { out, status } = await why(cluster.client);
    assert.match(
      out,
      /^error: default\/deployment\/bad and 1 more: the image of container app cannot be pulled: bad:1/m,
    );
    assert.match(out, /\n {2}also in default\/service\/bad\n/);
    assert.match(out, /\n1 cause in namespace default\n$/);
    assert.equal(status, 3);
    const { out: json } = await why(cluster.client, "-A", "-o", "json");
    const { causes } = JSON.parse(json);
    assert.deepEqual(
      causes.map((one: { code: string; subjects: { kind: string }[] }) => [
        one.code,
        one.subjects.map(({ kind }) => kind),
      ]),
      [["image-not-found", ["Deployment", "Service"]]],
    );
    const none = await why(cluster.client, "-n", "kube-public");
    assert.deepEqual([none.out, none.status], ["nothing is wrong in namespace kube-public\n", 0]);
  });

  it("gives findings as data", async () => {
    const { out } = await why(cluster.client, "deployment/bad", "-o", "yaml");
    const { subject, findings } = parse(out);
    assert.equal(subject, "deployment/bad");
    assert.deepEqual(
      [findings[0].code, findings[0].severity, findings[0].object.kind],
      ["image-not-found", "error", "Pod"],
    );
  });

  it("says what its reader may not look at, and goes on without", async () => {
    const { out, err } = await why(cluster.clientFor("jane"), "deployment/bad");
    assert.match(out, /^deployment\/bad: the image of container app cannot be pulled/);
    assert.match(err, /^could not look at nodes node-\d: forbidden$/m);
    await assert.rejects(
      why(cluster.clientFor("jane"), "secret/none"),
      /could not look at secrets none in default: forbidden/,
    );
    const { err: wide } = await why(cluster.clientFor("jane"));
    assert.match(wide, /^could not look at persistentvolumeclaims in default: forbidden$/m);
  });

  it("tells that there is no such object, and how it is called", async () => {
    await assert.rejects(why(cluster.client, "pod/none"), /pods "none" not found in namespace default/);
    await assert.rejects(why(cluster.client, "-A", "pod/none"), /goes with no object/);
    assert.match((await why(cluster.client, "node/node-1")).out, /^node\/node-1: nothing is wrong/);
  });
});
