import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { connect as connectTls } from "node:tls";
import { FrameReader, frameTypes, preface, settingsFrame } from "../../base/http2/frames.ts";
import { flagHelp, parseFlags } from "../../base/os/flags.ts";
import { etcdProgram, type Program, pintleProgram, type Side, startSide } from "../peers.ts";

const flags = {
  connections: { kind: "integer", default: 10_000, help: "connections that ask nothing" },
  etcd: { kind: "list", default: ["etcd"], value: "PATHS", help: "programs of etcd to compare with" },
  help: { kind: "boolean", default: false, short: "h", help: "show this" },
} as const;

/** Begun at once. */
const togetherMost = 50;
/** What a process is done with it gives back to the system a little later. */
const settleMs = 5_000;

async function main(argv: readonly string[]): Promise<void> {
  const { flags: given } = parseFlags(flags, argv);
  const say = (text: string) => void process.stdout.write(`${text}\n`);
  if (given.help) {
    say(`npm run bench:idle -- [flags]\n${flagHelp(flags)}`);
    return;
  }
  const programs = [pintleProgram(), ...(await Promise.all(given.etcd.map(etcdProgram)))];
  for (const tls of [false, true])
    for (const program of programs) {
      const { kbEach, cpuMsEach } = await idleCost(program, { tls, connections: given.connections });
      const what = `${program.name}, ${tls ? "TLS" : "plain"}`;
      say(`${what}: ${kbEach.toFixed(1)} kB of memory and ${cpuMsEach.toFixed(2)} ms of CPU a connection`);
    }
}

/** What a member alone has resident for each connection of HTTP/2 on which nothing is asked, and what taking it costs. */
async function idleCost(
  program: Program,
  { tls, connections }: { readonly tls: boolean; readonly connections: number },
): Promise<{ readonly kbEach: number; readonly cpuMsEach: number }> {
  const side = await startSide(program, { members: 1, tls });
  const opened: Socket[] = [];
  try {
    // What is compiled with the first is no cost of each.
    for (let count = 0; count < togetherMost; count++) opened.push(await idleConnection(side));
    await pause(settleMs);
    const [beforeMb, beforeSeconds] = [side.residentMb(), side.cpuSeconds()];
    for (let count = 0; count < connections; count += togetherMost)
      opened.push(...(await Promise.all(Array.from({ length: togetherMost }, () => idleConnection(side)))));
    const cpuMsEach = ((side.cpuSeconds() - beforeSeconds) * 1000) / connections;
    await pause(settleMs);
    return { kbEach: ((side.residentMb() - beforeMb) * 1024) / connections, cpuMsEach };
  } finally {
    for (const socket of opened) socket.destroy();
    await side.stop();
  }
}

/** A connection on which both ends have said and acknowledged their SETTINGS. */
async function idleConnection({ endpoints, authorityPem }: Side): Promise<Socket> {
  const { hostname: host, port } = new URL(endpoints[0] ?? "");
  const to = { host, port: Number(port) };
  const socket =
    authorityPem === undefined
      ? connect(to)
      : connectTls({ ...to, ca: authorityPem, ALPNProtocols: ["h2"], minVersion: "TLSv1.3" });
  await once(socket, authorityPem === undefined ? "connect" : "secureConnect");
  const reader = new FrameReader();
  let settings = 0;
  await new Promise<void>((resolve, reject) => {
    socket.on("error", reject);
    socket.on("close", () => reject(new Error("the server closed an idle connection")));
    socket.on("data", (bytes: Buffer) =>
      reader.push(bytes, (type, flags) => {
        if (type !== frameTypes.SETTINGS) return;
        if ((flags & 1) === 0) socket.write(acknowledgement);
        settings += 1;
        if (settings === 2) resolve();
      }),
    );
    socket.write(Buffer.concat([preface, settingsFrame([])]));
  });
  return socket;
}

const acknowledgement = Buffer.from([0, 0, 0, frameTypes.SETTINGS, 1, 0, 0, 0, 0]);

try {
  await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`bench: ${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
}
