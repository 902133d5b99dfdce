import type { JsonObject } from "../json.ts";

/** The release of Kubernetes whose API this is. */
export const kubernetesVersion = { major: "1", minor: "34", gitVersion: "v1.34.0+pintle" } as const;

export function versionBody(): JsonObject {
  return {
    ...kubernetesVersion,
    gitCommit: "",
    gitTreeState: "clean",
    buildDate: "1970-01-01T00:00:00Z",
    goVersion: "",
    compiler: `node ${process.version}`,
    platform: `${process.platform}/${process.arch === "x64" ? "amd64" : process.arch}`,
  };
}
