import type { Container, Pod, PodSpec } from "../../../client/types.ts";
import { sameValue } from "../schema/same-value.ts";
import { fractionWarnings } from "./amount-warnings.ts";
import { appArmorPrefix, profileOf } from "./app-armor-annotations.ts";
import { seccompContainerPrefix } from "./seccomp-annotations.ts";

type Annotations = NonNullable<Pod["metadata"]["annotations"]>;
type Port = NonNullable<Container["ports"]>[number];

interface Placed<T> {
  readonly at: string;
  readonly one: T;
}

/** Of the containers of a pod at `field`, which is empty for a pod and names the template of a workload. */
export function containerWarnings(spec: PodSpec, annotations: Annotations, field: string): readonly string[] {
  const prefix = field === "" ? "" : `${field}.`;
  const all = (["initContainers", "containers", "ephemeralContainers"] as const).flatMap((sort) =>
    ((spec[sort] ?? []) as readonly Container[]).map((one, index) => ({
      at: `${prefix}spec.${sort}[${index}]`,
      one,
    })),
  );
  const ports = all.flatMap(({ at, one }) =>
    (one.ports ?? []).map((port, index) => ({ at: `${at}.ports[${index}]`, one: port })),
  );
  return [
    ...all.flatMap(({ at, one }) => [
      ...annotationWarnings(one, { spec, annotations, field }),
      ...fractions(one, at),
      ...hiddenVariables(one, `${at}.env`),
    ]),
    ...portWarnings(ports),
    ...portNameWarnings(ports),
  ];
}

interface Around {
  readonly spec: PodSpec;
  readonly annotations: Annotations;
  readonly field: string;
}

function annotationWarnings(
  { name, securityContext }: Container,
  { spec, annotations, field }: Around,
): readonly string[] {
  const prefix = field === "" ? "" : `${field}.`;
  const told = (key: string, text: string) => `${prefix}metadata.annotations[${key}]: ${text}`;
  const warnings: string[] = [];
  const seccomp = seccompContainerPrefix + name;
  if (securityContext?.seccompProfile === undefined && annotations[seccomp] !== undefined)
    warnings.push(told(seccomp, 'non-functional in v1.27+; use the "seccompProfile" field instead'));
  const appArmor = appArmorPrefix + name;
  const annotation = annotations[appArmor];
  const shared = spec.securityContext?.appArmorProfile;
  const isSaid = shared !== undefined && sameValue(shared, profileOf(annotation ?? ""));
  // Pods get the field from the annotation; templates stay as they are.
  if (field !== "" && securityContext?.appArmorProfile === undefined && annotation !== undefined && !isSaid)
    warnings.push(told(appArmor, 'deprecated since v1.30; use the "appArmorProfile" field instead'));
  return warnings;
}

const inBytes = ["memory", "ephemeral-storage"];

function fractions({ resources }: Container, at: string): readonly string[] {
  return inBytes.flatMap((name) => [
    ...fractionWarnings(resources?.limits, [name], `${at}.resources.limits`),
    ...fractionWarnings(resources?.requests, [name], `${at}.resources.requests`),
  ]);
}

/** A variable that is set again may be meant so, if it is made of itself; else an apply may lose one of the two. */
function hiddenVariables({ env = [] }: Container, field: string): readonly string[] {
  const names = new Set<string>();
  return env.flatMap(({ name, value = "", valueFrom }, index) => {
    const isAgain = names.has(name);
    names.add(name);
    const itself = `$(${name})`;
    if (!isAgain || (valueFrom === undefined && value !== itself && value.includes(itself))) return [];
    return [
      `${field}[${index}]: hides previous definition of ${JSON.stringify(name)}, which may be dropped when using apply`,
    ];
  });
}

function portWarnings(ports: readonly Placed<Port>[]): readonly string[] {
  const before = new Map<string, Placed<Port>[]>();
  return ports.flatMap((placed) => {
    const { at, one: port } = placed;
    const key = `${port.containerPort}/${port.protocol}`;
    const others = before.get(key) ?? [];
    before.set(key, [...others, placed]);
    return [
      ...(port.hostIP && !port.hostPort ? [`${at}: hostIP set without hostPort: ${shownPort(port)}`] : []),
      ...others.flatMap((other) => {
        const what = clash(port, other.one);
        return what === undefined ? [] : [`${at}: ${what} port definition with ${other.at}`];
      }),
    ];
  });
}

function clash(port: Port, other: Port): string | undefined {
  const [ip, otherIp] = [port.hostIP ?? "", other.hostIP ?? ""];
  const [host, otherHost] = [port.hostPort ?? 0, other.hostPort ?? 0];
  if (ip === otherIp && host === otherHost) return "duplicate";
  if (host === 0 || otherHost === 0) return "overlapping";
  return host === otherHost && (ip === "") !== (otherIp === "") ? "dangerously ambiguous" : undefined;
}

/** As Go prints a structure. */
const shownPort = ({ name = "", hostPort = 0, containerPort, protocol, hostIP }: Port) =>
  `{Name:${name} HostPort:${hostPort} ContainerPort:${containerPort} Protocol:${protocol} HostIP:${hostIP}}`;

function portNameWarnings(ports: readonly Placed<Port>[]): readonly string[] {
  const first = new Map<string, string>();
  return ports.flatMap(({ at, one: { name } }) => {
    if (!name) return [];
    const other = first.get(name);
    if (other === undefined) {
      first.set(name, at);
      return [];
    }
    return [
      `${at}: duplicate port name ${JSON.stringify(name)} with ${other}, services and probes that select ports by name will use ${other}`,
    ];
  });
}
