import { isLevel, levelRule, type Mode, type Policy, readVersion, versionRule } from "./levels.ts";

/** What counts where a namespace says nothing, and whom no level binds. */
export interface PodSecurityConfiguration {
  readonly defaults: Policy;
  readonly exemptUsers: readonly string[];
  readonly exemptNamespaces: readonly string[];
  readonly exemptRuntimeClasses: readonly string[];
}

const anything = { level: "privileged", minor: "latest" } as const;

export const defaultPodSecurity: PodSecurityConfiguration = {
  defaults: { enforce: anything, audit: anything, warn: anything },
  exemptUsers: [],
  exemptNamespaces: [],
  exemptRuntimeClasses: [],
};

const versions = ["v1", "v1beta1", "v1alpha1"].map((one) => `pod-security.admission.config.k8s.io/${one}`);
const modes: readonly Mode[] = ["enforce", "audit", "warn"];

/** Reads a PodSecurityConfiguration, parsed from YAML or JSON. Each thing that is wrong is added to `problems`. */
export function readPodSecurity(document: unknown, problems: string[]): PodSecurityConfiguration {
  const top = record(document, "the configuration of PodSecurity", problems);
  const { apiVersion, kind, defaults, exemptions, ...rest } = top;
  if (kind !== "PodSecurityConfiguration" || !versions.includes(String(apiVersion)))
    problems.push(`${apiVersion}, ${kind}: not a PodSecurityConfiguration of ${versions.join(", ")}`);
  unknownFields(rest, "", problems);
  const given = record(defaults ?? {}, "defaults", problems);
  const read = (mode: Mode) => {
    const level = given[mode] || "privileged";
    const minor = readVersion(String(given[`${mode}-version`] || "latest"));
    if (!isLevel(String(level))) problems.push(`defaults.${mode}: ${JSON.stringify(level)}: ${levelRule}`);
    if (minor === undefined)
      problems.push(`defaults.${mode}-version: ${JSON.stringify(given[`${mode}-version`])}: ${versionRule}`);
    const text = String(level);
    return { level: isLevel(text) ? text : "restricted", minor: minor ?? "latest" } as const;
  };
  const policy = { enforce: read("enforce"), audit: read("audit"), warn: read("warn") };
  const known = modes.flatMap((mode) => [mode, `${mode}-version`]);
  unknownFields(without(given, known), "defaults.", problems);
  const exempt = record(exemptions ?? {}, "exemptions", problems);
  const lists = ["usernames", "namespaces", "runtimeClasses"] as const;
  unknownFields(without(exempt, lists), "exemptions.", problems);
  const [exemptUsers = [], exemptNamespaces = [], exemptRuntimeClasses = []] = lists.map((name) =>
    texts(exempt[name] ?? [], `exemptions.${name}`, problems),
  );
  return { defaults: policy, exemptUsers, exemptNamespaces, exemptRuntimeClasses };
}

function record(value: unknown, what: string, problems: string[]): Record<string, unknown> {
  if (typeof value === "object" && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>;
  problems.push(`${what}: not an object`);
  return {};
}

const without = (from: object, names: readonly string[]) =>
  Object.fromEntries(Object.entries(from).filter(([name]) => !names.includes(name)));

function unknownFields(rest: object, path: string, problems: string[]): void {
  for (const name of Object.keys(rest)) problems.push(`${path}${name}: unknown field`);
}

function texts(value: unknown, path: string, problems: string[]): readonly string[] {
  const all = Array.isArray(value) ? value : [value];
  all.forEach((one, index) => {
    if (typeof one !== "string" || one === "") problems.push(`${path}[${index}]: must not be empty`);
    else if (all.indexOf(one) < index) problems.push(`${path}[${index}]: Duplicate value: "${one}"`);
  });
  return all.map(String);
}
