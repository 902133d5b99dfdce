import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { parseFlags } from "../../base/os/flags.ts";
import type { Command } from "../../cli/command.ts";
import { applyCommand } from "../../cli/kubectl/apply.ts";
import { deleteCommand } from "../../cli/kubectl/delete.ts";
import { describeCommand } from "../../cli/kubectl/describe.ts";
import { getCommand } from "../../cli/kubectl/get.ts";
import { rolloutCommand } from "../../cli/kubectl/rollout.ts";
import { scaleCommand } from "../../cli/kubectl/scale.ts";
import { whyCommand } from "../../cli/why/why.ts";
import { loadKubeconfig } from "../../client/kubeconfig.ts";
import { resources } from "../../client/resources.ts";
import { RestClient } from "../../client/rest.ts";
import type { Draft, Node } from "../../client/types.ts";
import { startTestApiserver, type TestApiserver } from "../../controlplane/apiserver/testing.ts";

const deployment = (image: string) => `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - {name: web, image: ${image}, ports: [{containerPort: 80}], env: [{name: A, value: b}]}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
`;

describe("integration: everyday commands against the API server", () => {
  let server: TestApiserver;
  let client: RestClient;
  let folder: string;

  before(async () => {
    server = await startTestApiserver();
    client = new RestClient(loadKubeconfig(server.kubeconfig));
    folder = await mkdtemp(join(tmpdir(), "pintle-cli-"));
  });

  after(async () => {
    client.close();
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const run = async (
    command: Command,
    words: readonly string[],
    options: { stdin?: string; signal?: AbortSignal; onStdout?: (text: string) => void } = {},
  ) => {
    let out = "";
    let err = "";
    const code = await command.run(parseFlags(command.flags, words), {
      stdout: (text) => {
        out += text;
        options.onStdout?.(text);
      },
      stderr: (text) => {
        err += text;
      },
      stdin: Readable.from([Buffer.from(options.stdin ?? "")]) as unknown as NodeJS.ReadStream,
      env: {},
      signal: options.signal ?? new AbortController().signal,
      client: () => client,
    });
    return { code, out, err };
  };

  it("applies from files, folders and standard input, and says what changed", async () => {
    await writeFile(join(folder, "web.yaml"), deployment("one"));
    const first = await run(applyCommand, ["-f", folder]);
    assert.equal(first.out, "deployment.apps/web created\nservice/web created\n");
    const again = await run(applyCommand, ["-f", join(folder, "web.yaml")]);
    assert.equal(again.out, "deployment.apps/web unchanged\nservice/web unchanged\n");
    const changed = await run(applyCommand, ["-f", "-"], { stdin: deployment("two") });
    assert.equal(changed.out, "deployment.apps/web configured\nservice/web unchanged\n");
    await assert.rejects(
      run(applyCommand, ["-f", "-"], { stdin: "kind: Pod" }),
      /document 1: apiVersion is missing/,
    );
    await assert.rejects(
      run(applyCommand, ["-f", "-"], { stdin: "{apiVersion: x/v1, kind: Gizmo, metadata: {name: g}}" }),
      /no matches for kind "Gizmo" in version "x\/v1"/,
    );
  });

  it("gets tables, wide tables, several kinds, json, yaml, names and paths", async () => {
    const table = await run(getCommand, ["deploy"]);
    assert.match(table.out, /^NAME +READY +UP-TO-DATE +AVAILABLE +AGE\nweb +0\/2 +0 +0 +\d+s\n$/);
    assert.match(
      (await run(getCommand, ["deploy", "web", "-o", "wide"])).out,
      /CONTAINERS +IMAGES +SELECTOR\n.*two +app=web/,
    );
    const both = await run(getCommand, ["deployments,svc", "-A", "-l", "app=web"]);
    assert.match(both.out, /^NAMESPACE +NAME .*\ndefault +deployment.apps\/web /);
    assert.equal(
      (await run(getCommand, ["deploy/web", "svc/web", "-o", "name"])).out,
      "deployment.apps/web\nservice/web\n",
    );
    assert.equal(JSON.parse((await run(getCommand, ["svc", "web", "-o", "json"])).out).kind, "Service");
    assert.match((await run(getCommand, ["svc", "-o", "yaml"])).out, /^apiVersion: v1\nitems:\n {2}- /);
    const path = 'jsonpath={.spec.template.spec.containers[0].image}{"\\n"}';
    assert.equal((await run(getCommand, ["deploy", "web", "-o", path])).out, "two\n");
    const none = await run(getCommand, ["pods", "-l", "app=none"]);
    assert.deepEqual([none.out, none.err], ["", "No resources found in default namespace.\n"]);
    await assert.rejects(run(getCommand, ["pod", "nobody"]), /pods "nobody" not found/);
    await assert.rejects(run(getCommand, ["gizmos"]), /the server doesn't have a resource type "gizmos"/);
  });

  it("scales, and shows changes as they come", async () => {
    const stop = new AbortController();
    let lines = "";
    const watching = run(getCommand, ["deploy", "web", "-w"], {
      signal: stop.signal,
      onStdout: (text) => {
        lines += text;
        if (/0\/5/.test(lines)) stop.abort(new Error("seen"));
      },
    });
    assert.equal(
      (await run(scaleCommand, ["deployment/web", "--replicas", "5"])).out,
      "deployment.apps/web scaled\n",
    );
    assert.equal((await watching).code, 0);
    assert.match(lines, /^NAME +READY/);
  });

  it("follows a rollout, restarts, and complains about the wrong kind", async () => {
    const stored = await client.get(resources.deployments, { name: "web", namespace: "default" });
    const status = { observedGeneration: stored.metadata.generation ?? 0, replicas: 5, updatedReplicas: 5 };
    await client.updateStatus(resources.deployments, { ...stored, status });
    const stop = new AbortController();
    const following = run(rolloutCommand, ["status", "deployment/web"], {
      signal: stop.signal,
      onStdout: (text) => {
        if (!text.startsWith("Waiting")) return;
        client
          .patch(
            resources.deployments,
            { name: "web", namespace: "default" },
            { status: { readyReplicas: 5, availableReplicas: 5 } },
            { type: "merge", subresource: "status" },
          )
          .catch((error: unknown) => stop.abort(error));
      },
    });
    const { code, out } = await following;
    assert.equal(code, 0);
    assert.equal(
      out,
      'Waiting for deployment "web" rollout to finish: 0 of 5 updated replicas are available...\ndeployment "web" successfully rolled out\n',
    );
    assert.equal(
      (await run(rolloutCommand, ["restart", "deploy/web"])).out,
      "deployment.apps/web restarted\n",
    );
    await assert.rejects(
      run(rolloutCommand, ["status", "svc/web"]),
      /knows deployments and daemon sets, not services/,
    );
    await assert.rejects(
      run(rolloutCommand, ["status", "deploy/web", "--timeout", "200ms"]),
      /timed out waiting for the condition/,
    );
  });

  it("shows the history and rolls back", async () => {
    const owner = await client.get(resources.deployments, { name: "web", namespace: "default" });
    for (const [number, image] of [
      ["1", "one"],
      ["2", "two"],
    ] as const) {
      const template = structuredClone(owner.spec.template);
      template.metadata = { labels: { app: "web", "pod-template-hash": number } };
      for (const container of template.spec?.containers ?? []) container.image = image;
      await client.create(resources.replicasets, {
        metadata: {
          name: `web-${number}`,
          namespace: "default",
          labels: { app: "web", "pod-template-hash": number },
          annotations: { "deployment.kubernetes.io/revision": number },
          ownerReferences: [
            {
              apiVersion: "apps/v1",
              kind: "Deployment",
              name: "web",
              uid: owner.metadata.uid,
              controller: true,
            },
          ],
        },
        spec: {
          replicas: 0,
          selector: { matchLabels: { app: "web", "pod-template-hash": number } },
          template,
        },
      });
    }
    const history = await run(rolloutCommand, ["history", "deployment/web"]);
    assert.equal(
      history.out,
      "deployment.apps/web \nREVISION  CHANGE-CAUSE\n1         <none>\n2         <none>\n",
    );
    assert.equal(
      (await run(rolloutCommand, ["undo", "deployment/web"])).out,
      "deployment.apps/web rolled back\n",
    );
    const { spec } = await client.get(resources.deployments, { name: "web", namespace: "default" });
    assert.equal(spec.template.spec?.containers[0]?.image, "one");
    assert.equal(spec.template.metadata?.labels?.["pod-template-hash"], undefined);
    await assert.rejects(
      run(rolloutCommand, ["undo", "deploy/web", "--to-revision", "9"]),
      /specified revision 9/,
    );
    const said = async (...words: string[]) => (await run(rolloutCommand, words)).out;
    assert.equal(await said("pause", "deploy/web"), "deployment.apps/web paused\n");
    await assert.rejects(run(rolloutCommand, ["pause", "deploy/web"]), /already paused/);
    await assert.rejects(
      run(rolloutCommand, ["undo", "deploy/web", "--to-revision", "2"]),
      /resume it first/,
    );
    assert.equal(await said("resume", "deploy/web"), "deployment.apps/web resumed\n");
    await assert.rejects(run(rolloutCommand, ["resume", "deploy/web"]), /not paused/);
    await assert.rejects(
      run(rolloutCommand, ["history", "svc/web"]),
      /stateful sets and daemon sets, not services/,
    );
  });

  it("rolls a stateful set back by the patch that a revision keeps", async () => {
    const metadata = { name: "db", namespace: "default", labels: { app: "db" } };
    const template = {
      metadata: { labels: { app: "db" } },
      spec: { containers: [{ name: "c", image: "two" }] },
    };
    const { metadata: owner } = await client.create(resources.statefulsets, {
      metadata,
      spec: { selector: { matchLabels: { app: "db" } }, serviceName: "db", template },
    });
    for (const [revision, image] of [
      [1, "one"],
      [2, "two"],
    ] as const)
      await client.create(resources.controllerrevisions, {
        metadata: {
          ...metadata,
          name: `db-${revision}`,
          ownerReferences: [
            { apiVersion: "apps/v1", kind: "StatefulSet", name: "db", uid: owner.uid, controller: true },
          ],
        },
        revision,
        data: {
          spec: {
            template: { ...template, spec: { containers: [{ name: "c", image }] }, $patch: "replace" },
          },
        },
      });
    const history = await run(rolloutCommand, ["history", "sts/db"]);
    assert.match(history.out, /^1 +<none>\n2 +<none>$/m);
    const undone = await run(rolloutCommand, ["undo", "sts/db"]);
    assert.equal(undone.out, "statefulset.apps/db rolled back\n");
    const { spec } = await client.get(resources.statefulsets, { name: "db", namespace: "default" });
    assert.equal(spec.template.spec?.containers[0]?.image, "one");
  });

  it("describes, with events", async () => {
    const pod = await client.create(resources.pods, {
      metadata: { name: "p", namespace: "default" },
      spec: { containers: [{ name: "c", image: "i", resources: { requests: { cpu: "100m" } } }] },
    });
    await client.create(resources.events, {
      metadata: { name: "p.1", namespace: "default" },
      involvedObject: { kind: "Pod", name: "p", namespace: "default", uid: pod.metadata.uid },
      type: "Warning",
      reason: "FailedScheduling",
      message: "0/1 nodes are available: 1 Insufficient cpu.",
      source: { component: "default-scheduler" },
      count: 3,
      firstTimestamp: "2026-01-01T00:00:00Z",
      lastTimestamp: "2026-01-01T00:00:00Z",
    });
    const shown = (await run(describeCommand, ["pod", "p"])).out;
    assert.match(shown, /^Name: +p\nNamespace: +default\n/);
    assert.match(shown, /Requests: +cpu: 100m/);
    assert.match(
      shown,
      /Events:\n +Type +Reason +Age +From +Message\n.*\n +Warning +FailedScheduling +\S+ \(x3 over \S+\) +default-scheduler +0\/1 nodes/,
    );
    assert.match(
      (await run(describeCommand, ["deployment", "web"])).out,
      /Replicas: +5 desired \| 5 updated/,
    );
    assert.match((await run(describeCommand, ["svc/web"])).out, /TargetPort: +80\/TCP/);
    assert.match((await run(describeCommand, ["ns", "default"])).out, /Events: +<none>/);
  });

  it("deletes what files and words name, and waits until it is gone", async () => {
    const words = await run(deleteCommand, ["pod", "p", "--now"]);
    assert.equal(words.out, 'pod "p" deleted\n');
    const files = await run(deleteCommand, ["-f", join(folder, "web.yaml")]);
    assert.equal(files.out, 'deployment.apps "web" deleted\nservice "web" deleted\n');
    await assert.rejects(run(deleteCommand, ["deploy", "web"]), /not found/);
    assert.equal((await run(deleteCommand, ["deploy", "web", "--ignore-not-found"])).code, 0);
    await assert.rejects(run(deleteCommand, ["pods"]), /which ones\?/);
  });

  it("says why a pod has no node, a claim no volume and a workload no pods", async () => {
    const namespace = "default";
    await client.create(resources.nodes, {
      metadata: { name: "small" },
      status: {
        allocatable: { cpu: "1", memory: "1Gi", pods: "10" },
        conditions: [{ type: "Ready", status: "True" }],
      },
    } as unknown as Draft<Node>);
    await run(applyCommand, ["-f", "-"], {
      stdin: "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: default}",
    });
    const stdin = `
apiVersion: v1
kind: Pod
metadata: {name: big}
spec:
  tolerations: [{operator: Exists}]
  containers: [{name: c, image: i, resources: {requests: {cpu: "2"}}}]
  volumes: [{name: v, persistentVolumeClaim: {claimName: none}}]
`;
    await run(applyCommand, ["-f", "-"], { stdin });
    const { out } = await run(whyCommand, ["pod/big"]);
    assert.match(out, /^pod\/big: its claim none does not exist$/m);
    assert.match(out, /^also: no node takes it: persistentvolumeclaim "none" not found/m);
    await run(applyCommand, ["-f", "-"], {
      stdin: stdin.replace(/ {2}volumes.*\n/, "").replace("big", "large"),
    });
    const large = await run(whyCommand, ["large"]);
    assert.match(
      large.out,
      /small: NodeResourcesFit: Insufficient cpu; cpu: asks 2000m, free 1000m of 1000m/,
    );
    const json = await run(whyCommand, ["pod/large", "-o", "json"]);
    assert.match(JSON.parse(json.out).findings[0].cause, /none of 1 node takes it/);
    await assert.rejects(run(whyCommand, ["pvc/none"]), /"none" not found/);
    await run(applyCommand, ["-f", "-"], { stdin: deployment("one") });
    const { out: web } = await run(whyCommand, ["deployment/web"]);
    assert.match(web, /^deployment\/web: it has made no pods yet$/m);
    for (const name of ["big", "large"])
      await client.delete(resources.pods, { name, namespace }, { gracePeriodSeconds: 0 });
    await client.delete(resources.nodes, { name: "small" });
  });
});
