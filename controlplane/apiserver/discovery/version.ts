import { kubernetesVersion } from "../../../client/version.ts";
import type { JsonObject } from "../json.ts";

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
