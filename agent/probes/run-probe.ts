import * as http from "node:http";
import * as https from "node:https";
import { connect } from "node:net";
import { dialText } from "../../base/dial-text.ts";
import { describeError } from "../../base/os/log.ts";
import type { Container, Probe } from "../../client/types.ts";
import { kubernetesVersion } from "../../client/version.ts";
import type { Runtime } from "../runtime/seam.ts";
import { grpcProbe } from "./grpc-probe.ts";

export interface ProbeTarget {
  readonly containerId: string;
  readonly container: Container;
  readonly podIp: string;
}

export interface ProbeResult {
  readonly ok: boolean;
  readonly message: string;
  /** The container runtime could not run the command: it says nothing of the container. */
  readonly isErrored?: boolean;
}

export const probeLimits = { bodyBytesMost: 10 * 1024 } as const;

export interface ProbeLimits {
  readonly timeoutMs: number;
  /** Gives up when it aborts: a failure. */
  readonly signal?: AbortSignal;
}

type Handler = Pick<Probe, "exec" | "httpGet" | "tcpSocket" | "grpc">;

/** One try of a probe. Never rejects: what goes wrong is a failure with its message. */
export async function runProbe(
  handler: Handler,
  target: ProbeTarget,
  limits: ProbeLimits,
  runtime: Runtime,
): Promise<ProbeResult> {
  const { timeoutMs, signal } = limits;
  try {
    if (handler.exec) {
      const command = handler.exec.command ?? [];
      const result = await runtime
        .execSync(target.containerId, command, timeoutMs, signal)
        .catch((error: unknown) => ({ ok: false, message: describeError(error), isErrored: true }));
      if ("ok" in result) return result;
      const output = Buffer.concat([result.stdout, result.stderr]).toString("utf8").trim();
      if (result.timedOut)
        return {
          ok: false,
          message: `command timed out: ${JSON.stringify(handler.exec.command?.join(" "))} timed out after ${timeoutMs / 1000}s`,
        };
      return { ok: result.exitCode === 0, message: output || `command exited with ${result.exitCode}` };
    }
    if (handler.httpGet) return await httpProbe(handler.httpGet, target, limits);
    if (handler.tcpSocket) {
      const { host, port } = handler.tcpSocket;
      return await tcpProbe(host || target.podIp, portOf(port, target.container), limits);
    }
    if (handler.grpc) return await grpcProbe(handler.grpc, target.podIp, limits);
    return { ok: false, message: "missing probe handler" };
  } catch (error) {
    return { ok: false, message: describeError(error) };
  }
}

/** A port by number or by the name of one of the container's. */
export function portOf(port: number | string | object, container: Container): number {
  const number = Number(port);
  if (Number.isInteger(number)) return number;
  const named = container.ports?.find(({ name }) => name === port);
  if (named === undefined) throw new Error(`couldn't find a port named "${String(port)}"`);
  return named.containerPort;
}

async function httpProbe(
  get: NonNullable<Probe["httpGet"]>,
  target: ProbeTarget,
  limits: ProbeLimits,
): Promise<ProbeResult> {
  const code = await requestHttp(get, target, limits, "kube-probe");
  return { ok: code >= 200 && code < 400, message: `HTTP probe failed with statuscode: ${code}` };
}

/** Answers the status code. Rejects where no answer comes in time. */
export function requestHttp(
  get: NonNullable<Probe["httpGet"]>,
  { container, podIp }: ProbeTarget,
  { timeoutMs, signal }: ProbeLimits,
  program: "kube-probe" | "kube-lifecycle",
): Promise<number> {
  const secure = get.scheme?.toUpperCase() === "HTTPS";
  const client = secure ? https : http;
  const host = get.host || podIp;
  const port = portOf(get.port, container);
  const path = get.path || "/";
  const headers: Record<string, string> = {
    "user-agent": `${program}/${kubernetesVersion.major}.${kubernetesVersion.minor}`,
    accept: "*/*",
    connection: "close",
  };
  for (const { name, value } of get.httpHeaders ?? []) headers[name.toLowerCase()] = value;
  return new Promise((resolve, reject) => {
    const over = () => {
      clearTimeout(timer);
      request.destroy();
    };
    const failed = (message: string) => {
      over();
      reject(new Error(`Get "${url}": ${message}`));
    };
    const request = client.request(
      {
        host,
        port,
        path: path.startsWith("/") ? path : `/${path}`,
        headers,
        agent: false,
        rejectUnauthorized: false,
        ...(signal !== undefined && { signal }),
      },
      (answer) => {
        answer.resume();
        resolve(answer.statusCode ?? 0);
        over();
      },
    );
    const url = `${secure ? "https" : "http"}://${host}:${port}${path}`;
    const timer = setTimeout(() => failed("context deadline exceeded"), timeoutMs);
    request.once("error", (error) => failed(dialText(error, { host, port })));
    request.end();
  });
}

function tcpProbe(host: string, port: number, limits: ProbeLimits): Promise<ProbeResult> {
  const { timeoutMs, signal } = limits;
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: timeoutMs, ...(signal !== undefined && { signal }) });
    const done = (ok: boolean, message: string) => {
      resolve({ ok, message });
      socket.destroy();
    };
    socket.once("connect", () => done(true, ""));
    socket.once("timeout", () => done(false, `dial tcp ${host}:${port}: i/o timeout`));
    socket.once("error", (error) => done(false, dialText(error, { host, port })));
  });
}
