import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseFlags } from "../../base/os/flags.ts";
import { createLog } from "../../base/os/log.ts";
import type { Running } from "../../base/os/os.ts";
import type { RestClient } from "../../client/rest.ts";
import { podOfManifest } from "../../controlplane/apiserver/pod-manifest.ts";
import { startTestApiserver, type TestApiserver, testOs } from "../../controlplane/apiserver/testing.ts";
import { startAgent } from "../agent.ts";
import { agentConfig, agentFlags } from "../flags.ts";
import { tearDownNode } from "../teardown.ts";
import { openAdministrator } from "./whole-node.ts";

/** A whole agent beside a whole API server, which keeps nodes to what they may write; pods are plain processes. */
export class TestAgent {
  readonly dir: string;
  readonly api: TestApiserver;
  /** A cluster's administrator. */
  readonly client: RestClient;
  readonly #nodeName: string;
  readonly #argv: readonly string[];

  private constructor(
    dir: string,
    { api, client }: { readonly api: TestApiserver; readonly client: RestClient },
    nodeName: string,
    argv: readonly string[],
  ) {
    this.dir = dir;
    this.api = api;
    this.client = client;
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
    return new TestAgent(dir, { api, client: await openAdministrator(api) }, nodeName, [
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
