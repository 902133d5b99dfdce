import { ownField } from "../../base/own-field.ts";
import { parseMilliQuantity, parseQuantity } from "../../base/quantity.ts";
import type { ConfigMap, Container, Pod, Secret, Service } from "../../client/types.ts";
import { isHugePages } from "../memory/huge-pages.ts";
import { EnvFileError, valueInEnvFile } from "./env-file.ts";

/** What a pod's environment and volumes are made of, as far as the cluster holds it. */
export interface Sources {
  configMap(namespace: string, name: string): Promise<ConfigMap | undefined>;
  secret(namespace: string, name: string): Promise<Secret | undefined>;
}

export interface FieldContext {
  readonly nodeIp: string;
  readonly secondNodeIp?: string | undefined;
  readonly podIp: string;
  /** Of the other family, where the pod has two. */
  readonly secondIp?: string | undefined;
  readonly allocatable: {
    readonly cpuMillis: number;
    readonly memoryBytes: number;
    readonly storageBytes: number;
  };
}

/** Something the pod asks for is missing or malformed: reason CreateContainerConfigError. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

export interface EnvironmentDeps {
  readonly sources: Sources;
  readonly services: readonly Service[];
  /** The text of a file in one of the pod's volumes. Rejects with ConfigError. */
  readonly fileText: (volume: string, path: string) => Promise<string>;
}

/** A container's environment: services' variables first, then envFrom, then env, each able to refer to those before. */
export async function environmentOf(
  pod: Pod,
  container: Container,
  context: FieldContext,
  deps: EnvironmentDeps,
): Promise<[string, string][]> {
  const env = new Map<string, string>();
  for (const [name, value] of serviceVariables(pod, deps.services)) env.set(name, value);
  for (const from of container.envFrom ?? []) {
    const ref = from.configMapRef ?? from.secretRef;
    if (ref === undefined) continue;
    const data = from.configMapRef
      ? await configMapText(pod, ref, deps.sources)
      : await secretData(pod, ref, deps.sources);
    for (const [key, value] of data)
      if (!key.includes("=")) env.set(`${from.prefix ?? ""}${key}`, value.toString("utf8"));
  }
  for (const { name, value, valueFrom } of container.env ?? []) {
    if (valueFrom === undefined) {
      env.set(name, expandVariables(value ?? "", env));
      continue;
    }
    const found = await valueFromSource(pod, container, context, valueFrom, deps);
    if (found !== undefined) env.set(name, found);
  }
  return [...env];
}

type ValueFrom = NonNullable<NonNullable<Container["env"]>[number]["valueFrom"]>;

async function valueFromSource(
  pod: Pod,
  container: Container,
  context: FieldContext,
  from: ValueFrom,
  { sources, fileText }: EnvironmentDeps,
): Promise<string | undefined> {
  if (from.fieldRef) return fieldOf(pod, from.fieldRef.fieldPath, context);
  if (from.resourceFieldRef) return resourceField(pod, container, context, from.resourceFieldRef);
  if (from.fileKeyRef) return valueFromFile(from.fileKeyRef, fileText);
  const ref = from.configMapKeyRef ?? from.secretKeyRef;
  if (ref === undefined) return undefined;
  const kind = from.configMapKeyRef ? "ConfigMap" : "Secret";
  const data = from.configMapKeyRef
    ? await configMapText(pod, ref, sources)
    : await secretData(pod, ref, sources);
  const found = data.get(ref.key)?.toString("utf8");
  if (found === undefined && !ref.optional)
    throw new ConfigError(`couldn't find key ${ref.key} in ${kind} ${pod.metadata.namespace}/${ref.name}`);
  return found;
}

async function valueFromFile(
  { volumeName, path, key, optional }: NonNullable<ValueFrom["fileKeyRef"]>,
  fileText: EnvironmentDeps["fileText"],
): Promise<string | undefined> {
  const text = await fileText(volumeName, path);
  let value: string;
  try {
    value = valueInEnvFile(text, key);
  } catch (error) {
    if (error instanceof EnvFileError) throw new ConfigError(`couldn't parse env file: ${error.message}`);
    throw error;
  }
  if (value !== "") return value;
  if (optional) return undefined;
  throw new ConfigError(
    `environment variable key ${JSON.stringify(key)} not found in file ${JSON.stringify(path)} of volume ${JSON.stringify(volumeName)}`,
  );
}

interface NamedRef {
  readonly name?: string;
  readonly optional?: boolean;
}

/** The text alone, which is what a variable can take. */
async function configMapText(pod: Pod, ref: NamedRef, sources: Sources): Promise<Map<string, Buffer>> {
  const map = await foundConfigMap(pod, ref, sources);
  return new Map(Object.entries(map?.data ?? {}).map(([key, value]) => [key, Buffer.from(value)]));
}

/** Text and binaryData, which may hold any bytes: what a volume shows. */
export async function configMapFiles(
  pod: Pod,
  ref: NamedRef,
  sources: Sources,
): Promise<Map<string, Buffer>> {
  const map = await foundConfigMap(pod, ref, sources);
  const text = Object.entries(map?.data ?? {}).map(([key, value]) => [key, Buffer.from(value)] as const);
  const binary = Object.entries(map?.binaryData ?? {}).map(
    ([key, value]) => [key, Buffer.from(value, "base64")] as const,
  );
  return new Map([...text, ...binary]);
}

/** A missing one is an error unless optional. */
async function foundConfigMap(
  pod: Pod,
  { name = "", optional }: NamedRef,
  sources: Sources,
): Promise<ConfigMap | undefined> {
  const map = await sources.configMap(pod.metadata.namespace ?? "", name);
  if (map === undefined && !optional) throw new ConfigError(`configmap "${name}" not found`);
  return map;
}

export async function secretData(
  pod: Pod,
  { name = "", optional }: NamedRef,
  sources: Sources,
): Promise<Map<string, Buffer>> {
  const secret = await sources.secret(pod.metadata.namespace ?? "", name);
  if (secret === undefined && !optional) throw new ConfigError(`secret "${name}" not found`);
  return new Map(
    Object.entries(secret?.data ?? {}).map(([key, value]) => [key, Buffer.from(value, "base64")]),
  );
}

/** The downward API's fields. Throws ConfigError on one that does not exist. */
export function fieldOf(pod: Pod, path: string, context: FieldContext): string {
  const { metadata, spec } = pod;
  const keyed = /^metadata\.(annotations|labels)\['(.+)'\]$/.exec(path);
  if (keyed) {
    const texts = keyed[1] === "labels" ? metadata.labels : metadata.annotations;
    return ownField(texts ?? {}, keyed[2] ?? "") ?? "";
  }
  const lines = (map: { [name: string]: string } | undefined) =>
    Object.entries(map ?? {})
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
      .join("\n");
  switch (path) {
    case "metadata.name":
      return metadata.name;
    case "metadata.namespace":
      return metadata.namespace ?? "";
    case "metadata.uid":
      return metadata.uid;
    case "metadata.labels":
      return lines(metadata.labels);
    case "metadata.annotations":
      return lines(metadata.annotations);
    case "spec.nodeName":
      return spec.nodeName ?? "";
    case "spec.serviceAccountName":
      return spec.serviceAccountName ?? "default";
    case "status.hostIP":
      return context.nodeIp;
    case "status.hostIPs":
      return [context.nodeIp, context.secondNodeIp ?? []].flat().join(",");
    case "status.podIP":
      return context.podIp;
    case "status.podIPs":
      return [context.podIp, context.secondIp ?? []].flat().join(",");
    default:
      throw new ConfigError(`unsupported fieldPath: ${path}`);
  }
}

/** limits.* default to what the node can give, requests.* to the limits. */
export function resourceField(
  pod: Pod,
  asking: Container,
  context: FieldContext,
  ref: { readonly resource: string; readonly containerName?: string; readonly divisor?: string },
): string {
  const container =
    [...pod.spec.containers, ...(pod.spec.initContainers ?? [])].find(
      ({ name }) => name === ref.containerName,
    ) ?? asking;
  const [kind = "", name = ""] = ref.resource.split(/\.(.*)/s);
  const { requests = {} } = container.resources ?? {};
  // What a container does not limit itself, the pod's limit as a whole does.
  const own = container.resources?.limits?.[name];
  const text =
    kind === "requests" ? (requests[name] ?? own ?? "0") : (own ?? pod.spec.resources?.limits?.[name]);
  const divisor = ref.divisor === undefined || ref.divisor === "0" ? "1" : ref.divisor;
  if (name === "cpu") {
    const millis = text === undefined ? context.allocatable.cpuMillis : parseMilliQuantity(text);
    return String(Math.ceil(millis / parseMilliQuantity(divisor)));
  }
  if (isHugePages(name)) return String(Math.ceil(parseQuantity(text ?? "0") / parseQuantity(divisor)));
  const most = name === "memory" ? context.allocatable.memoryBytes : context.allocatable.storageBytes;
  return String(Math.ceil((text === undefined ? most : parseQuantity(text)) / parseQuantity(divisor)));
}

/** `$(NAME)` becomes the variable's value if there is one; `$$` is a plain `$`. */
export function expandVariables(text: string, env: ReadonlyMap<string, string>): string {
  // No name ends behind the last bracket.
  const end = text.lastIndexOf(")") + 1;
  const expanded = text
    .slice(0, end)
    .replace(/\$\$|\$\(([^)]*)\)/g, (all, name: string | undefined) =>
      name === undefined ? "$" : (env.get(name) ?? all),
    );
  return expanded + text.slice(end).replaceAll("$$", () => "$");
}

/** Docker-links style variables for each service of the pod's namespace, and for `kubernetes`. */
export function serviceVariables(
  pod: Pod,
  services: readonly Service[],
): readonly (readonly [string, string])[] {
  const own = services.filter(
    ({ metadata }) => metadata.namespace === pod.metadata.namespace && pod.spec.enableServiceLinks !== false,
  );
  const api = services.filter(
    ({ metadata }) => metadata.namespace === "default" && metadata.name === "kubernetes",
  );
  return [...new Set([...api, ...own])].flatMap(({ metadata, spec }) => {
    const { clusterIP: ip } = spec;
    const [first] = spec.ports ?? [];
    if (!ip || ip === "None" || first === undefined) return [];
    const prefix = metadata.name.toUpperCase().replaceAll("-", "_");
    const rows: [string, string][] = [
      [`${prefix}_SERVICE_HOST`, ip],
      [`${prefix}_SERVICE_PORT`, String(first.port)],
    ];
    for (const { name, port } of spec.ports ?? [])
      if (name)
        rows.push([`${prefix}_SERVICE_PORT_${name.toUpperCase().replaceAll("-", "_")}`, String(port)]);
    rows.push([`${prefix}_PORT`, `${(first.protocol ?? "TCP").toLowerCase()}://${ip}:${first.port}`]);
    for (const { protocol = "TCP", port } of spec.ports ?? []) {
      const base = `${prefix}_PORT_${port}_${protocol}`;
      rows.push(
        [base, `${protocol.toLowerCase()}://${ip}:${port}`],
        [`${base}_PROTO`, protocol.toLowerCase()],
        [`${base}_PORT`, String(port)],
        [`${base}_ADDR`, ip],
      );
    }
    return rows;
  });
}
