import { strict as assert } from "node:assert";
import { type ChildProcess, execFile, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);

export interface TestMachine {
  readonly name: string;
  /** The third byte of its link's addresses, 10.199.LINK.0/24. */
  readonly link: number;
  nodeIp: string;
  readonly podCidr: string;
  /** Where machines have both families. */
  readonly v6?: { readonly nodeIp: string; readonly podCidr: string };
}

interface PodIps {
  readonly podIp: string;
  readonly secondIp?: string;
}

let networksMade = 0;

/** Machines in network namespaces, on links that a router joins, which knows nothing of pods. Each runs a node's network and
 *  has one pod, a namespace of its own. Nothing of it is in the test's own namespace. */
export class TestMachines {
  readonly machines: readonly TestMachine[];
  readonly #id = `pm${process.pid}n${networksMade++}`;
  readonly #children = new Map<string, ChildProcess>();
  readonly #servers: ChildProcess[] = [];
  readonly #lines = new Map<string, AsyncIterator<string>>();
  readonly #dir = mkdtempSync(join(tmpdir(), "pintle-machines-"));
  readonly #backend: string;
  readonly #addresses = new Map<string, PodIps>();

  private constructor(links: readonly number[], backend: string, isDual: boolean) {
    this.#backend = backend;
    this.machines = links.map((link, at) => ({
      name: `m${at + 1}`,
      link,
      nodeIp: `10.199.${link}.${at + 11}`,
      podCidr: `10.198.${at + 1}.0/24`,
      ...(isDual && { v6: { nodeIp: `fd00:199:${link}::${at + 11}`, podCidr: `fd00:198:0:${at + 1}::/64` } }),
    }));
  }

  /** A machine for each of these links. */
  static async start(
    links: readonly number[],
    { backend = "auto", isDual = false }: { readonly backend?: string; readonly isDual?: boolean } = {},
  ): Promise<TestMachines> {
    const made = new TestMachines(links, backend, isDual);
    try {
      await made.#start();
      return made;
    } catch (error) {
      made.stop();
      throw error;
    }
  }

  async #start(): Promise<void> {
    const router = this.namespaceOf("router");
    sh("ip", "netns", "add", router);
    this.#ip(router, "link set lo up");
    for (const setting of ["net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1"])
      sh("nsenter", `--net=/run/netns/${router}`, "--", "sysctl", "-qw", setting);
    // A packet from pod to pod that is not wrapped is lost on its way between links.
    const rules = ["add table ip t", "add chain ip t f { type filter hook forward priority 0; }"];
    for (const link of new Set(this.machines.map((one) => one.link))) {
      this.#ip(router, `link add br${link} type bridge`);
      this.#ip(router, `addr add 10.199.${link}.1/24 dev br${link}`);
      this.#ip(router, `addr add fd00:199:${link}::1/64 dev br${link} nodad`);
      this.#ip(router, `link set br${link} up`);
      rules.push(`add rule ip t f iifname br${link} oifname != br${link} ip saddr 10.198.0.0/16 drop`);
    }
    nft(router, rules);
    for (const machine of this.machines) {
      mkdirSync(join(this.#dir, machine.name));
      const node = this.namespaceOf(machine.name);
      sh("ip", "netns", "add", node);
      sh("ip", "netns", "add", this.namespaceOf(`${machine.name}-pod`));
      this.#ip(router, `link add ${machine.name} type veth peer name eth0 netns ${node}`);
      this.#ip(router, `link set ${machine.name} master br${machine.link} up`);
      this.#ip(node, "link set lo up");
      this.#ip(node, `addr add ${machine.nodeIp}/24 dev eth0`);
      if (machine.v6 !== undefined) this.#ip(node, `addr add ${machine.v6.nodeIp}/64 dev eth0 nodad`);
      this.#ip(node, "link set eth0 up");
      this.#ip(node, `route add default via 10.199.${machine.link}.1`);
      if (machine.v6 !== undefined) this.#ip(node, `route add ::/0 via fd00:199:${machine.link}::1`);
    }
    await Promise.all(this.machines.map((machine) => this.run(machine)));
    await Promise.all(this.machines.map((machine) => this.#makePod(machine)));
  }

  /** Starts a machine's node network; the one that runs is killed. */
  async run(machine: TestMachine): Promise<void> {
    const running = this.#children.get(machine.name);
    if (running !== undefined) {
      running.kill("SIGKILL");
      await once(running, "exit");
    }
    const script = fileURLToPath(new URL("../../testing/node-in-namespace.ts", import.meta.url));
    const words = [
      script,
      join(this.#dir, machine.name),
      machine.nodeIp,
      machine.podCidr,
      "10.198.0.0/16",
      "10.96.0.0/16",
    ];
    const child = spawn(
      "nsenter",
      [
        `--net=/run/netns/${this.namespaceOf(machine.name)}`,
        "--",
        process.execPath,
        "--import",
        "tsx",
        ...words,
      ],
      {
        stdio: ["pipe", "pipe", "inherit"],
        env: {
          ...process.env,
          TEST_NODE_NAME: machine.name,
          TEST_NODE_BACKEND: this.#backend,
          TEST_NODE_V6: machine.v6 && JSON.stringify({ ...machine.v6, clusterCidr: "fd00:198::/48" }),
        },
      },
    );
    this.#children.set(machine.name, child);
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    this.#lines.set(machine.name, lines);
    assert.equal((await lines.next()).value, "ready");
  }

  async #makePod(machine: TestMachine): Promise<void> {
    const netnsPath = `/run/netns/${this.namespaceOf(`${machine.name}-pod`)}`;
    const pod = { namespace: "ns", name: "pod", uid: "pod", sandboxId: "pod", netnsPath, hostPorts: [] };
    this.#addresses.set(machine.name, (await this.#ask(machine, "attach", pod)) as PodIps);
    // Says who it is and whom it sees, and much of it: more than fits into one packet.
    const program = `require("http").createServer((q, r) => r.end("${machine.name} " + q.socket.remoteAddress.replace("::ffff:", "") + "x".repeat(100000))).listen(8080, "::", () => console.log("up"))`;
    const child = spawn("nsenter", [`--net=${netnsPath}`, "--", process.execPath, "-e", program], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    this.#servers.push(child);
    await once(child.stdout, "data");
  }

  /** Tells every machine of these. */
  async tell(machines: readonly TestMachine[]): Promise<void> {
    const objects = machines.map(({ name, nodeIp, podCidr, v6 }) => ({
      apiVersion: "v1",
      kind: "Node",
      metadata: { name, uid: name, creationTimestamp: "2026-01-01T00:00:00Z" },
      spec: { podCIDR: podCidr, podCIDRs: [podCidr, v6?.podCidr ?? []].flat() },
      status: {
        addresses: [nodeIp, v6?.nodeIp ?? []].flat().map((address) => ({ type: "InternalIP", address })),
      },
    }));
    await Promise.all(this.machines.map((one) => this.#ask(one, "set", { plural: "nodes", objects })));
  }

  async #ask(machine: TestMachine, command: string, input: unknown): Promise<unknown> {
    this.#children.get(machine.name)?.stdin?.write(`${JSON.stringify({ command, input })}\n`);
    const answer = JSON.parse((await this.#lines.get(machine.name)?.next())?.value ?? "{}");
    assert.equal(answer.error, undefined, `${command}: ${answer.error} ${answer.cause}`);
    return answer.ok;
  }

  /** What the pod of one machine has of another's: its name and the address it sees; empty where nothing comes in time. */
  async fromPod(from: TestMachine, to: TestMachine): Promise<string> {
    return this.#get(this.namespaceOf(`${from.name}-pod`), this.podIpOf(to));
  }

  /** The same by IPv6. */
  async fromPod6(from: TestMachine, to: TestMachine): Promise<string> {
    return this.#get(this.namespaceOf(`${from.name}-pod`), `[${this.podIp6Of(to)}]`);
  }

  /** The same, asked by the machine itself. */
  async fromNode(from: TestMachine, to: TestMachine): Promise<string> {
    return this.#get(this.namespaceOf(from.name), this.podIpOf(to));
  }

  async #get(namespace: string, host: string, timeoutMs = 2_000): Promise<string> {
    const program = `let t = ""; require("http").get("http://${host}:8080/", { agent: false, timeout: ${timeoutMs} }, (r) => r.on("data", (c) => { t += c; }).on("end", () => console.log(t.length > 100000 ? t.replaceAll("x", "") : ""))).on("timeout", () => process.exit(0)).on("error", () => process.exit(0))`;
    const { stdout } = await run("nsenter", [
      `--net=/run/netns/${namespace}`,
      "--",
      process.execPath,
      "-e",
      program,
    ]);
    return stdout.trim();
  }

  podIpOf({ name }: TestMachine): string {
    return this.#addresses.get(name)?.podIp ?? "";
  }

  podIp6Of({ name }: TestMachine): string {
    return this.#addresses.get(name)?.secondIp ?? "";
  }

  /** What `ip` or `bridge` shows on a machine. */
  show(machine: TestMachine, program: string, ...words: readonly string[]): string {
    const all = [`--net=/run/netns/${this.namespaceOf(machine.name)}`, "--", program, ...words];
    return execFileSync("nsenter", all, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  }

  /** Runs an `ip` command on a machine, or on the router. */
  ip(name: string, words: string): void {
    this.#ip(this.namespaceOf(name), words);
  }

  #ip(namespace: string, words: string): void {
    sh("ip", "-n", namespace, ...words.split(" "));
  }

  namespaceOf(name: string): string {
    return `${this.#id}-${name}`;
  }

  stop(): void {
    for (const child of [...this.#children.values(), ...this.#servers]) child.kill("SIGKILL");
    for (const name of ["router", ...this.machines.flatMap(({ name: one }) => [one, `${one}-pod`])])
      try {
        sh("ip", "netns", "delete", this.namespaceOf(name));
      } catch (error) {
        if (!(error instanceof Error)) throw error; // it never came to be
      }
    rmSync(this.#dir, { recursive: true, force: true });
  }
}

function nft(namespace: string, lines: readonly string[]): void {
  const input = lines.map((line) => `${line}\n`).join("");
  execFileSync("nsenter", [`--net=/run/netns/${namespace}`, "--", "nft", "-f", "-"], { input });
}

function sh(program: string, ...words: readonly string[]): void {
  execFileSync(program, words, { stdio: ["ignore", "ignore", "pipe"] });
}
