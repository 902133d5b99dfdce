/** Run inside a pod's network namespace by test-node.ts: echoes at the ports it is given, over TCP and UDP, and answers each
 *  line of stdin, a list of targets, with a line that says which of them echoed in time. */
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { createInterface } from "node:readline";
import type { Target } from "./test-node.ts";

const kept = new Map<string, Socket>();

for (const port of process.argv.slice(2).map(Number)) {
  const server = createServer((socket) => {
    socket.on("error", () => socket.destroy());
    socket.pipe(socket);
  });
  await once(server.listen(port), "listening"); // in both families
  const udp = createSocket("udp4");
  udp.on("message", (data, { address, port: to }) => udp.send(data, to, address));
  udp.on("error", () => undefined);
  udp.bind(port, "0.0.0.0");
  await once(udp, "listening");
}

function reach(target: Target, waitMs: number): Promise<boolean> {
  return target.protocol === "udp" ? reachUdp(target, waitMs) : reachTcp(target, waitMs);
}

function reachUdp({ ip, port }: Target, waitMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createSocket("udp4");
    const end = (answer: boolean) => {
      clearTimeout(timer);
      socket.close();
      resolve(answer);
    };
    const timer = setTimeout(() => end(false), waitMs);
    socket.on("error", () => undefined); // refused: nothing comes
    socket.once("message", () => end(true));
    socket.send("x", port, ip, () => undefined);
  });
}

function reachTcp({ ip, port, keep = false }: Target, waitMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const key = `${ip}:${port}`;
    const socket = (keep ? kept.get(key) : undefined) ?? connect(port, ip);
    const end = (answer: boolean) => {
      clearTimeout(timer);
      if (keep && answer) kept.set(key, socket);
      else socket.destroy();
      resolve(answer);
    };
    const timer = setTimeout(() => end(false), waitMs);
    socket.removeAllListeners("data");
    socket.on("error", () => end(false));
    socket.once("data", () => end(true));
    socket.write("x");
  });
}

process.stdout.write("ready\n");
for await (const line of createInterface({ input: process.stdin })) {
  const { reach: targets, waitMs } = JSON.parse(line) as { reach: readonly Target[]; waitMs: number };
  const answers = await Promise.all(targets.map((target) => reach(target, waitMs)));
  process.stdout.write(`${JSON.stringify(answers)}\n`);
}
