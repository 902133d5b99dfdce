/** Of Kubernetes 1.36, off there: those that `--feature-gates` may switch on. */
export const features = [
  "ClusterTrustBundle",
  "ClusterTrustBundleProjection",
  "ContainerStopSignals",
] as const;
export type Feature = (typeof features)[number];

/** Reads texts such as `ContainerStopSignals=true`; what is wrong with them is told, a line each. Pure. */
export function readFeatureGates(texts: readonly string[]): {
  readonly on: ReadonlySet<Feature>;
  readonly problems: readonly string[];
} {
  const on = new Set<Feature>();
  const problems: string[] = [];
  for (const text of texts) {
    const [name, value = ""] = text.split("=");
    const feature = features.find((one) => one === name);
    if (feature === undefined || !["true", "false"].includes(value))
      problems.push(`--feature-gates: "${text}" is not one of ${features.join(", ")}, =true or =false`);
    else if (value === "true") on.add(feature);
  }
  return { on, problems };
}
