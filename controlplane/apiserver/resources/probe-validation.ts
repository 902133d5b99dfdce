import { headerName, portName, portNumber } from "../../../client/rules/names.ts";
import type { Container, Probe } from "../../../client/types.ts";
import type { FieldError } from "../registry/kind.ts";
import { validateCount } from "./counts.ts";
import { forbidden, invalid, notSupported, required } from "./field-errors.ts";

type Handler = NonNullable<NonNullable<Container["lifecycle"]>["preStop"]>;

const probeHandlers = ["exec", "httpGet", "tcpSocket", "grpc"] as const;
const lifecycleHandlers = ["exec", "httpGet", "tcpSocket", "sleep"] as const;

export function validateProbe(probe: Probe, field: string): readonly FieldError[] {
  const given = probeHandlers.filter((name) => probe[name] !== undefined);
  const problems: FieldError[] = [...oneHandler(given, field), ...validateAction(probe, field)];
  if (probe.grpc !== undefined)
    problems.push(
      ...portNumber(probe.grpc.port ?? 0).map((text) =>
        invalid(`${field}.grpc.port`, probe.grpc?.port ?? 0, text),
      ),
    );
  const counts = [
    "initialDelaySeconds",
    "timeoutSeconds",
    "periodSeconds",
    "successThreshold",
    "failureThreshold",
  ] as const;
  for (const name of counts) problems.push(...validateCount(probe[name], `${field}.${name}`));
  const { terminationGracePeriodSeconds: grace } = probe;
  if (grace !== undefined && grace <= 0)
    problems.push(invalid(`${field}.terminationGracePeriodSeconds`, grace, "must be greater than 0"));
  return problems;
}

export function validateHandler(
  handler: Handler,
  field: string,
  graceSeconds: number | undefined,
): readonly FieldError[] {
  const given = lifecycleHandlers.filter((name) => handler[name] !== undefined);
  return [
    ...oneHandler(given, field),
    ...validateAction(handler, field),
    ...validateSleep(handler.sleep, `${field}.sleep`, graceSeconds),
  ];
}

function validateSleep(
  sleep: Handler["sleep"],
  field: string,
  graceSeconds: number | undefined,
): readonly FieldError[] {
  if (sleep === undefined || graceSeconds === undefined) return [];
  const { seconds = 0 } = sleep;
  if (seconds >= 0 && seconds <= graceSeconds) return [];
  const text = `must be non-negative and less than terminationGracePeriodSeconds (${graceSeconds})`;
  return [invalid(field, seconds, text)];
}

function oneHandler(given: readonly string[], field: string): readonly FieldError[] {
  if (given.length === 0) return [required(field, "must specify a handler type")];
  return given
    .slice(1)
    .map((name) => forbidden(`${field}.${name}`, "may not specify more than 1 handler type"));
}

function validateAction(
  { exec, httpGet, tcpSocket }: Pick<Probe, "exec" | "httpGet" | "tcpSocket">,
  field: string,
): readonly FieldError[] {
  const problems: FieldError[] = [];
  if (exec !== undefined && (exec.command ?? []).length === 0)
    problems.push(required(`${field}.exec.command`));
  if (httpGet !== undefined) {
    if (!httpGet.path) problems.push(required(`${field}.httpGet.path`));
    problems.push(...validatePort(httpGet.port, `${field}.httpGet.port`));
    if (httpGet.scheme !== "HTTP" && httpGet.scheme !== "HTTPS")
      problems.push(notSupported(`${field}.httpGet.scheme`, httpGet.scheme, ["HTTP", "HTTPS"]));
    for (const { name } of httpGet.httpHeaders ?? [])
      problems.push(...headerName(name).map((text) => invalid(`${field}.httpGet.httpHeaders`, name, text)));
  }
  if (tcpSocket !== undefined) problems.push(...validatePort(tcpSocket.port, `${field}.tcpSocket.port`));
  return problems;
}

/** A port that is missing is number 0 to Kubernetes. */
function validatePort(given: string | number | undefined, field: string): readonly FieldError[] {
  const port = given ?? 0;
  const texts = typeof port === "number" ? portNumber(port) : portName(port);
  return texts.map((text) => invalid(field, port, text));
}
