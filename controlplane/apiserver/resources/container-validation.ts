import type { Container, PodSpec } from "../../../client/types.ts";
import type { FieldError } from "../registry/kind.ts";
import { ipAddress } from "./addresses.ts";
import { validateResources } from "./container-resources.ts";
import { duplicate, forbidden, invalid, notSupported, required } from "./field-errors.ts";
import { validateFileKey } from "./file-key-validation.ts";
import { type VolumesByName, validateDevices, validateMounts } from "./mount-validation.ts";
import { configKey, dns1123Label, envName, portName, portNumber } from "./names.ts";
import { validateHandler, validateProbe } from "./probe-validation.ts";
import { validateResizePolicy } from "./resize-policy-validation.ts";
import { validateContainerRestarts } from "./restart-policy-validation.ts";
import { validateContainerSecurity } from "./security-context-validation.ts";

export interface ContainerContext {
  /** Of the pod. */
  readonly spec: PodSpec;
  readonly volumes: VolumesByName;
  readonly hostNetwork: boolean;
  readonly init: boolean;
  /** Ports of the host taken by the containers before; added to. */
  readonly hostPorts: Set<string>;
}

const pullPolicies = ["Always", "IfNotPresent", "Never"];
const messagePolicies = ["FallbackToLogsOnError", "File"];
const protocols = ["SCTP", "TCP", "UDP"];

export function validateContainer(
  container: Container,
  field: string,
  context: ContainerContext,
): readonly FieldError[] {
  const { name, image, imagePullPolicy, terminationMessagePolicy } = container;
  const problems: FieldError[] = [];
  if (!name) problems.push(required(`${field}.name`));
  else problems.push(...dns1123Label(name).map((text) => invalid(`${field}.name`, name, text)));
  if (!image) problems.push(required(`${field}.image`));
  else if (image.trim() !== image)
    problems.push(invalid(`${field}.image`, image, "must not have leading or trailing whitespace"));
  if (imagePullPolicy !== undefined && !pullPolicies.includes(imagePullPolicy))
    problems.push(notSupported(`${field}.imagePullPolicy`, imagePullPolicy, pullPolicies));
  if (terminationMessagePolicy !== undefined && !messagePolicies.includes(terminationMessagePolicy))
    problems.push(
      notSupported(`${field}.terminationMessagePolicy`, terminationMessagePolicy, messagePolicies),
    );
  problems.push(
    ...validatePorts(container, `${field}.ports`, context),
    ...validateEnv(container, field, context.volumes),
    ...validateMounts(container, `${field}.volumeMounts`, context.volumes),
    ...validateDevices(container, `${field}.volumeDevices`, context.volumes),
    ...validateResources(container.resources, `${field}.resources`),
    ...validateResizePolicy(container, `${field}.resizePolicy`, context.spec.restartPolicy),
    ...validateContainerSecurity(
      container.securityContext,
      `${field}.securityContext`,
      context.spec.hostUsers ?? true,
    ),
    ...validateProbes(container, field, context),
    ...validateContainerRestarts(container, field),
  );
  return problems;
}

function validateProbes(
  container: Container,
  field: string,
  { init, spec }: ContainerContext,
): readonly FieldError[] {
  const problems: FieldError[] = [];
  const sidecar = container.restartPolicy === "Always";
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
      if (context.hostNetwork && port.hostPort !== port.containerPort)
        problems.push(
          invalid(
            `${at}.containerPort`,
            port.containerPort,
            "must match `hostPort` when `hostNetwork` is true",
          ),
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

const sources = ["fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "fileKeyRef"] as const;
const fieldPaths =
  /^(metadata\.(name|namespace|uid)|metadata\.(labels|annotations)\['[^']+'\]|spec\.(nodeName|serviceAccountName)|status\.(hostIP|hostIPs|podIP|podIPs))$/;
const supportedPaths = [
  "metadata.name",
  "metadata.namespace",
  "metadata.uid",
  "spec.nodeName",
  "spec.serviceAccountName",
  "status.hostIP",
  "status.hostIPs",
  "status.podIP",
  "status.podIPs",
];

function validateEnv(container: Container, field: string, volumes: VolumesByName): readonly FieldError[] {
  const problems: FieldError[] = [];
  for (const [index, one] of (container.env ?? []).entries()) {
    const at = `${field}.env[${index}]`;
    if (!one.name) problems.push(required(`${at}.name`));
    else problems.push(...envName(one.name).map((text) => invalid(`${at}.name`, one.name, text)));
    const from = one.valueFrom;
    if (from === undefined) continue;
    const given = sources.filter((source) => from[source] !== undefined);
    if (one.value)
      problems.push(invalid(`${at}.valueFrom`, "", "may not be specified when `value` is not empty"));
    if (given.length > 1)
      problems.push(invalid(`${at}.valueFrom`, "", "may not have more than one field specified at a time"));
    if (given.length === 0)
      problems.push(
        invalid(
          `${at}.valueFrom`,
          "",
          "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`",
        ),
      );
    if (from.fieldRef !== undefined && !fieldPaths.test(from.fieldRef.fieldPath))
      problems.push(
        notSupported(`${at}.valueFrom.fieldRef.fieldPath`, from.fieldRef.fieldPath, supportedPaths),
      );
    if (from.fileKeyRef !== undefined)
      problems.push(...validateFileKey(from.fileKeyRef, `${at}.valueFrom.fileKeyRef`, volumes));
    for (const source of ["configMapKeyRef", "secretKeyRef"] as const) {
      const ref = from[source];
      if (ref === undefined) continue;
      if (!ref.name) problems.push(required(`${at}.valueFrom.${source}.name`));
      if (!ref.key) problems.push(required(`${at}.valueFrom.${source}.key`));
      else
        problems.push(
          ...configKey(ref.key).map((text) => invalid(`${at}.valueFrom.${source}.key`, ref.key, text)),
        );
    }
  }
  for (const [index, one] of (container.envFrom ?? []).entries()) {
    const at = `${field}.envFrom[${index}]`;
    if (one.prefix)
      problems.push(...envName(one.prefix).map((text) => invalid(`${at}.prefix`, one.prefix, text)));
    if (one.configMapRef === undefined && one.secretRef === undefined)
      problems.push(invalid(at, "", "must specify one of: `configMapRef` or `secretRef`"));
    if (one.configMapRef !== undefined && one.secretRef !== undefined)
      problems.push(invalid(at, "", "may not have more than one field specified at a time"));
  }
  return problems;
}
