import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import type { Duplex } from "node:stream";
import { drained } from "../../base/os/drained.ts";
import { describeError } from "../../base/os/log.ts";
import type { Certificate } from "../../base/os/pki.ts";
import { oneHandshake } from "../../base/os/server-sockets.ts";
import { trusting } from "../../base/os/trust.ts";
import { auditSearchPath, searchPath, serveSearch } from "../logs/serve-search.ts";
import type { RuntimeContainer } from "../runtime/seam.ts";
import { isStatsPath, serveStats } from "../stats/serve-stats.ts";
import { volumeMetricsText } from "../stats/volume-metrics.ts";
import { admitted, knownBy, type LateDeps, type ServerDeps } from "./callers.ts";
import { BadQuery, logBytes, logQuery } from "./container-logs.ts";
import { refuseUpgrade } from "./refuse-upgrade.ts";
import { askedOf, logTarget } from "./targets.ts";
import { serveTunnel } from "./tunnel.ts";
import { serveUpgrade } from "./upgrades.ts";

export interface ServerConfig {
  readonly address: string;
  /** 0: any free one. */
  readonly port: number;
  readonly certificatePem: string;
  readonly privateKeyPem: string;
  /** Whose clients may ask. */
  readonly clientCaPem: string;
}

export interface AgentServer {
  readonly port: number;
  /** Serves with this certificate from the next connection on. */
  renew(certificate: Certificate): void;
  /** What it serves with. */
  certificatePem(): string;
  close(): Promise<void>;
}

/** Listens. Rejects when the address is in use. */
export async function startServer(config: ServerConfig, late: LateDeps): Promise<AgentServer> {
  let { certificatePem } = config;
  const secured = ({ certificatePem, privateKeyPem }: Certificate) => ({
    cert: certificatePem,
    key: privateKeyPem,
    ...trusting(config.clientCaPem),
    minVersion: "TLSv1.2" as const,
  });
  const server = createServer({
    ...secured(config),
    requestCert: true,
    rejectUnauthorized: false, // /healthz is for all; the rest is checked per request
    ...oneHandshake,
    allowHalfOpen: true, // each direction of a tunnel ends on its own
  });
  server.on("request", (request, answer) => {
    route(request, answer, late).catch((error: unknown) => {
      if (!answer.headersSent)
        answer.writeHead(error instanceof BadQuery ? 400 : 500, { "content-type": "text/plain" });
      answer.end(`${describeError(error)}\n`);
    });
  });
  // Connections that are HTTP's no more: the server forgets them, and would wait for them for ever.
  const detached = new Set<Duplex>();
  const detach = (socket: Duplex) => {
    detached.add(socket);
    socket.on("close", () => detached.delete(socket));
    socket.on("error", () => socket.destroy());
  };
  const whenAdmitted = (request: IncomingMessage, socket: Duplex, serve: (deps: ServerDeps) => void) =>
    void admitted(request, late)
      .then((allowed) => {
        if (socket.destroyed) return; // its client did not wait
        if ("missing" in allowed) refuseUpgrade(socket, allowed);
        else serve(allowed);
      })
      .catch((error: unknown) => {
        late.os.log.warn("cannot serve a connection", { error });
        socket.destroy();
      });
  server.on("connect", (request, socket: Duplex, head) => {
    detach(socket);
    whenAdmitted(request, socket, ({ os, runtime, nodeIp }) =>
      serveTunnel(request, socket, head, {
        clock: os.clock,
        nodeIp,
        sandboxes: () => runtime.listPodSandboxes(),
      }),
    );
  });
  server.on("upgrade", (request, socket: Duplex, head) => {
    detach(socket);
    whenAdmitted(request, socket, (deps) => serveUpgrade({ request, socket, head }, deps));
  });
  const port = await listen(server, config);
  return {
    port,
    certificatePem: () => certificatePem,
    renew: (certificate) => {
      server.setSecureContext(secured(certificate));
      certificatePem = certificate.certificatePem;
    },
    close: async () => {
      for (const socket of detached) socket.destroy();
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

function listen(server: Server, { address, port }: ServerConfig): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, address, () => {
      const bound = server.address();
      resolve(typeof bound === "object" && bound !== null ? bound.port : port);
    });
  });
}

async function route(request: IncomingMessage, answer: ServerResponse, late: LateDeps): Promise<void> {
  const url = new URL(request.url ?? "/", "https://node");
  const text = (code: number, body: string) =>
    void answer.writeHead(code, { "content-type": "text/plain; charset=utf-8" }).end(body);
  if (url.pathname === "/healthz") return text(200, "ok");
  const refused = await late.refusal(request);
  if (refused !== undefined) return text(refused.code, `${refused.missing}\n`);
  if (url.pathname === "/metrics") {
    answer.writeHead(200, { "content-type": late.os.metrics.contentType });
    const volumes = late.deps()?.stats.volumes.current() ?? new Map();
    answer.end((await late.os.metrics.text()) + volumeMetricsText([...volumes.values()].flat()));
    return;
  }
  if (url.pathname === "/configz") {
    answer.writeHead(200, { "content-type": "application/json" });
    answer.end(JSON.stringify({ kubeletconfig: late.settings }));
    return;
  }
  const deps = late.deps();
  if (deps === undefined) return text(503, "the agent is starting\n");
  if (url.pathname === "/pods" || url.pathname === "/pods/") {
    answer.writeHead(200, { "content-type": "application/json" });
    answer.end(JSON.stringify({ kind: "PodList", apiVersion: "v1", metadata: {}, items: deps.pods() }));
    return;
  }
  if (url.pathname === searchPath || url.pathname === auditSearchPath)
    return serveSearch(request, answer, url, { searches: deps.searches, clock: deps.os.clock });
  if (isStatsPath(url.pathname)) return serveStats(answer, url, deps.runtime, deps.stats);
  if (url.pathname.startsWith("/checkpoint/"))
    return text(501, "checkpoints of containers are not supported by this node\n");
  if (!url.pathname.startsWith("/containerLogs/")) return text(404, "404 page not found\n");
  const asked = askedOf(url.pathname);
  if (asked === undefined) return text(404, "404 page not found\n");
  const previous = ["true", "1"].includes(url.searchParams.get("previous") ?? "");
  const target = logTarget(asked, previous, knownBy(deps));
  if ("missing" in target) return text(target.code, target.missing);
  await sendLogs(answer, target.container, url, deps);
}

async function sendLogs(
  answer: ServerResponse,
  container: RuntimeContainer,
  url: URL,
  { os, runtime }: ServerDeps,
): Promise<void> {
  const query = logQuery(url.searchParams, os.clock.wallMs());
  const abort = new AbortController();
  answer.once("close", () => abort.abort());
  answer.writeHead(200, { "content-type": "text/plain" });
  answer.flushHeaders();
  const live = () => runtime.containerStatus(container.id)?.state.phase === "running";
  const follow = query.follow && !query.previous;
  const bytes = logBytes(container.logPath, query, {
    signal: abort.signal,
    ...(follow && {
      goesOn: live,
      onWake: (wake: () => void) => runtime.subscribe(({ id }) => id === container.id && wake()),
    }),
  });
  for await (const piece of bytes) {
    if (answer.destroyed) return;
    answer.write(piece);
    await drained(answer);
  }
  answer.end();
}
