import { strict as assert } from "node:assert";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseFlags } from "../../base/os/flags.ts";
import { createLog } from "../../base/os/log.ts";
import type { Running } from "../../base/os/os.ts";
import { loadKubeconfig } from "../../client/kubeconfig.ts";
import { resources } from "../../client/resources.ts";
import { RestClient } from "../../client/rest.ts";
import { podOfManifest } from "../../controlplane/apiserver/pod-manifest.ts";
import { startTestApiserver, type TestApiserver, testOs } from "../../controlplane/apiserver/testing.ts";
import { startAgent } from "../agent.ts";
import { agentConfig, agentFlags } from "../flags.ts";
import { tearDownNode } from "../teardown.ts";

/** A whole agent beside a whole API server, which keeps nodes to what they may write; pods are plain processes. */
export class TestAgent {
  readonly dir: string;
  readonly api: TestApiserver;
  /** A cluster's administrator. */
  readonly client: RestClient;
  readonly #nodeName: string;
  readonly #argv: readonly string[];

  private constructor(dir: string, api: TestApiserver, nodeName: string, argv: readonly string[]) {
    this.dir = dir;
    this.api = api;
    this.client = new RestClient(loadKubeconfig(api.kubeconfig));
    this.#nodeName = nodeName;
    this.#argv = argv;
  }

  /** @param podCidr Of the loopback's addresses, and no other test's.
   *  @param flags Further ones, by the folder that the test has. */
  static async open(
    { nodeName, podCidr }: { readonly nodeName: string; readonly podCidr: string },
    flags: (dir: string) => readonly string[],
  ): Promise<TestAgent> {
    const dir = await mkdtemp(join(tmpdir(), "pintle-test-agent-"));
    const api = await startTestApiserver();
    await writeFile(join(dir, "ca"), api.authority.certificatePem);
    const own = new TestAgent(dir, api, nodeName, [
      `--node-name=${nodeName}`,
      "--allow-host-image",
      `--kubeconfig=${await api.kubeconfigFor(`system:node:${nodeName}`, ["system:nodes"])}`,
      `--root-dir=${dir}/root`,
      "--address=127.0.0.1",
      "--port=0",
      "--runtime=process",
      "--ingress=false",
      `--client-ca-file=${dir}/ca`,
      `--pod-cidr=${podCidr}`,
      ...flags(dir),
    ]);
    for (const name of ["default", "kube-node-lease"])
      await own.client
        .create(resources.namespaces, { metadata: { name }, spec: {} })
        .catch((error: unknown) => assert.match(String(error), /already exists/));
    return own;
  }

  /** What it says goes nowhere: tests look at what it does. */
  start(): Promise<Running> {
    const log = createLog({ level: "error", format: "text", write: () => undefined });
    const config = agentConfig(parseFlags(agentFlags, [...this.#argv]).flags);
    return startAgent(config, { ...testOs(), log }, { readManifest: podOfManifest });
  }

  /** Ends whatever still runs of the node, whose agent has ended. */
  tearDown(): Promise<void> {
    const { dir } = this;
    return tearDownNode(
      { rootDir: join(dir, "root"), nodeName: this.#nodeName, runtime: "process" },
      testOs(),
    );
  }

  async close(): Promise<void> {
    this.client.close();
    await this.api.stop();
    await rm(this.dir, { recursive: true, force: true });
  }
}

/** Asks every 50 ms: there is no other end of a status to wait at from outside. */
export async function until<T, R>(ask: () => Promise<T>, wanted: (answer: T) => R | undefined): Promise<R> {
  const giveUpMs = Date.now() + 60_000;
  for (;;) {
    const answer = await ask();
    const found = wanted(answer);
    if (found !== undefined) return found;
    if (Date.now() > giveUpMs) assert.fail(`not in time: ${JSON.stringify(answer).slice(0, 3000)}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
