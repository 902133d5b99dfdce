import { rm } from "node:fs/promises";
import { resolve } from "node:path";
import { systemClock } from "../../base/os/clock.ts";
import { UsageError } from "../../base/os/flags.ts";
import { kubernetesVersion } from "../../client/version.ts";
import { command, OperatorError } from "../command.ts";
import { connectionFlags } from "../kubectl/flags.ts";
import { defaultFolder } from "../up/layout.ts";
import { writeBundle } from "./bundle.ts";
import { collect } from "./collect.ts";

const flags = {
  ...connectionFlags,
  "data-dir": {
    kind: "string",
    value: "DIR",
    help: "where a local cluster has its data and logs ($PINTLE_HOME or ~/.pintle)",
  },
  output: { kind: "string", short: "o", value: "FILE", help: "the file (pintle-support-TIME.tar.gz)" },
} as const;

export const supportCommand = command({
  name: "support",
  summary: "collect into one file what somebody needs who is to help, without secrets",
  flags,
  envPrefix: "PINTLE_",
  examples: ["pintle support", "pintle support -o /tmp/for-the-ticket.tar.gz"],
  async run({ flags: given }, io) {
    const at = new Date(systemClock.wallMs());
    const name = `pintle-support-${at.toISOString().slice(0, 19).replace(/[-:]/g, "")}`;
    const path = resolve(given.output ?? `${name}.tar.gz`);
    let client: ReturnType<typeof io.client> | undefined;
    try {
      client = io.client(given);
    } catch (error) {
      const isNone = error instanceof UsageError || error instanceof OperatorError;
      if (!isNone || given.kubeconfig !== undefined || given.context !== undefined) throw error;
      io.stderr(`without a cluster: ${error.message}\n`);
    }
    const files = collect({
      client,
      folder: defaultFolder(given["data-dir"], io.env),
      version: `pintle, Kubernetes ${kubernetesVersion.gitVersion}`,
      signal: io.signal,
    });
    try {
      const { files: count, bytes } = await writeBundle(path, { folder: name, files, at });
      io.stdout(
        `${path}: ${count} files, ${Math.ceil(bytes / 1024)} KiB unpacked. Look at it before you send it: tar -xzf ${path}\n`,
      );
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "EEXIST")
        throw new OperatorError(`${path} is there already: choose another with --output`);
      await rm(path, { force: true });
      throw error;
    }
    return 0;
  },
});
