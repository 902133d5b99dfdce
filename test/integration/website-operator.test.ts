import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createAuthority, issueCertificate } from "../../base/os/pki.ts";
import type { TestClient } from "../../controlplane/apiserver/testing.ts";
import { startTestCluster, type TestCluster } from "../../controlplane/controllers/testing/cluster.ts";
import type { Website } from "../../examples/website-operator/website.ts";
import { eventually, run } from "../local-cluster.ts";

const operatorFile = (name: string) =>
  fileURLToPath(new URL(`../../examples/website-operator/${name}`, import.meta.url));
const websites = "/apis/operator.example/v1/namespaces/default/websites";
const oldWebsites = "/apis/operator.example/v1alpha1/namespaces/default/websites";

interface Replica {
  readonly identity: string;
  readonly child: ChildProcess;
  readonly port: number;
  said(): string;
}

/** The example as its users run it: two processes with the rights that its manifests give, and nothing beside. */
describe("integration: the operator in examples/website-operator", function () {
  this.timeout(300_000);
  // Each step stands on what those before it made.
  this.bail(true);
  let cluster: TestCluster;
  let admin: TestClient;
  let folder: string;
  let front: Front;
  let kubeconfig: string;
  const replicas: Replica[] = [];

  before(async () => {
    cluster = await startTestCluster({ nodes: ["node-1"] });
    admin = cluster.api.admin;
    folder = mkdtempSync(join(tmpdir(), "pintle-operator-"));
    const authority = await createAuthority({ name: "webhook-authority" });
    const certificate = await issueCertificate(authority, {
      commonName: "webhooks",
      addresses: ["127.0.0.1"],
      usage: "server",
    });
    writeFileSync(join(folder, "ca.crt"), authority.certificatePem);
    writeFileSync(join(folder, "tls.crt"), certificate.certificatePem);
    writeFileSync(join(folder, "tls.key"), certificate.privateKeyPem);
    front = await startFront(() => replicas.filter(({ child }) => isRunning(child)).map(({ port }) => port));
    const webhooks = `--webhooks=https://127.0.0.1:${front.port}`;
    await run(
      process.execPath,
      ["--import", "tsx", operatorFile("setup.ts"), webhooks, `--ca-file=${join(folder, "ca.crt")}`],
      { ...process.env, KUBECONFIG: cluster.api.kubeconfig },
    );
    kubeconfig = await cluster.api.kubeconfigFor("website-operator");
    for (const identity of ["first", "second"]) replicas.push(await startReplica(identity));
  });

  afterEach(function () {
    if (this.currentTest?.state !== "failed") return;
    for (const { identity, said } of replicas) console.error(`${identity} said:\n${said()}`);
  });

  after(async () => {
    for (const { child } of replicas) await end(child, "SIGTERM");
    await front?.stop();
    await cluster?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  async function startReplica(identity: string): Promise<Replica> {
    const child = spawn(
      process.execPath,
      [
        ...[
          "--import",
          "tsx",
          operatorFile("main.ts"),
          `--identity=${identity}`,
          "--host=127.0.0.1",
          "--port=0",
        ],
        ...[
          `--cert-file=${join(folder, "tls.crt")}`,
          `--key-file=${join(folder, "tls.key")}`,
          "--lease-seconds=12",
        ],
      ],
      { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, KUBECONFIG: kubeconfig } },
    );
    let output = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (data) => (output += data));
    const port = await eventually(
      `${identity} answers webhooks`,
      async () => {
        if (!isRunning(child)) throw new Error(output);
        return Number(/webhooks on port (\d+)/.exec(output)?.[1]);
      },
      (found) => found > 0,
    );
    return { identity, child, port, said: () => output };
  }

  const read = async (path: string) => {
    const { code, text, body } = await admin.call("GET", path);
    assert.equal(code, 200, `GET ${path}: ${text}`);
    return body;
  };
  const isReady = ({ status: told }: Website): boolean =>
    told?.conditions?.some(({ type, status }) => type === "Ready" && status === "True") === true;

  it("makes of a website in its old version what the new one says, with its children, its status, a finalizer and events", async () => {
    const made = await admin.call("POST", oldWebsites, {
      body: {
        apiVersion: "operator.example/v1alpha1",
        kind: "Website",
        metadata: { name: "hello" },
        spec: { html: "<h1>Hello</h1>", address: "hello.example:9090" },
      },
    });
    assert.equal(made.code, 201, made.text);
    assert.match(String(made.headers.warning), /v1alpha1 Website is deprecated/);
    const website = await eventually("hello is ready", () => read(`${websites}/hello`), isReady);
    assert.deepEqual(website.spec, {
      html: "<h1>Hello</h1>",
      replicas: 2,
      host: "hello.example",
      port: 9090,
    });
    assert.deepEqual(website.metadata.finalizers, ["operator.example/directory"]);
    assert.equal(website.status?.observedGeneration, website.metadata.generation);
    assert.equal((await read(`${oldWebsites}/hello`)).spec.address, "hello.example:9090");
    for (const child of [
      "/apis/apps/v1/namespaces/default/deployments",
      "/api/v1/namespaces/default/services",
    ])
      assert.equal(
        (await read(`${child}/hello`)).metadata.ownerReferences[0].uid,
        website.metadata.uid,
        child,
      );
    const pages = await read("/api/v1/namespaces/default/configmaps/hello");
    assert.equal(pages.data["index.html"], "<h1>Hello</h1>");
    const directory = await read("/api/v1/namespaces/website-operator/configmaps/directory");
    assert.equal(directory.data["default.hello"], "hello.example");
    await eventually(
      "an event tells that hello is ready",
      async () => (await read("/apis/events.k8s.io/v1/namespaces/default/events")).items,
      (events: readonly { reason: string; regarding: { uid?: string } }[]) =>
        events.some(
          ({ reason, regarding }) => reason === "Available" && regarding.uid === website.metadata.uid,
        ),
    );
    assert.deepEqual(
      (await read("/apis/operator.example/v1/websites?fieldSelector=spec.host%3Dhello.example")).items.map(
        ({ metadata }: { metadata: { name: string } }) => metadata.name,
      ),
      ["hello"],
    );
  });

  it("has its webhooks default, warn and refuse, and cannot be given what does not convert", async () => {
    const site = (name: string, spec: object) => ({
      kind: "Website",
      apiVersion: "operator.example/v1",
      metadata: { name },
      spec,
    });
    const plain = await admin.call("POST", `${websites}?dryRun=All`, {
      body: site("plain", { html: "x", replicas: 0 }),
    });
    assert.equal(plain.code, 201, plain.text);
    assert.deepEqual(plain.body.spec, {
      html: "x",
      replicas: 0,
      host: "plain.default.sites.example",
      port: 8080,
    });
    assert.match(String(plain.headers.warning), /nobody will answer for this website/);
    const twin = await eventually(
      "a second website of one host is refused",
      () =>
        admin.call("POST", `${websites}?dryRun=All`, {
          body: site("twin", { html: "x", host: "hello.example" }),
        }),
      ({ code }) => code !== 201,
    );
    assert.equal(
      twin.body.message,
      'admission webhook "hosts.operator.example" denied the request: host hello.example belongs to website default/hello',
    );
    assert.deepEqual([twin.code, twin.body.reason], [422, "Invalid"]);
    const scripted = await admin.call("POST", websites, { body: site("bad", { html: "<script>" }) });
    assert.match(scripted.body.message, /spec: Invalid value: .*pages have no scripts/);
    const old = { ...site("bad", { html: "x", address: "a:b:c" }), apiVersion: "operator.example/v1alpha1" };
    const unconvertible = await admin.call("POST", oldWebsites, { body: old });
    assert.equal(unconvertible.code, 500, unconvertible.text);
    assert.match(
      unconvertible.body.message,
      /conversion webhook .* failed: spec.address: "a:b:c" is not host:port/,
    );
  });

  it("puts back what others change of its children, and lets others own what it does not name", async () => {
    const pages = "/api/v1/namespaces/default/configmaps/hello";
    await admin.call("PATCH", "/apis/apps/v1/namespaces/default/deployments/hello", {
      type: "application/merge-patch+json",
      body: { metadata: { annotations: { "example.com/mine": "1" } }, spec: { replicas: 5 } },
    });
    await eventually(
      "hello has two replicas again",
      () => read("/apis/apps/v1/namespaces/default/deployments/hello"),
      ({ spec, metadata }) => spec.replicas === 2 && metadata.annotations["example.com/mine"] === "1",
    );
    const scaled = await admin.call("PATCH", `${websites}/hello/scale`, {
      type: "application/merge-patch+json",
      body: { spec: { replicas: 3 } },
    });
    assert.equal(scaled.code, 200, scaled.text);
    await eventually(
      "three replicas",
      () => read(`${websites}/hello`),
      ({ status }) => status.replicas === 3,
    );
    assert.equal((await read(pages)).data["index.html"], "<h1>Hello</h1>");
  });

  it("goes on under another leader when the leader is killed", async () => {
    const lease = "/apis/coordination.k8s.io/v1/namespaces/website-operator/leases/website-operator";
    const { holderIdentity } = (await read(lease)).spec;
    const leader = replicas.find(({ identity }) => identity === holderIdentity);
    assert.ok(leader !== undefined, `${holderIdentity} is no replica`);
    await end(leader.child, "SIGKILL");
    // A call on a connection that is just being lost fails, as anywhere; here none is under way.
    await front.lost(leader.port);
    const body = {
      metadata: { name: "after" },
      kind: "Website",
      apiVersion: "operator.example/v1",
      spec: { html: "x" },
    };
    const made = await admin.call("POST", websites, { body });
    assert.equal(made.code, 201, made.text);
    await eventually("after is ready", () => read(`${websites}/after`), isReady);
    const other = replicas.find(({ identity }) => identity !== holderIdentity);
    const { spec } = await read(lease);
    assert.deepEqual([spec.holderIdentity, spec.leaseTransitions], [other?.identity, 1]);
  });

  it("cleans up when a website goes: the directory's line by its finalizer, the children by their owner", async () => {
    assert.equal((await admin.call("DELETE", `${websites}/hello`)).code, 200);
    await eventually(
      "hello is gone",
      () => admin.call("GET", `${websites}/hello`),
      ({ code }) => code === 404,
    );
    const directory = await read("/api/v1/namespaces/website-operator/configmaps/directory");
    assert.deepEqual(directory.data, { "default.after": "after.default.sites.example" });
    for (const child of [
      "apis/apps/v1/namespaces/default/deployments",
      "api/v1/namespaces/default/services",
      "api/v1/namespaces/default/configmaps",
    ])
      await eventually(
        `${child}/hello is gone`,
        () => admin.call("GET", `/${child}/hello`),
        ({ code }) => code === 404,
      );
  });

  it("gives its lease back when it is told to stop, and did not do what it has no rights to", async () => {
    const last = replicas.find(({ child }) => isRunning(child));
    assert.ok(last !== undefined);
    await end(last.child, "SIGTERM");
    assert.equal(last.child.exitCode, 0, last.said());
    const lease = await read(
      "/apis/coordination.k8s.io/v1/namespaces/website-operator/leases/website-operator",
    );
    assert.equal(lease.spec.holderIdentity, "");
    for (const { said } of replicas) assert.doesNotMatch(said(), /forbidden/i);
  });
});

const isRunning = ({ exitCode, signalCode }: ChildProcess) => exitCode === null && signalCode === null;

async function end(child: ChildProcess, signal: "SIGTERM" | "SIGKILL"): Promise<void> {
  if (!isRunning(child)) return;
  const ended = once(child, "exit");
  child.kill(signal);
  await ended;
}

interface Front {
  readonly port: number;
  /** Resolves when no connection leads to that port any more, on either side. */
  lost(port: number): Promise<void>;
  stop(): Promise<void>;
}

/** One address in front of those replicas that run, as a Service has. */
async function startFront(ports: () => readonly number[]): Promise<Front> {
  const sockets = new Map<Socket, number>();
  const server: Server = createServer((near) => {
    const port = ports()[0];
    if (port === undefined) return void near.destroy();
    const far = connect(port, "127.0.0.1");
    for (const [one, other] of [[near, far] as const, [far, near] as const]) {
      sockets.set(one, port);
      one.on("error", () => other.destroy());
      one.on("close", () => {
        sockets.delete(one);
        other.destroy();
      });
      one.pipe(other);
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    async lost(gone) {
      const led = [...sockets].flatMap(([socket, to]) => (to === gone ? [socket] : []));
      const closed = led.map((socket) => new Promise((resolve) => socket.once("close", resolve)));
      await Promise.all(closed);
    },
    stop: async () => {
      for (const socket of sockets.keys()) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}
