import assert from "node:assert/strict";
import { type ChildProcess, execFile, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);

const id = `pt${process.pid % 100000}`;
const node = `${id}-node`;
const canRun = process.getuid?.() === 0 && ["ip", "nft", "nsenter"].every((program) => isInstalled(program));

/** A node in a network namespace of its own, joined to the test's by a veth pair; pods in namespaces of theirs. */
describe("pod network and services on a bridge", function () {
  this.timeout(30_000);
  const stateDir = mkdtempSync(join(tmpdir(), "pintle-network-"));
  const children: ChildProcess[] = [];
  let ask: (command: string, input: unknown) => Promise<unknown>;

  before(async function () {
    if (!canRun) this.skip();
    sh(`ip netns add ${node}`);
    sh(`ip link add ${id} type veth peer name eth0 netns ${node}`);
    sh(`ip addr add 10.199.0.1/24 dev ${id}`, `ip link set ${id} up`);
    sh(
      `ip -n ${node} link set lo up`,
      `ip -n ${node} addr add 10.199.0.11/24 dev eth0`,
      `ip -n ${node} link set eth0 up`,
    );
    sh(`ip -n ${node} route add default via 10.199.0.1`);
    for (const pod of ["a", "b"]) sh(`ip netns add ${id}-${pod}`);
    ask = await startNode();
  });

  after(() => {
    for (const child of children) child.kill("SIGKILL");
    if (!canRun) return;
    for (const name of [node, `${id}-a`, `${id}-b`]) sh(`ip netns delete ${name} 2>/dev/null || true`);
    sh(`ip link delete ${id} 2>/dev/null || true`);
    rmSync(stateDir, { recursive: true });
  });

  it("connects pods, and Services lead to them from pods, from the node and from outside", async () => {
    const first = await attach("a");
    const second = await attach("b");
    assert.match(first, /^10\.198\.1\.\d+$/);
    assert.notEqual(first, second);
    await serve("a", "one");
    await serve("b", "two");
    assert.equal(await get(`${id}-a`, `http://${second}:8080/`), "two", "pod to pod");

    await ask("set", { plural: "endpointslices", objects: [slice([first, second])] });
    await ask("set", { plural: "services", objects: [service()] });
    await eventually("the Service answers", async () => (await get(node, "http://10.96.0.77/")) !== "");
    const seen = new Set(await getMany(`${id}-a`, "http://10.96.0.77/", 16));
    assert.deepEqual(
      [...seen].sort(),
      ["one", "two"],
      "a pod reaches its neighbour and itself through the Service",
    );
    assert.deepEqual(
      new Set(await getMany(undefined, "http://10.199.0.11:30077/", 16)),
      new Set(["one", "two"]),
      "node port from outside",
    );
  });

  it("stops sending to an endpoint that left, and refuses at once where none is left", async () => {
    await ask("set", { plural: "endpointslices", objects: [slice([await attach("b")])] });
    await eventually("only the other answers", async () =>
      (await getMany(node, "http://10.96.0.77/", 8)).every((text) => text === "two"),
    );
    await ask("set", { plural: "endpointslices", objects: [] });
    await eventually("refused", async () => (await get(node, "http://10.96.0.77/")) === "refused");
  });

  it("takes connected pods over after a restart and cleans up what nobody claims", async () => {
    const address = await attach("a");
    children[0]?.kill("SIGKILL");
    await once(children[0] as ChildProcess, "exit");
    ask = await startNode();
    const known = [
      {
        namespace: "ns",
        name: "a",
        uid: "a",
        sandboxId: "a",
        netnsPath: `/run/netns/${id}-a`,
        hostPorts: [],
        podIp: address,
        gateway: "10.198.1.1",
      },
    ];
    assert.deepEqual(await ask("restore", known), []);
    assert.equal(await attach("a"), address);
    assert.equal(await get(node, `http://${address}:8080/`), "one");
    const links = execFileSync("ip", ["-n", node, "-o", "link", "show", "type", "veth"], {
      encoding: "utf8",
    });
    assert.equal(links.match(/: pp[0-9a-f]{12}@/g)?.length, 1, links);
  });

  it("frees everything on detach", async () => {
    await ask("detach", { sandboxId: "a", uid: "a" });
    await ask("detach", { sandboxId: "a", uid: "a" });
    const links = execFileSync("ip", ["-n", node, "-o", "link", "show", "type", "veth"], {
      encoding: "utf8",
    });
    assert.doesNotMatch(links, /: pp[0-9a-f]{12}@/);
  });

  async function startNode() {
    const script = fileURLToPath(new URL("./testing/node-in-namespace.ts", import.meta.url));
    const child = spawn(
      "nsenter",
      [
        `--net=/run/netns/${node}`,
        "--",
        process.execPath,
        "--import",
        "tsx",
        script,
        stateDir,
        "10.199.0.11",
        "10.198.1.0/24",
        "10.198.0.0/16",
      ],
      { stdio: ["pipe", "pipe", "inherit"] },
    );
    children.unshift(child);
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    assert.equal((await lines.next()).value, "ready");
    return async (command: string, input: unknown): Promise<unknown> => {
      child.stdin.write(`${JSON.stringify({ command, input })}\n`);
      const answer = JSON.parse((await lines.next()).value ?? "{}") as {
        ok?: unknown;
        error?: string;
        cause?: string;
      };
      assert.equal(answer.error, undefined, `${command}: ${answer.error} ${answer.cause}`);
      return answer.ok;
    };
  }

  async function attach(pod: string): Promise<string> {
    const input = {
      namespace: "ns",
      name: pod,
      uid: pod,
      sandboxId: pod,
      netnsPath: `/run/netns/${id}-${pod}`,
      hostPorts: [],
    };
    return ((await ask("attach", input)) as { podIp: string }).podIp;
  }

  async function serve(pod: string, answer: string): Promise<void> {
    const program = `require("http").createServer((q, r) => r.end("${answer}")).listen(8080, () => console.log("up"))`;
    const child = spawn("nsenter", [`--net=/run/netns/${id}-${pod}`, "--", process.execPath, "-e", program], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    children.push(child);
    await once(child.stdout, "data");
  }
});

function service(): object {
  return {
    metadata: { namespace: "default", name: "web" },
    spec: {
      type: "NodePort",
      clusterIP: "10.96.0.77",
      clusterIPs: ["10.96.0.77"],
      ports: [{ port: 80, targetPort: 8080, nodePort: 30077, protocol: "TCP" }],
    },
  };
}

function slice(addresses: readonly string[]): object {
  return {
    metadata: { namespace: "default", name: "web-1", labels: { "kubernetes.io/service-name": "web" } },
    addressType: "IPv4",
    ports: [{ name: "", port: 8080, protocol: "TCP" }],
    endpoints: addresses.map((address) => ({
      addresses: [address],
      conditions: { ready: true },
      nodeName: "node-1",
    })),
  };
}

/** The body, "refused", or "" for anything else. */
async function get(namespace: string | undefined, url: string): Promise<string> {
  const program = `require("http").get("${url}", { agent: false, timeout: 2000 }, (r) => r.pipe(process.stdout)).on("timeout", (r) => process.exit(0)).on("error", (e) => console.log(e.code === "ECONNREFUSED" ? "refused" : ""))`;
  const enter = namespace === undefined ? [] : ["nsenter", `--net=/run/netns/${namespace}`, "--"];
  const [command = "", ...args] = [...enter, process.execPath, "-e", program];
  return (await run(command, args, { encoding: "utf8", env: { PATH: process.env.PATH } })).stdout.trim();
}

async function getMany(namespace: string | undefined, url: string, count: number): Promise<string[]> {
  const answers: string[] = [];
  for (let i = 0; i < count; i++) answers.push(await get(namespace, url));
  return answers;
}

/** Looks until it is so, for at most ten seconds; each look takes a process' time. */
async function eventually(what: string, check: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!(await check())) assert.ok(performance.now() < deadline, `not so in time: ${what}`);
}

function sh(...commands: string[]): void {
  for (const command of commands)
    execFileSync("sh", ["-c", command], { stdio: ["ignore", "ignore", "inherit"] });
}

function isInstalled(program: string): boolean {
  try {
    execFileSync("sh", ["-c", `command -v ${program}`], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
