import { join } from "node:path";
import { run } from "./local-cluster.ts";

export const helmProgram = process.env.PINTLE_HELM ?? "helm";

/** Runs helm against the cluster; what it keeps for itself goes into the folder. Resolves with what it printed. */
export const helmFor =
  (kubeconfig: string, folder: string) =>
  (...args: string[]): Promise<string> =>
    run(helmProgram, args, {
      ...process.env,
      KUBECONFIG: kubeconfig,
      HELM_CACHE_HOME: join(folder, "cache"),
      HELM_CONFIG_HOME: join(folder, "config"),
      HELM_DATA_HOME: join(folder, "data"),
    });
