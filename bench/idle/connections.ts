import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { FrameReader, frameTypes, preface, settingsFrame } from "../../base/http2/frames.ts";
import type { Side } from "../peers.ts";

/** Begun at once. */
const togetherMost = 50;

/** Opens connections of HTTP/2 on which nothing is asked. */
export async function openConnections(side: Side, count: number): Promise<() => void> {
  const opened: Socket[] = [];
  for (let left = count; left > 0; left -= togetherMost) {
    const next = Array.from({ length: Math.min(left, togetherMost) }, () => idleConnection(side));
    opened.push(...(await Promise.all(next)));
  }
  return () => {
    for (const socket of opened) socket.destroy();
  };
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
