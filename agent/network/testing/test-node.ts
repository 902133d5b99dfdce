import assert from "node:assert/strict";
import { type ChildProcess, execFile, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { isIpv6 } from "../../../base/ipv6.ts";
import type { FamilyNetwork, HostPort, PodAddress, PodAttachment, ProxyMode } from "../../network-seam.ts";

const run = promisify(execFile);

export const canRunNodes =
  process.getuid?.() === 0 && ["ip", "nft", "nsenter"].every((program) => isInstalled(program));

/** Those that this machine has the programs for. */
export const testedModes: readonly ProxyMode[] = isInstalled("iptables-restore")
  ? ["nftables", "iptables"]
  : ["nftables"];

let nodesMade = 0;

/** A node in a network namespace of its own, an outside in another, joined by a veth pair; pods in namespaces of theirs.
 *  Nothing of it is in the test's own namespace. */
export class TestNode {
  static readonly ip = "10.199.0.11";
  static readonly outsideIp = "10.199.0.1";
  /** Of one that has both families. */
  static readonly v6 = {
    nodeIp: "fd00:199::11",
    podCidr: "fd00:198:0:1::/64",
    clusterCidr: "fd00:198::/48",
    serviceCidr: "fd00:96::/112",
    dnsAddress: "fd00:96::a",
  } as const satisfies FamilyNetwork;
  static readonly outsideIp6 = "fd00:199::1";
  readonly node: string;
  readonly outside: string;
  readonly #id = `pt${process.pid}n${nodesMade++}`;
  readonly #stateDir = mkdtempSync(join(tmpdir(), "pintle-network-"));
  readonly #children: ChildProcess[] = [];
  readonly #pods: readonly string[];
  readonly #cni: CniFolders | undefined;
  readonly #isDual: boolean;
  #proxyMode: ProxyMode | undefined;
  #agent: ChildProcess | undefined;
  #lines: AsyncIterator<string> | undefined;

  constructor(pods: readonly string[], { cni, isDual = false, proxyMode }: TestNodeOptions = {}) {
    this.node = `${this.#id}-node`;
    this.outside = `${this.#id}-out`;
    this.#pods = pods;
    this.#cni = cni;
    this.#isDual = isDual;
    this.#proxyMode = proxyMode;
  }

  static async start(pods: readonly string[], options: TestNodeOptions = {}): Promise<TestNode> {
    removeNamespacesOfKilledRuns();
    const made = new TestNode(pods, options);
    const { node, outside } = made;
    sh(`ip netns add ${node}`, `ip netns add ${outside}`);
    sh(`ip -n ${outside} link add eth0 type veth peer name eth0 netns ${node}`);
    for (const [name, ip, ip6] of [
      [outside, TestNode.outsideIp, TestNode.outsideIp6],
      [node, TestNode.ip, TestNode.v6.nodeIp],
    ])
      sh(
        `ip -n ${name} link set lo up`,
        `ip -n ${name} addr add ${ip}/24 dev eth0`,
        ...(made.#isDual ? [`ip -n ${name} addr add ${ip6}/64 dev eth0 nodad`] : []),
        `ip -n ${name} link set eth0 up`,
      );
    sh(`ip -n ${node} route add default via ${TestNode.outsideIp}`);
    if (made.#isDual) sh(`ip -n ${node} route add ::/0 via ${TestNode.outsideIp6}`);
    for (const pod of pods) sh(`ip netns add ${made.namespaceOf(pod)}`);
    await made.restart();
    return made;
  }

  /** Kills the node's network and proxy, if they run, and starts them anew on the same state. */
  async restart({
    isDual = this.#isDual,
    proxyMode = this.#proxyMode,
  }: Pick<TestNodeOptions, "isDual" | "proxyMode"> = {}): Promise<void> {
    this.#proxyMode = proxyMode;
    if (this.#agent !== undefined) {
      this.#agent.kill("SIGKILL");
      await once(this.#agent, "exit");
    }
    const script = fileURLToPath(new URL("./node-in-namespace.ts", import.meta.url));
    const child = spawn(
      "nsenter",
      [
        `--net=/run/netns/${this.node}`,
        "--",
        process.execPath,
        "--import",
        "tsx",
        script,
        this.#stateDir,
        TestNode.ip,
        "10.198.1.0/24",
        "10.198.0.0/16",
        "10.96.0.0/16",
        ...(this.#cni === undefined ? [] : [this.#cni.confDir, this.#cni.binDir]),
      ],
      {
        stdio: ["pipe", "pipe", "inherit"],
        env: {
          ...process.env,
          TEST_NODE_V6: isDual ? JSON.stringify(TestNode.v6) : "",
          TEST_NODE_PROXY: proxyMode ?? "",
        },
      },
    );
    this.#agent = child;
    this.#children.push(child);
    this.#lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    assert.equal((await this.#lines.next()).value, "ready");
  }

  async ask(command: string, input: unknown): Promise<unknown> {
    const { ok, error, cause } = await this.try(command, input);
    assert.equal(error, undefined, `${command}: ${error} ${cause}`);
    return ok;
  }

  async try(command: string, input: unknown): Promise<{ ok?: unknown; error?: string; cause?: string }> {
    this.#agent?.stdin?.write(`${JSON.stringify({ command, input })}\n`);
    return JSON.parse((await this.#lines?.next())?.value ?? "{}");
  }

  namespaceOf(pod: string): string {
    return `${this.#id}-${pod}`;
  }

  attachment(pod: string, hostPorts: readonly HostPort[] = []): PodAttachment {
    const netnsPath = `/run/netns/${this.namespaceOf(pod)}`;
    return { namespace: "ns", name: pod, uid: pod, sandboxId: pod, netnsPath, hostPorts };
  }

  async attach(pod: string, hostPorts: readonly HostPort[] = []): Promise<string> {
    return ((await this.ask("attach", this.attachment(pod, hostPorts))) as { podIp: string }).podIp;
  }

  /** Its addresses, one of each family. */
  async attachBoth(pod: string, hostPorts: readonly HostPort[] = []): Promise<readonly [string, string]> {
    const { podIp, secondIp = "" } = (await this.ask(
      "attach",
      this.attachment(pod, hostPorts),
    )) as PodAddress;
    return [podIp, secondIp];
  }

  /** Serves HTTP in a pod at 8080: its name, or at /from the address it sees its client at. */
  async serve(pod: string): Promise<void> {
    const host = this.#isDual ? "::" : "0.0.0.0";
    const program = `require("http").createServer((q, r) => r.end(q.url === "/from" ? q.socket.remoteAddress.replace("::ffff:", "") : "${pod}")).listen(8080, "${host}", () => console.log("up"))`;
    await this.background(this.namespaceOf(pod), program);
  }

  /** Runs a program of Node's in a namespace, once it has said something; answers what ends it. */
  async background(namespace: string, program: string): Promise<() => void> {
    const args = [`--net=/run/netns/${namespace}`, "--", process.execPath, "-e", program];
    const child = spawn("nsenter", args, { stdio: ["ignore", "pipe", "inherit"] });
    this.#children.push(child);
    await once(child.stdout, "data");
    return () => void child.kill("SIGKILL");
  }

  /** Messages of the events recorded since the node started. */
  async events(): Promise<readonly string[]> {
    return (await this.ask("events", null)) as string[];
  }

  /** What `nft list ruleset` shows on the node. */
  async ruleset(): Promise<string> {
    return (await this.in(this.node, "nft", ["list", "ruleset"])).stdout;
  }

  /** What iptables show of both families on the node. */
  async iptables(): Promise<string> {
    const shown = ["iptables-save", "ip6tables-save"].map((program) => this.in(this.node, program, []));
    return (await Promise.all(shown)).map(({ stdout }) => stdout).join("");
  }

  /** What is in the kernel for Services, in the words of what its proxy uses. */
  serviceRules(): Promise<string> {
    return this.#proxyMode === "iptables" ? this.iptables() : this.ruleset();
  }

  /** Serves in a pod at these ports, TCP and UDP, and asks from it on demand. */
  async talk(pod: string, ports: readonly number[]): Promise<Talker> {
    const script = fileURLToPath(new URL("./talker.ts", import.meta.url));
    const netns = pod === "" ? this.outside : pod === "node" ? this.node : this.namespaceOf(pod);
    const args = [`--net=/run/netns/${netns}`, "--", process.execPath, "--import", "tsx", script];
    const child = spawn("nsenter", [...args, ...ports.map(String)], { stdio: ["pipe", "pipe", "inherit"] });
    this.#children.push(child);
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    assert.equal((await lines.next()).value, "ready");
    return {
      async ask(question) {
        child.stdin.write(`${JSON.stringify(question)}\n`);
        return JSON.parse((await lines.next()).value ?? "null");
      },
    };
  }

  in(namespace: string, program: string, args: readonly string[]) {
    return run("nsenter", [`--net=/run/netns/${namespace}`, "--", program, ...args], {
      encoding: "utf8",
      env: { PATH: process.env.PATH },
    });
  }

  /** Nothing answers, not even to refuse: not within a time in which an answer would be there. */
  async isDropped(namespace: string, url: string): Promise<boolean> {
    return (await this.get(namespace, url, 2_000)) === "";
  }

  /** The body, "refused", or "" for anything else. */
  async get(namespace: string, url: string, timeoutMs = hangMs): Promise<string> {
    const program = `require("http").get("${url}", { agent: false, timeout: ${timeoutMs} }, (r) => r.pipe(process.stdout)).on("timeout", (r) => process.exit(0)).on("error", (e) => console.log(e.code === "ECONNREFUSED" ? "refused" : ""))`;
    return (await this.in(namespace, process.execPath, ["-e", program])).stdout.trim();
  }

  /** The different answers to many requests, sorted: asked until `count` of them came, at most 64 times, and eight times
   *  at least, so that one more than expected has its chance to show. */
  async differentAnswers(namespace: string, url: string, count: number): Promise<string[]> {
    const seen = new Set<string>();
    for (let asked = 0; asked < 8 || (asked < 64 && seen.size < count); asked++)
      seen.add(await this.get(namespace, url));
    return [...seen].sort();
  }

  stop(): void {
    for (const child of this.#children) child.kill("SIGKILL");
    for (const name of [this.node, this.outside, ...this.#pods.map((pod) => this.namespaceOf(pod))])
      sh(`ip netns delete ${name} 2>/dev/null || true`);
    rmSync(this.#stateDir, { recursive: true, force: true });
  }
}

export interface TestNodeOptions {
  /** Its pods are connected by CNI plugins. */
  readonly cni?: CniFolders;
  /** It and its pods have addresses of both families. */
  readonly isDual?: boolean;
  /** What leads to Services; nftables by default. */
  readonly proxyMode?: ProxyMode;
}

export interface CniFolders {
  readonly confDir: string;
  readonly binDir: string;
}

/** A process in a pod that talks to others. */
export interface Talker {
  /** Whom of these it reaches, in their order: all are asked at once. Or, of a connection that stands, whether it still does. */
  ask(question: { readonly reach: readonly Target[]; readonly waitMs: number }): Promise<readonly boolean[]>;
}

export interface Target {
  readonly ip: string;
  readonly protocol: "tcp" | "udp";
  readonly port: number;
  /** Keeps the connection, and uses it again where it stands already. */
  readonly keep?: boolean;
}

/** A test that was killed took nothing down. */
function removeNamespacesOfKilledRuns(): void {
  const present = execFileSync("ip", ["netns", "list"], { encoding: "utf8" });
  for (const [name, pid] of present.matchAll(/^pt(\d+)n\d+-[^ \n]+/gm))
    if (!existsSync(`/proc/${pid}`)) sh(`ip netns delete ${name} 2>/dev/null || true`);
}

/** A Service in the namespace `default`. */
export function service(name: string, clusterIP: string, spec: object = {}, more: object = {}): object {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { namespace: "default", name, uid: name, creationTimestamp: "2026-01-01T00:00:00Z" },
    spec: {
      type: "ClusterIP",
      clusterIP,
      clusterIPs: [clusterIP],
      ports: [{ port: 80, targetPort: 8080, protocol: "TCP" }],
      ...spec,
    },
    ...more,
  };
}

/** Its endpoints; those of `elsewhere` are on another node. */
export function slice(
  name: string,
  addresses: readonly string[],
  {
    elsewhere = [] as readonly string[],
    ports = [{ name: "", port: 8080, protocol: "TCP" }] as object[],
  } = {},
): object {
  const isOf6 = [...addresses, ...elsewhere].some(isIpv6);
  const endpoint = (nodeName: string) => (address: string) => ({
    addresses: [address],
    conditions: { ready: true },
    nodeName,
  });
  return {
    metadata: {
      namespace: "default",
      name: `${name}-${isOf6 ? 2 : 1}`,
      labels: { "kubernetes.io/service-name": name },
    },
    addressType: isOf6 ? "IPv6" : "IPv4",
    ports,
    endpoints: [...addresses.map(endpoint("node-1")), ...elsewhere.map(endpoint("node-2"))],
  };
}

/** Ends a hang, and measures nothing: a busy machine takes its time. */
const hangMs = 100_000;

/** Looks until it is so; each look takes a process' time. */
export async function eventually(what: string, check: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + hangMs;
  while (!(await check())) assert.ok(performance.now() < deadline, `not so in time: ${what}`);
}

function sh(...commands: string[]): void {
  for (const command of commands)
    execFileSync("sh", ["-c", command], { stdio: ["ignore", "ignore", "inherit"] });
}

export function isInstalled(program: string): boolean {
  try {
    execFileSync("sh", ["-c", `command -v ${program}`], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
