import assert from "node:assert/strict";
import { type ChildProcess, execFile, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import type { Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { FakeApi } from "../../../../client/testing/fake-api.ts";
import { serveLeases } from "./lease-socket.ts";

const run = promisify(execFile);
const names = ["a", "b"] as const;
export type NodeName = (typeof names)[number];

export const canAnnounce =
  process.getuid?.() === 0 &&
  ["ip", "nft", "nsenter", "perl"].every((program) => {
    try {
      execFileSync("sh", ["-c", `command -v ${program}`], { stdio: "ignore" });
      return true;
    } catch {
      return false;
    }
  });

/** Two nodes and a client on one link, each in a network namespace of its own. */
export class TwoNodes {
  static readonly pool = "10.197.0.100-10.197.0.110,fd00:197::100-fd00:197::110";
  static readonly clientIp = "10.197.0.1";
  static readonly clientIp6 = "fd00:197::1";
  readonly leases = new FakeApi();
  readonly #id = `pta${process.pid}`;
  readonly #folder = mkdtempSync(join(tmpdir(), "pintle-announcer-"));
  readonly #children = new Map<NodeName, ChildProcess>();
  #server: Server | undefined;

  static ipOf(node: NodeName): string {
    return `10.197.0.${11 + names.indexOf(node)}`;
  }

  static ip6Of(node: NodeName): string {
    return `fd00:197::${11 + names.indexOf(node)}`;
  }

  async start(): Promise<void> {
    removeNamespacesOfKilledRuns();
    const lan = this.#namespace("lan");
    sh(`ip netns add ${lan}`, `ip -n ${lan} link set lo up`, `ip -n ${lan} link add lan type bridge`);
    sh(`ip -n ${lan} addr add ${TwoNodes.clientIp}/24 dev lan`, `ip -n ${lan} link set lan up`);
    sh(`ip -n ${lan} addr add ${TwoNodes.clientIp6}/64 dev lan nodad`);
    for (const node of names) {
      const space = this.#namespace(node);
      sh(`ip netns add ${space}`, `ip -n ${space} link set lo up`);
      sh(`ip -n ${lan} link add to-${node} type veth peer name eth0 netns ${space}`);
      sh(`ip -n ${lan} link set to-${node} master lan up`);
      sh(`ip -n ${space} addr add ${TwoNodes.ipOf(node)}/24 dev eth0`, `ip -n ${space} link set eth0 up`);
      sh(`ip -n ${space} addr add ${TwoNodes.ip6Of(node)}/64 dev eth0 nodad`);
      sh(`nsenter --net=/run/netns/${space} sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1`);
    }
    this.#server = await serveLeases(join(this.#folder, "leases"), this.leases);
    for (const node of names) await this.startNode(node);
  }

  async startNode(node: NodeName): Promise<void> {
    const script = fileURLToPath(new URL("./announcing-node.ts", import.meta.url));
    const space = `--net=/run/netns/${this.#namespace(node)}`;
    const ips = [TwoNodes.ipOf(node), TwoNodes.ip6Of(node)];
    const words = [node, ...ips, TwoNodes.pool, join(this.#folder, "leases")];
    const child = spawn("nsenter", [space, "--", process.execPath, "--import", "tsx", script, ...words], {
      stdio: ["pipe", "pipe", process.env.PINTLE_TEST_LOG === undefined ? "ignore" : "inherit"],
    });
    this.#children.set(node, child);
    const lines = createInterface({ input: child.stdout });
    for await (const line of lines) if (line === "ready") break;
  }

  /** Nothing is told to it any more. */
  async kill(node: NodeName, signal: "SIGKILL" | "SIGSTOP" | "SIGCONT"): Promise<void> {
    const child = this.#children.get(node);
    child?.kill(signal);
    if (signal === "SIGKILL" && child !== undefined) await once(child, "exit");
  }

  /** Ends a node in good order. */
  async endNode(node: NodeName): Promise<void> {
    const child = this.#children.get(node);
    child?.stdin?.end();
    if (child !== undefined) await once(child, "exit");
  }

  /** What the nodes' informers have. */
  set(plural: string, objects: readonly object[]): void {
    for (const child of this.#children.values())
      if (child.exitCode === null && child.signalCode === null)
        child.stdin?.write(`${JSON.stringify({ plural, objects })}\n`);
  }

  /** The body, or what went wrong. */
  async get(url: string, timeoutMs: number): Promise<string> {
    const program = `const r = require("http").get("${url}", { agent: false, timeout: ${timeoutMs} }, (a) => a.pipe(process.stdout)); r.on("timeout", () => { console.log("timeout"); process.exit(0); }); r.on("error", (e) => console.log(e.code))`;
    return (await this.in("lan", process.execPath, ["-e", program])).trim();
  }

  /** Which node's hardware address the client knows for this address. */
  async neighbour(address: string): Promise<NodeName | undefined> {
    const known = await this.in("lan", "ip", ["neigh", "show", address]);
    for (const node of names) {
      if (known.includes(await this.#hardwareOf(node))) return node;
    }
    return undefined;
  }

  async hasAddress(node: NodeName, address: string): Promise<boolean> {
    return (await this.in(node, "ip", ["-o", "addr", "show", "to", address])).includes(address);
  }

  async in(space: NodeName | "lan", program: string, args: readonly string[]): Promise<string> {
    const enter = `--net=/run/netns/${this.#namespace(space)}`;
    return (await run("nsenter", [enter, "--", program, ...args], { encoding: "utf8" })).stdout;
  }

  stop(): void {
    for (const child of this.#children.values()) child.kill("SIGKILL");
    for (const space of [...names, "lan"])
      sh(`ip netns delete ${this.#namespace(space)} 2>/dev/null || true`);
    this.#server?.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #hardwareOf(node: NodeName): Promise<string> {
    const [link] = JSON.parse(await this.in(node, "ip", ["-json", "link", "show", "eth0"]));
    return link.address;
  }

  #namespace(name: string): string {
    return `${this.#id}-${name}`;
  }
}

/** A test that was killed took nothing down. */
function removeNamespacesOfKilledRuns(): void {
  const present = execFileSync("ip", ["netns", "list"], { encoding: "utf8" });
  for (const [name, pid] of present.matchAll(/^pta(\d+)-[^ \n]+/gm))
    if (!existsSync(`/proc/${pid}`)) sh(`ip netns delete ${name} 2>/dev/null || true`);
}

/** Looks until it is so, between one thing that happens and the next. */
export async function eventually(what: string, check: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 100_000;
  while (!(await check())) {
    assert.ok(performance.now() < deadline, `not so in time: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

function sh(...commands: string[]): void {
  for (const command of commands)
    execFileSync("sh", ["-c", command], { stdio: ["ignore", "ignore", "inherit"] });
}
