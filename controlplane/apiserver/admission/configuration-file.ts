import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { parse } from "yaml";
import {
  defaultPodSecurity,
  type PodSecurityConfiguration,
  readPodSecurity,
} from "./pod-security/configuration.ts";

/** What `--admission-control-config-file` says. */
export interface AdmissionConfiguration {
  readonly podSecurity: PodSecurityConfiguration;
}

export const defaultAdmission: AdmissionConfiguration = { podSecurity: defaultPodSecurity };

const versions = ["apiserver.config.k8s.io/v1", "apiserver.k8s.io/v1alpha1"];

interface Row {
  readonly name?: unknown;
  readonly path?: unknown;
  readonly configuration?: unknown;
}

/** Reads an AdmissionConfiguration and the files it names. Each thing that is wrong is added to `problems`: a plugin that
 *  takes no configuration here is refused by its name. */
export function readAdmissionConfiguration(path: string, problems: string[]): AdmissionConfiguration {
  const document = parsedFile(path, problems) as
    | { readonly apiVersion?: unknown; readonly kind?: unknown; readonly plugins?: unknown }
    | undefined;
  if (document === undefined) return defaultAdmission;
  const { apiVersion, kind, plugins = [] } = document;
  if (kind !== "AdmissionConfiguration" || !versions.includes(String(apiVersion)))
    problems.push(`${path}: ${apiVersion}, ${kind}: not an AdmissionConfiguration of ${versions.join(", ")}`);
  let podSecurity = defaultPodSecurity;
  for (const row of Array.isArray(plugins) ? (plugins as readonly Row[]) : []) {
    if (row.name !== "PodSecurity") {
      problems.push(
        `${path}: plugin ${JSON.stringify(row.name)} takes no configuration here; PodSecurity does`,
      );
      continue;
    }
    // Kubernetes looks for files beside this one.
    const named =
      typeof row.path === "string" && row.path !== "" ? resolve(dirname(path), row.path) : undefined;
    const content = row.configuration ?? (named === undefined ? undefined : parsedFile(named, problems));
    const found: string[] = [];
    if (content !== undefined && content !== null) podSecurity = readPodSecurity(content, found);
    problems.push(...found.map((problem) => `${named ?? path}: ${problem}`));
  }
  return { podSecurity };
}

function parsedFile(path: string, problems: string[]): object | undefined {
  try {
    const parsed: unknown = parse(readFileSync(path, "utf8"));
    if (typeof parsed === "object" && parsed !== null) return parsed;
    problems.push(`${path}: not an object`);
  } catch (error) {
    problems.push(`cannot read ${path}: ${error instanceof Error ? error.message : error}`);
  }
  return undefined;
}
