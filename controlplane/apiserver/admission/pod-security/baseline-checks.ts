import type { Container, PodSpec } from "../../../../client/types.ts";
import {
  allContainers,
  type Check,
  type CheckRow,
  containersText,
  hasOwnUsers,
  namesWhere,
  plural,
  quoted,
  settersText,
  sortedSet,
  unless,
  uses,
} from "./check.ts";
import { appArmorProfile, seccompAnnotations, seccompFields } from "./profile-checks.ts";

const defaultCapabilities: ReadonlySet<string> = new Set(
  "AUDIT_WRITE CHOWN DAC_OVERRIDE FOWNER FSETID KILL MKNOD NET_BIND_SERVICE SETFCAP SETGID SETPCAP SETUID SYS_CHROOT".split(
    " ",
  ),
);

const capabilities: Check = ({ spec }) => {
  const added = ({ securityContext }: Container) =>
    (securityContext?.capabilities?.add ?? []).filter((one) => !defaultCapabilities.has(one));
  const bad = namesWhere(spec, (container) => added(container).length > 0);
  if (bad.length === 0) return undefined;
  const found = quoted(sortedSet(allContainers(spec).flatMap(added)));
  return {
    reason: "non-default capabilities",
    detail: `${containersText(bad)} must not include ${found} in securityContext.capabilities.add`,
  };
};

const hostNamespaces: Check = ({ spec }) => {
  const set = (["hostNetwork", "hostPID", "hostIPC"] as const).filter((name) => spec[name] === true);
  if (set.length === 0) return undefined;
  return { reason: "host namespaces", detail: set.map((name) => `${name}=true`).join(", ") };
};

const hostPathVolumes: Check = ({ spec }) => {
  const bad = (spec.volumes ?? []).filter(({ hostPath }) => hostPath !== undefined).map(({ name }) => name);
  if (bad.length === 0) return undefined;
  return { reason: "hostPath volumes", detail: `${plural("volume", bad.length)} ${quoted(bad)}` };
};

const hostPorts: Check = ({ spec }) => {
  const ports = (container: Container) =>
    (container.ports ?? []).flatMap(({ hostPort = 0 }) => (hostPort === 0 ? [] : [String(hostPort)]));
  const bad = namesWhere(spec, (container) => ports(container).length > 0);
  if (bad.length === 0) return undefined;
  const found = sortedSet(allContainers(spec).flatMap(ports));
  return {
    reason: "hostPort",
    detail: `${containersText(bad)} ${uses(bad.length)} ${plural("hostPort", found.length)} ${found.join(", ")}`,
  };
};

const hostsOfHandlers: Check = ({ spec }) => {
  const hosts = ({ livenessProbe, readinessProbe, startupProbe, lifecycle }: Container) =>
    [livenessProbe, readinessProbe, startupProbe, lifecycle?.postStart, lifecycle?.preStop]
      .flatMap((handler) => [handler?.httpGet?.host, handler?.tcpSocket?.host])
      .filter((host): host is string => host !== undefined && host !== "");
  const bad = sortedSet(namesWhere(spec, (container) => hosts(container).length > 0));
  if (bad.length === 0) return undefined;
  const found = sortedSet(allContainers(spec).flatMap(hosts));
  const what = plural("probe or lifecycle host", found.length);
  return {
    reason: "probe or lifecycle host",
    detail: `${containersText(bad)} ${uses(bad.length)} ${what} ${quoted(found)}`,
  };
};

const privileged: Check = ({ spec }) => {
  const bad = namesWhere(spec, ({ securityContext }) => securityContext?.privileged === true);
  if (bad.length === 0) return undefined;
  return {
    reason: "privileged",
    detail: `${containersText(bad)} must not set securityContext.privileged=true`,
  };
};

export const procMount: Check = ({ spec }) => {
  const mount = ({ securityContext }: Container) => securityContext?.procMount ?? "Default";
  const bad = namesWhere(spec, (container) => mount(container) !== "Default");
  if (bad.length === 0) return undefined;
  const found = sortedSet(
    allContainers(spec)
      .map(mount)
      .filter((type) => type !== "Default"),
  );
  return {
    reason: "procMount",
    detail: `${containersText(bad)} must not set securityContext.procMount to ${quoted(found)}`,
  };
};

type SeLinuxOptions = NonNullable<NonNullable<PodSpec["securityContext"]>["seLinuxOptions"]>;

const seLinuxOptions =
  (allowed: readonly string[]): Check =>
  ({ spec }) => {
    const isBad = ({ type = "", user = "", role = "" }: SeLinuxOptions) =>
      !allowed.includes(type) || user !== "" || role !== "";
    const ofPod = spec.securityContext?.seLinuxOptions;
    const podIsBad = ofPod !== undefined && isBad(ofPod);
    const bad = namesWhere(spec, ({ securityContext }) => {
      const own = securityContext?.seLinuxOptions;
      return own !== undefined && isBad(own);
    });
    if (!podIsBad && bad.length === 0) return undefined;
    const all = [ofPod, ...allContainers(spec).map((one) => one.securityContext?.seLinuxOptions)];
    const types = sortedSet(
      all.flatMap((one) => (one === undefined || allowed.includes(one.type ?? "") ? [] : [one.type ?? ""])),
    );
    const data = [
      ...(types.length > 0 ? [`${plural("type", types.length)} ${quoted(types)}`] : []),
      ...(all.some((one) => one?.user) ? ["user may not be set"] : []),
      ...(all.some((one) => one?.role) ? ["role may not be set"] : []),
    ];
    return {
      reason: "seLinuxOptions",
      detail: `${settersText(podIsBad, bad)} set forbidden securityContext.seLinuxOptions: ${data.join("; ")}`,
    };
  };

const sysctls =
  (allowed: readonly string[]): Check =>
  ({ spec }) => {
    const bad = (spec.securityContext?.sysctls ?? [])
      .map(({ name }) => name)
      .filter((name) => !allowed.includes(name));
    return bad.length === 0 ? undefined : { reason: "forbidden sysctls", detail: bad.join(", ") };
  };

const windowsHostProcess: Check = ({ spec }) => {
  const podIsBad = spec.securityContext?.windowsOptions?.hostProcess === true;
  const bad = namesWhere(
    spec,
    ({ securityContext }) => securityContext?.windowsOptions?.hostProcess === true,
  );
  if (!podIsBad && bad.length === 0) return undefined;
  const who = settersText(podIsBad, bad);
  return {
    reason: "hostProcess",
    detail: `${who} must not set securityContext.windowsOptions.hostProcess=true`,
  };
};

const seLinuxTypes = ["", "container_t", "container_init_t", "container_kvm_t"];
const sysctls0 = [
  "kernel.shm_rmid_forced",
  "net.ipv4.ip_local_port_range",
  "net.ipv4.tcp_syncookies",
  "net.ipv4.ping_group_range",
  "net.ipv4.ip_unprivileged_port_start",
];
const sysctls27 = [...sysctls0, "net.ipv4.ip_local_reserved_ports"];
const sysctls29 = [
  ...sysctls27,
  "net.ipv4.tcp_keepalive_time",
  "net.ipv4.tcp_fin_timeout",
  "net.ipv4.tcp_keepalive_intvl",
  "net.ipv4.tcp_keepalive_probes",
];
const sysctls32 = [...sysctls29, "net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem"];

/** In the order in which violations are told. */
export const baselineChecks: readonly CheckRow[] = [
  { id: "appArmorProfile", versions: [[0, appArmorProfile]] },
  { id: "capabilities_baseline", versions: [[0, capabilities]] },
  { id: "hostNamespaces", versions: [[0, hostNamespaces]] },
  { id: "hostPathVolumes", versions: [[0, hostPathVolumes]] },
  { id: "hostPorts", versions: [[0, hostPorts]] },
  { id: "hostProbesAndHostLifecycle", versions: [[34, hostsOfHandlers]] },
  { id: "privileged", versions: [[0, privileged]] },
  {
    id: "procMount",
    versions: [
      [0, procMount],
      [35, unless(hasOwnUsers, procMount)],
    ],
  },
  {
    id: "seLinuxOptions",
    versions: [
      [0, seLinuxOptions(seLinuxTypes)],
      [31, seLinuxOptions([...seLinuxTypes, "container_engine_t"])],
    ],
  },
  {
    id: "seccompProfile_baseline",
    versions: [
      [0, seccompAnnotations],
      [19, seccompFields],
    ],
  },
  {
    id: "sysctls",
    versions: [
      [0, sysctls(sysctls0)],
      [27, sysctls(sysctls27)],
      [29, sysctls(sysctls29)],
      [32, sysctls(sysctls32)],
    ],
  },
  { id: "windowsHostProcess", versions: [[0, windowsHostProcess]] },
];
