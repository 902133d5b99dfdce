import { connect } from "node:net";
import { dialText } from "../../base/dial-text.ts";
import { describeError } from "../../base/os/log.ts";
import type { Container, Probe } from "../../client/types.ts";
import type { Runtime } from "../runtime/seam.ts";
import { grpcProbe } from "./grpc-probe.ts";
import { type HttpGet, httpGet, portOf, UntriedError } from "./http-get.ts";

export interface ProbeTarget {
  readonly containerId: string;
  readonly container: Container;
  readonly podIp: string;
}

export interface ProbeResult {
  readonly ok: boolean;
  readonly message: string;
  /** It could not be tried to its end, as where the container runtime runs no command: it says nothing of the container. */
  readonly isErrored?: boolean;
  /** It passed, and the message says what is odd. */
  readonly isWarning?: boolean;
}

const probeLimits = { bodyBytesMost: 10 * 1024 } as const;

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
          message: `command timed out: ${JSON.stringify(command.join(" "))} timed out after ${timeoutMs / 1000}s`,
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
    const isErrored = error instanceof UntriedError;
    return { ok: false, message: describeError(error), ...(isErrored && { isErrored }) };
  }
}

async function httpProbe(get: HttpGet, target: ProbeTarget, limits: ProbeLimits): Promise<ProbeResult> {
  const { container, podIp } = target;
  const options = { container, podIp, ...limits, ...probeLimits, program: "kube-probe" } as const;
  const { code, body } = await httpGet(get, options);
  if (code >= 300 && code < 400)
    return { ok: true, isWarning: true, message: `Probe terminated redirects, Response body: ${body}` };
  return { ok: code >= 200 && code < 300, message: `HTTP probe failed with statuscode: ${code}` };
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
