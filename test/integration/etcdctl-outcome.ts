import { execFile } from "node:child_process";
import { giveInput } from "../../base/os/give-input.ts";

export interface Outcome {
  readonly exitCode: number;
  readonly stdout: string;
  /** What it says went wrong, without time and place. */
  readonly reason: string;
}

/** The command line client of etcd against a store, without a shell. */
export function etcdctl(endpoint: string, words: readonly string[]): Promise<Outcome> {
  const env = { PATH: process.env.PATH, ETCDCTL_API: "3" };
  return new Promise((resolve) => {
    const args = [`--endpoints=${endpoint.replace("http://", "")}`, ...words];
    const child = execFile("etcdctl", args, { env, timeout: 20_000 }, (error, stdout, stderr) => {
      const reason = /etcdserver: [^"\n]*|unknown method [^"\n]*/.exec(stderr)?.[0] ?? "";
      resolve({ exitCode: error === null ? 0 : Number(error.code ?? 1), stdout, reason });
    });
    giveInput(child, "secret\nsecret\n");
  });
}
