import type { Meter } from "../base/os/metrics.ts";
import { kubernetesVersion } from "./version.ts";

/** Which release of Kubernetes a component is of; an API server says more of itself. */
export function observeRelease(meter: Meter): void {
  const { major, minor, gitVersion } = kubernetesVersion;
  const labels = { major, minor, git_version: gitVersion, platform: `linux/${architecture()}` };
  meter
    .gauge(
      "kubernetes_build_info",
      "[BETA] A metric with a constant '1' value labeled by major, minor, git version, git commit, git tree state, build date, Go version, and compiler from which Kubernetes was built, and platform on which it is running.",
      Object.keys(labels),
    )
    .set(labels, 1);
}

const architecture = () => (process.arch === "x64" ? "amd64" : process.arch);
