import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { createWebSocketStream, type WebSocket, WebSocketServer } from "ws";
import type { Clock } from "../../base/os/clock.ts";
import { describeError } from "../../base/os/log.ts";
import type { Session } from "../runtime/seam.ts";
import { attachSession } from "./attach.ts";
import { knownBy, type Refusal, type SessionDeps } from "./callers.ts";
import { type ChannelProtocol, channelProtocols, chooseProtocol } from "./channel-protocol.ts";
import { choosePortProtocol, portProtocolNames, portsOf, servePortChannels } from "./port-channels.ts";
import { portForwardProtocols, servePortForward, tunnelledProtocol } from "./port-forward.ts";
import { refuseUpgrade } from "./refuse-upgrade.ts";
import { refuseSession, remoteCommandLimits, serveSession, type Wanted } from "./remote-command.ts";
import { handshake, isSpdy, switchingText } from "./spdy/handshake.ts";
import { serveSpdyCommand, spdyCommandProtocols } from "./spdy-command.ts";
import { type Asked, askedOf, type Found, forwardTarget, sessionTarget } from "./targets.ts";

export interface Upgrade {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  /** What came right behind the request. */
  readonly head: Buffer;
}

/** A request to leave HTTP, from somebody who may: exec, attach and port forwarding, over WebSocket or SPDY. */
export function serveUpgrade(upgrade: Upgrade, deps: SessionDeps): void {
  const url = new URL(upgrade.request.url ?? "/", "https://node");
  const asked = askedOf(url.pathname);
  const refused =
    asked?.verb === "portForward"
      ? forward(upgrade, deps, asked, url.searchParams)
      : asked?.verb === "exec" || asked?.verb === "attach"
        ? session(upgrade, deps, asked.verb, asked, url.searchParams)
        : { code: 404, missing: "404 page not found" };
  if (refused !== undefined) refuseUpgrade(upgrade.socket, refused);
}

/** Ends HTTP on a connection: what comes from now on is the protocol's. */
function switchTo({ socket, head }: Upgrade, protocol: string): void {
  if (head.length > 0) socket.unshift(head);
  socket.write(switchingText(protocol));
}

/** Kubernetes lists what it would have taken in headers of the refusal. */
function spdyRefusal(refused: Refusal & { readonly accepted?: readonly string[] }) {
  const headers = (refused.accepted ?? []).map((name) => `X-Accepted-Stream-Protocol-Versions: ${name}`);
  return { ...refused, headers };
}

const protocolsOf = (request: IncomingMessage) =>
  (request.headers["sec-websocket-protocol"] ?? "").split(",").map((name) => name.trim());

function unknownProtocols(request: IncomingMessage, known: readonly string[]): Refusal {
  const offered = request.headers["sec-websocket-protocol"];
  return {
    code: 403,
    missing: `requested protocol(s) are not supported: [${offered}]; supports [${known.join(" ").trim()}]`,
  };
}

const isWebSocket = ({ headers }: IncomingMessage) => headers.upgrade?.toLowerCase() === "websocket";

const onlyThese = ({ headers }: IncomingMessage): Refusal => ({
  code: 400,
  missing: `only websocket and SPDY/3.1 are served, not ${headers.upgrade}`,
});

const commandSockets = new WebSocketServer({
  noServer: true,
  maxPayload: remoteCommandLimits.frameBytesMost,
  perMessageDeflate: false,
  handleProtocols: (_, request) => commandProtocol(request)?.name || false,
});

function commandProtocol(request: IncomingMessage): ChannelProtocol | undefined {
  return chooseProtocol(request.headers["sec-websocket-protocol"]);
}

function session(
  upgrade: Upgrade,
  deps: SessionDeps,
  verb: "exec" | "attach",
  asked: Asked,
  query: URLSearchParams,
): Refusal | undefined {
  const { request, socket, head } = upgrade;
  const wanted = wantedOf(query);
  if (!wanted.stdin && !wanted.stdout && !wanted.stderr)
    return { code: 400, missing: "you must specify at least 1 of stdin, stdout, stderr" };
  const target = sessionTarget(verb, asked, knownBy(deps));
  const start = () => startSession(verb, target, { deps, wanted, command: query.getAll("command") });
  const { clock, log } = deps.os;
  if (isWebSocket(request)) {
    const protocol = commandProtocol(request);
    if (protocol === undefined)
      return unknownProtocols(
        request,
        channelProtocols.map(({ name }) => name),
      );
    commandSockets.handleUpgrade(request, socket, head, (webSocket) => {
      runCommand({ socket: webSocket, protocol }, { wanted, target, start, clock }).catch((error: unknown) =>
        log.debug("session failed", { error }),
      );
    });
    return undefined;
  }
  // Clients that speak the older protocol are told before the upgrade what is wrong with their target.
  if ("missing" in target) return target;
  if (!isSpdy(request.headers.upgrade)) return onlyThese(request);
  const agreed = handshake(headerText(request, "x-stream-protocol-version"), spdyCommandProtocols);
  if ("missing" in agreed) return spdyRefusal(agreed);
  switchTo(upgrade, agreed.protocol);
  serveSpdyCommand(socket, { protocol: agreed.protocol, wanted, clock, start }).catch((error: unknown) =>
    log.debug("session failed", { error }),
  );
  return undefined;
}

function headerText({ headers }: IncomingMessage, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value.join(",") : value;
}

function wantedOf(query: URLSearchParams): Wanted {
  const flag = (name: string, kubelets = name) =>
    ["true", "1"].includes(query.get(name) ?? query.get(kubelets) ?? "");
  const tty = flag("tty");
  // With a terminal both outputs are one.
  return {
    stdin: flag("stdin", "input"),
    stdout: flag("stdout", "output"),
    stderr: flag("stderr", "error") && !tty,
    tty,
  };
}

async function startSession(
  verb: "exec" | "attach",
  target: Found,
  {
    deps: { runtime },
    wanted: { stdin, tty },
    command,
  }: { readonly deps: SessionDeps; readonly wanted: Wanted; readonly command: readonly string[] },
): Promise<Session> {
  if ("missing" in target) throw new Error(target.missing);
  const { container } = target;
  return verb === "exec"
    ? runtime.exec(container.id, { command, stdin, tty })
    : attachSession(runtime, container, stdin, tty);
}

/** Runs a session to its end. What it is to run in is missing: said on the connection, where the client looks for it – to a
 *  refused upgrade clients would answer by trying an older protocol. */
async function runCommand(
  client: { readonly socket: WebSocket; readonly protocol: ChannelProtocol },
  {
    target,
    wanted,
    start,
    clock,
  }: {
    readonly target: Found;
    readonly wanted: Wanted;
    readonly start: () => Promise<Session>;
    readonly clock: Clock;
  },
): Promise<void> {
  if ("missing" in target) {
    refuseSession(client, `unable to upgrade connection: ${target.missing}`);
    return;
  }
  // The client speaks as soon as it is connected; its words wait until there is someone to hear them.
  client.socket.pause();
  try {
    const served = serveSession(client, await start(), wanted, clock);
    client.socket.resume();
    await served;
  } catch (error) {
    client.socket.resume();
    refuseSession(client, describeError(error));
  }
}

const forwardSockets = new WebSocketServer({
  noServer: true,
  maxPayload: remoteCommandLimits.frameBytesMost,
  perMessageDeflate: false,
  handleProtocols: (_, request) => forwardProtocol(request) || false,
});

/** The tunnel's name has a slash in it, which `ws` knows to be no letter of a protocol's name, and so refuses: it is not shown the
 *  names, and answered past it. */
const tunnels = new WeakSet<IncomingMessage>();
forwardSockets.on("headers", (headers, request) => {
  if (tunnels.has(request)) headers.push(`Sec-WebSocket-Protocol: ${tunnelledProtocol}`);
});

function withoutProtocols(request: IncomingMessage): IncomingMessage {
  tunnels.add(request);
  delete request.headers["sec-websocket-protocol"];
  return request;
}

/** The first that the client names and we know; undefined when it names only others. */
function forwardProtocol(request: IncomingMessage): string | undefined {
  const known = [tunnelledProtocol, ...portProtocolNames];
  return protocolsOf(request).find((name) => known.includes(name));
}

function forward(
  upgrade: Upgrade,
  deps: SessionDeps,
  asked: Asked,
  query: URLSearchParams,
): Refusal | undefined {
  const { request, socket, head } = upgrade;
  const { runtime, os } = deps;
  const target = forwardTarget(asked, { pods: deps.pods(), sandboxes: runtime.listPodSandboxes() });
  if ("missing" in target) return target;
  const { sandboxId } = target;
  const to = {
    sandboxId,
    connect: (port: number) => runtime.connectPort(sandboxId, port),
    clock: os.clock,
    log: os.log,
  };
  if (isWebSocket(request)) {
    const name = forwardProtocol(request);
    if (name === undefined) return unknownProtocols(request, [tunnelledProtocol, ...portProtocolNames]);
    const ports = name === tunnelledProtocol ? [] : portsOf(query.getAll("port"), choosePortProtocol(name));
    if ("missing" in ports) return ports;
    const offered = name === tunnelledProtocol ? withoutProtocols(request) : request;
    forwardSockets.handleUpgrade(offered, socket, head, (webSocket) => {
      if (name === tunnelledProtocol) servePortForward(createWebSocketStream(webSocket), to);
      else servePortChannels({ socket: webSocket, protocol: choosePortProtocol(name) }, ports, to);
    });
    return undefined;
  }
  if (!isSpdy(request.headers.upgrade)) return onlyThese(request);
  const agreed = handshake(headerText(request, "x-stream-protocol-version"), portForwardProtocols);
  if ("missing" in agreed) return spdyRefusal(agreed);
  switchTo(upgrade, agreed.protocol);
  servePortForward(socket, to);
  return undefined;
}
