/** The channels of Kubernetes' remote command protocol. */
export const channel = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4, close: 255 } as const;

/** One of its WebSocket subprotocols. */
export interface ChannelProtocol {
  readonly name: string;
  /** Frames are text: the channel as a digit, then base64. Otherwise binary: the channel as a byte, then the bytes. */
  readonly isBase64: boolean;
  /** The error channel carries a Status, success included. Otherwise the text of a failure. */
  readonly hasStatus: boolean;
  /** The client can end its input without ending the connection. */
  readonly hasClose: boolean;
}

const plain = { isBase64: false, hasStatus: false, hasClose: false };
export const channelProtocols: readonly ChannelProtocol[] = [
  { ...plain, name: "v5.channel.k8s.io", hasStatus: true, hasClose: true },
  { ...plain, name: "v4.channel.k8s.io", hasStatus: true },
  { ...plain, name: "v4.base64.channel.k8s.io", hasStatus: true, isBase64: true },
  { ...plain, name: "channel.k8s.io" },
  { ...plain, name: "base64.channel.k8s.io", isBase64: true },
  /** Of clients that name none. */
  { ...plain, name: "" },
];

/** The first that the client names and we know; `undefined` when it names only others. */
export function chooseProtocol(header: string | undefined): ChannelProtocol | undefined {
  const offered = (header ?? "").split(",").map((name) => name.trim());
  for (const name of offered) {
    const known = channelProtocols.find((one) => one.name === name);
    if (known !== undefined) return known;
  }
  return undefined;
}

export function encodeFrame(protocol: ChannelProtocol, to: number, bytes: Uint8Array): string | Buffer {
  if (!protocol.isBase64) return Buffer.concat([Buffer.of(to), bytes]);
  return `${to}${Buffer.from(bytes).toString("base64")}`;
}

/** `undefined` for what is no frame: empty, no such channel, no base64. */
export function decodeFrame(
  protocol: ChannelProtocol,
  frame: Buffer,
): { readonly from: number; readonly bytes: Buffer } | undefined {
  const [first] = frame;
  if (first === undefined) return undefined;
  if (!protocol.isBase64) return { from: first, bytes: frame.subarray(1) };
  const text = frame.toString("latin1", 1);
  const from = first - 0x30;
  if (from < 0 || from > 9 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return undefined;
  return { from, bytes: Buffer.from(text, "base64") };
}
