import { dns1123Label, portName, portNumber } from "../../../client/rules/names.ts";
import type { Container, PodSpec } from "../../../client/types.ts";
import type { FieldError } from "../registry/kind.ts";
import { ipAddress } from "./addresses.ts";
import { validateResources } from "./container-resources.ts";
import { validateEnv, validateEnvFrom } from "./env-validation.ts";
import { duplicate, forbidden, invalid, notSupported, required } from "./field-errors.ts";
import { type VolumesByName, validateDevices, validateMounts } from "./mount-validation.ts";
import { validateHandler, validateProbe } from "./probe-validation.ts";
import { validateResizePolicy } from "./resize-policy-validation.ts";
import { validateContainerRestarts } from "./restart-policy-validation.ts";
import { validateContainerSecurity } from "./security-context-validation.ts";
import { validateStopSignal } from "./stop-signal-validation.ts";

export interface ContainerContext {
  /** Of the pod. */
  readonly spec: PodSpec;
  readonly volumes: VolumesByName;
  readonly init: boolean;
  /** Not of a template. */
  readonly isPod: boolean;
  /** Ports of the host taken by the containers before; added to. */
  readonly hostPorts: Set<string>;
}

const pullPolicies = ["Always", "IfNotPresent", "Never"];
const messagePolicies = ["File", "FallbackToLogsOnError"];
const protocols = ["SCTP", "TCP", "UDP"];

export function validateContainer(
  container: Container,
  field: string,
  context: ContainerContext,
): readonly FieldError[] {
  return [
    ...validateAnyContainer(container, field, context),
    ...validateProbes(container, field, context),
    ...validateContainerRestarts(container, field),
  ];
}

/** What holds for containers of every sort. */
export function validateAnyContainer(
  container: Container,
  field: string,
  context: ContainerContext,
): readonly FieldError[] {
  const { name, image, imagePullPolicy, terminationMessagePolicy } = container;
  const problems: FieldError[] = [];
  if (!name) problems.push(required(`${field}.name`));
  else problems.push(...dns1123Label(name).map((text) => invalid(`${field}.name`, name, text)));
  if (!image) problems.push(required(`${field}.image`));
  else if (context.isPod && image.trim() !== image)
    problems.push(invalid(`${field}.image`, image, "must not have leading or trailing whitespace"));
  if (terminationMessagePolicy !== undefined && !messagePolicies.includes(terminationMessagePolicy))
    problems.push(
      notSupported(`${field}.terminationMessagePolicy`, terminationMessagePolicy, messagePolicies),
    );
  problems.push(
    ...validatePorts(container, `${field}.ports`, context),
    ...validateEnv(container.env, `${field}.env`, context.volumes),
    ...validateEnvFrom(container.envFrom, `${field}.envFrom`),
    ...validateMounts(container, `${field}.volumeMounts`, context.volumes),
    ...validateDevices(container, `${field}.volumeDevices`, context.volumes),
    ...(imagePullPolicy === undefined || pullPolicies.includes(imagePullPolicy)
      ? []
      : [notSupported(`${field}.imagePullPolicy`, imagePullPolicy, pullPolicies)]),
    ...validateResources(container.resources, `${field}.resources`, claimsOf(context.spec)),
    ...validateResizePolicy(container, `${field}.resizePolicy`, context.spec.restartPolicy),
    ...validateContainerSecurity(
      container.securityContext,
      `${field}.securityContext`,
      context.spec.hostUsers ?? true,
    ),
  );
  return problems;
}

const claimsOf = ({ resourceClaims = [] }: PodSpec) => resourceClaims.map(({ name }) => name);

function validateProbes(
  container: Container,
  field: string,
  { init, spec }: ContainerContext,
): readonly FieldError[] {
  const problems: FieldError[] = [];
  const sidecar = container.restartPolicy === "Always";
  if (init && !sidecar)
    for (const [index, { restartPolicy }] of (container.resizePolicy ?? []).entries())
      if (restartPolicy === "RestartContainer") {
        const text = "must not be set to 'RestartContainer' for non-sidecar initContainers";
        problems.push(invalid(`${field}.resizePolicy[${index}].restartPolicy`, restartPolicy, text));
      }
  for (const name of ["livenessProbe", "readinessProbe", "startupProbe"] as const) {
    const probe = container[name];
    if (probe === undefined) continue;
    const at = `${field}.${name}`;
    if (init && !sidecar) {
      problems.push(forbidden(at, "may not be set for init containers without restartPolicy=Always"));
      continue;
    }
    problems.push(...validateProbe(probe, at));
    if (name !== "readinessProbe" && probe.successThreshold !== undefined && probe.successThreshold !== 1)
      problems.push(invalid(`${at}.successThreshold`, probe.successThreshold, "must be 1"));
    const { terminationGracePeriodSeconds: grace } = probe;
    if (name === "readinessProbe" && grace !== undefined)
      problems.push(
        invalid(`${at}.terminationGracePeriodSeconds`, grace, "must not be set for readinessProbes"),
      );
  }
  for (const name of ["postStart", "preStop"] as const) {
    const handler = container.lifecycle?.[name];
    if (handler === undefined) continue;
    if (init && !sidecar)
      problems.push(
        forbidden(`${field}.lifecycle`, "may not be set for init containers without restartPolicy=Always"),
      );
    else
      problems.push(
        ...validateHandler(handler, `${field}.lifecycle.${name}`, spec.terminationGracePeriodSeconds),
      );
  }
  problems.push(
    ...validateStopSignal(container, `${field}.lifecycle`, { spec, isRunToEnd: init && !sidecar }),
  );
  return problems;
}

function validatePorts(
  container: Container,
  field: string,
  context: ContainerContext,
): readonly FieldError[] {
  const problems: FieldError[] = [];
  const names = new Set<string>();
  for (const [index, port] of (container.ports ?? []).entries()) {
    const at = `${field}[${index}]`;
    if (port.name) {
      problems.push(...portName(port.name).map((text) => invalid(`${at}.name`, port.name, text)));
      if (names.has(port.name)) problems.push(duplicate(`${at}.name`, port.name));
      names.add(port.name);
    }
    if (!port.containerPort) problems.push(required(`${at}.containerPort`));
    else
      problems.push(
        ...portNumber(port.containerPort).map((text) =>
          invalid(`${at}.containerPort`, port.containerPort, text),
        ),
      );
    if (port.hostPort) {
      problems.push(
        ...portNumber(port.hostPort).map((text) => invalid(`${at}.hostPort`, port.hostPort, text)),
      );
      const key = `${port.protocol}/${port.hostIP ?? ""}/${port.hostPort}`;
      if (!context.init && context.hostPorts.has(key)) problems.push(duplicate(`${at}.hostPort`, key));
      context.hostPorts.add(key);
    }
    // Kubernetes leaves this to whoever wires pods; here it is refused before it gets that far.
    if (port.hostIP) problems.push(...ipAddress(`${at}.hostIP`, port.hostIP));
    if (!port.protocol) problems.push(required(`${at}.protocol`));
    else if (!protocols.includes(port.protocol))
      problems.push(notSupported(`${at}.protocol`, port.protocol, protocols));
  }
  return problems;
}
