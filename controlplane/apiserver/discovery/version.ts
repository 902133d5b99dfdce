import { kubernetesVersion } from "../../../client/version.ts";
import type { JsonObject } from "../json.ts";

export function versionBody(): JsonObject {
  const { major, minor, gitVersion } = kubernetesVersion;
  return {
    major,
    minor,
    // Nothing older is imitated; what may stand beside this server is one minor release older.
    emulationMajor: major,
    emulationMinor: minor,
    minCompatibilityMajor: major,
    minCompatibilityMinor: String(Number(minor) - 1),
    gitVersion,
    gitCommit: "",
    gitTreeState: "clean",
    buildDate: "1970-01-01T00:00:00Z",
    goVersion: "",
    compiler: `node ${process.version}`,
    platform: `${process.platform}/${process.arch === "x64" ? "amd64" : process.arch}`,
  };
}
