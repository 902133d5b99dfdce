import type { PodSpec } from "../../../client/types.ts";
import type { FieldError } from "../registry/kind.ts";
import { forbidden, invalid, notSupported, required } from "./field-errors.ts";
import { podContainers } from "./pod-defaults.ts";

const systems = ["linux", "windows"];

/** `os` of a pod spec, and what pods of one system may not say. */
export function validateOs(spec: PodSpec, field: string): readonly FieldError[] {
  const { os } = spec;
  if (os === undefined) return [];
  if (!os.name) return [required(`${field}.os.name`)];
  if (!systems.includes(os.name)) return [notSupported(`${field}.os`, os.name, systems)];
  return os.name === "linux" ? validateLinux(spec, field) : validateWindows(spec, field);
}

function validateLinux(spec: PodSpec, field: string): readonly FieldError[] {
  const paths = [
    ...(spec.securityContext?.windowsOptions ? [field] : []),
    ...containersOf(spec, field).flatMap(([container, at]) =>
      container.securityContext?.windowsOptions ? [at] : [],
    ),
  ];
  const text = "windows options cannot be set for a linux pod";
  return paths.map((at) => forbidden(`${at}.securityContext.windowsOptions`, text));
}

/** In the order in which Kubernetes looks; `spec.` before what it keeps outside the security context. */
const unknownToWindowsPods = [
  "appArmorProfile",
  "seLinuxOptions",
  "spec.hostUsers",
  "spec.hostPID",
  "spec.hostIPC",
  "seccompProfile",
  "fsGroup",
  "fsGroupChangePolicy",
  "sysctls",
  "spec.shareProcessNamespace",
  "runAsUser",
  "runAsGroup",
  "supplementalGroups",
  "supplementalGroupsPolicy",
  "seLinuxChangePolicy",
] as const;

const unknownToWindowsContainers = [
  "appArmorProfile",
  "seLinuxOptions",
  "seccompProfile",
  "capabilities",
  "readOnlyRootFilesystem",
  "privileged",
  "allowPrivilegeEscalation",
  "procMount",
  "runAsUser",
  "runAsGroup",
] as const;

function validateWindows(spec: PodSpec, field: string): readonly FieldError[] {
  const shared: Readonly<Record<string, unknown>> = { ...spec.securityContext };
  const whole: Readonly<Record<string, unknown>> = { ...spec };
  const refused = (at: string) => forbidden(at, "cannot be set for a windows pod");
  // Flags and lists count where they say something; everything else where it is there.
  const isSaid = (name: string, value: unknown) =>
    name === "hostPID" || name === "hostIPC"
      ? value === true
      : name === "sysctls"
        ? Array.isArray(value) && value.length > 0
        : value !== undefined;
  return [
    ...unknownToWindowsPods.flatMap((name) => {
      const plain = name.replace(/^spec\./, "");
      const [from, at] = plain === name ? [shared, `${field}.securityContext`] : [whole, field];
      return isSaid(plain, from[plain]) ? [refused(`${at}.${plain}`)] : [];
    }),
    ...containersOf(spec, field).flatMap(([{ securityContext }, at]) =>
      unknownToWindowsContainers.flatMap((name) =>
        securityContext?.[name] === undefined ? [] : [refused(`${at}.securityContext.${name}`)],
      ),
    ),
  ];
}

/** `windowsOptions.hostProcess`: for all containers of a pod or for none, and only in the node's network. */
export function validateHostProcess(spec: PodSpec, field: string): readonly FieldError[] {
  const ofPod = spec.securityContext?.windowsOptions?.hostProcess;
  const containers = containersOf(spec, field);
  const problems = containers.flatMap(([{ securityContext }, at]) => {
    const own = securityContext?.windowsOptions?.hostProcess;
    if (ofPod === undefined || own === undefined || own === ofPod) return [];
    const text = `pod hostProcess value must be identical if both are specified, was ${ofPod}`;
    return [invalid(`${at}.securityContext.windowsOptions.hostProcess`, own, text)];
  });
  const hosts = containers.filter(
    ([{ securityContext }]) => securityContext?.windowsOptions?.hostProcess ?? ofPod ?? false,
  );
  if (hosts.length === 0) return problems;
  if (hosts.length !== containers.length)
    problems.push(
      invalid(
        field,
        "",
        "If pod contains any hostProcess containers then all containers must be HostProcess containers",
      ),
    );
  if (spec.hostNetwork !== true)
    problems.push(
      invalid(
        `${field}.hostNetwork`,
        false,
        "hostNetwork must be true if pod contains any hostProcess containers",
      ),
    );
  return problems;
}

function containersOf(spec: PodSpec, field: string) {
  const sorts = ["initContainers", "containers", "ephemeralContainers"] as const;
  const paths = sorts.flatMap((sort) => (spec[sort] ?? []).map((_, index) => `${field}.${sort}[${index}]`));
  return podContainers(spec).map((container, index) => [container, paths[index] ?? field] as const);
}
