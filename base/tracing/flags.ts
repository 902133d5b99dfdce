import { readFileSync } from "node:fs";
import type { FlagTable, FlagValues } from "../os/flags.ts";
import { readTracingFile, type TracingConfig } from "./config.ts";

/** kube-apiserver's; other parts have the same. */
export const tracingFlags = {
  "tracing-config-file": {
    kind: "string",
    value: "FILE",
    help: "TracingConfiguration (apiserver.config.k8s.io): where spans go by OTLP, and of how many requests in a million",
  },
} as const satisfies FlagTable;

/** Undefined where nobody asks for it. Each thing that is wrong is added to `problems`. */
export function tracingOfFlags(
  flags: FlagValues<typeof tracingFlags>,
  problems: string[],
): TracingConfig | undefined {
  const path = flags["tracing-config-file"];
  if (!path) return undefined;
  const found: string[] = [];
  let config: TracingConfig | undefined;
  try {
    config = readTracingFile(readFileSync(path, "utf8"), found);
  } catch (error) {
    found.push(`cannot be read: ${error instanceof Error ? error.message : error}`);
  }
  problems.push(...found.map((problem) => `--tracing-config-file: ${path}: ${problem}`));
  return config;
}
