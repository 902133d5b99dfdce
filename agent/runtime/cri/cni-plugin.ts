import { chmod, readFile, rename, rm, writeFile } from "node:fs/promises";
import { createServer, type Socket } from "node:net";
import { join } from "node:path";
import { UsageError } from "../../../base/os/flags.ts";
import { describeError } from "../../../base/os/log.ts";
import { makeFolder } from "../../../base/os/make-folder.ts";
import { ownNetwork } from "../../network/cni/config-folder.ts";
import { shimFile } from "../supervised/start-shim.ts";
import { type CniRequest, cniFailure, cniRequest } from "./cni-request.ts";

const cniLimits = {
  requestBytesMost: 64 * 1024,
  requestMs: 10_000,
  /** Of a unix socket's path, in the kernel. */
  socketPathBytesMost: 107,
} as const;

/** Runtimes take the first file. */
const { name: pluginName, file: configName } = ownNetwork;

export interface CniPlaces {
  /** Where the runtime looks for networks, and for the plugins that make them. */
  readonly confDir: string;
  readonly binDir: string;
  /** The agent's own, for its socket. */
  readonly stateDir: string;
}

export interface CniPlugin {
  close(): Promise<void>;
}

/** Makes this agent the network of the runtime's pods: a network configuration and a plugin for it, which asks the agent.
 *  `answer` gives what is to be said of a request; what it rejects with is the plugin's failure. */
export async function openCniPlugin(
  places: CniPlaces,
  answer: (request: CniRequest) => Promise<string>,
): Promise<CniPlugin> {
  await makeFolder(places.stateDir, 0o700);
  const path = join(places.stateDir, "cni.sock");
  if (Buffer.byteLength(path) > cniLimits.socketPathBytesMost || /["\\\n]/.test(path))
    throw new UsageError(`--root-dir: ${path} cannot be a socket's path; choose a shorter or plainer folder`);
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    serve(socket, answer);
  });
  await rm(path, { force: true });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, () => resolve());
  });
  try {
    await install(places, path);
  } catch (cause) {
    server.close();
    throw new UsageError(`--cni-conf-dir, --cni-bin-dir: ${describeError(cause)}`);
  }
  return {
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

/** Each file appears whole: the runtime reads them when it likes. */
async function install({ confDir, binDir }: CniPlaces, socket: string): Promise<void> {
  const script = shimFile("cni.pl");
  if (script === undefined) throw new Error("agent/runtime/shim/cni.pl is missing");
  await makeFolder(binDir, 0o755);
  await makeFolder(confDir, 0o755);
  const program = join(binDir, pluginName);
  await writeFile(`${program}.new`, `#!/usr/bin/env perl\n${await readFile(script, "utf8")}`, {
    mode: 0o755,
  });
  await chmod(`${program}.new`, 0o755);
  await rename(`${program}.new`, program);
  const config = { cniVersion: "1.0.0", name: pluginName, plugins: [{ type: pluginName, socket }] };
  const file = join(confDir, configName);
  const text = `${JSON.stringify(config, undefined, 2)}\n`;
  // Runtimes take in every change in that folder.
  if ((await readFile(file, "utf8").catch(() => "")) === text) return;
  await writeFile(`${file}.new`, text);
  await rename(`${file}.new`, file);
}

function serve(socket: Socket, answer: (request: CniRequest) => Promise<string>): void {
  let asked = "";
  const timer = setTimeout(() => socket.destroy(), cniLimits.requestMs);
  socket.on("error", () => socket.destroy());
  socket.once("close", () => clearTimeout(timer));
  const say = (how: "ok" | "failed", text: string) => void socket.end(`${how}\n${text}\n`);
  const hear = (bytes: Buffer) => {
    asked += bytes.toString("latin1");
    if (asked.length > cniLimits.requestBytesMost) socket.destroy();
    if (!asked.includes("\n")) return;
    clearTimeout(timer);
    socket.off("data", hear).resume();
    const request = cniRequest(asked.slice(0, asked.indexOf("\n")));
    if (typeof request === "string") return say("failed", cniFailure(request));
    answer(request).then(
      (text) => say("ok", text),
      (error: unknown) => say("failed", cniFailure(describeError(error))),
    );
  };
  socket.on("data", hear);
  socket.on("end", () => {
    if (!asked.includes("\n")) socket.destroy();
  });
}
