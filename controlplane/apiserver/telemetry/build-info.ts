import type { Meter } from "../../../base/os/metrics.ts";
import { kubernetesVersion } from "../../../client/version.ts";
import { versionBody } from "../discovery/version.ts";
import { stringOf } from "../json.ts";

/** What /version says, as figures whose value is 1. */
export function observeBuild(meter: Meter): void {
  const { gitCommit, gitTreeState, buildDate, goVersion, compiler, platform } = versionBody();
  const { major, minor, gitVersion } = kubernetesVersion;
  const labels = {
    major,
    minor,
    git_version: gitVersion,
    git_commit: stringOf(gitCommit),
    git_tree_state: stringOf(gitTreeState),
    build_date: stringOf(buildDate),
    go_version: stringOf(goVersion),
    compiler: stringOf(compiler),
    platform: stringOf(platform),
  };
  meter
    .gauge(
      "kubernetes_build_info",
      "[BETA] A metric with a constant '1' value labeled by major, minor, git version, git commit, git tree state, build date, Go version, and compiler from which Kubernetes was built, and platform on which it is running.",
      Object.keys(labels),
    )
    .set(labels, 1);
  const version = `${major}.${minor}`;
  meter
    .gauge(
      "version_info",
      "[ALPHA] Provides the compatibility version info of the component. The component label is the name of the component, usually kube, but is relevant for aggregated-apiservers.",
      ["component", "binary", "emulation", "min_compat"],
    )
    .set(
      {
        component: "kube",
        binary: version,
        emulation: version,
        min_compat: `${major}.${Number(minor) - 1}`,
      },
      1,
    );
}
