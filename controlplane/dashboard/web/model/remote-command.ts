/** Frames of Kubernetes' remote command protocol, `v5.channel.k8s.io`: one byte says what the others are. */
export const commandProtocol = "v5.channel.k8s.io";

const channel = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4, close: 255 } as const;

/** A session with a container: a command of ours in it, or what it runs anyway. */
export interface CommandWish {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
  /** Absent: its main process is attached to. */
  readonly command?: readonly string[];
  readonly tty: boolean;
  readonly stdin: boolean;
}

/** How a session ended. */
export type Ending =
  /** The command left, with this code. */
  | { readonly is: "exit"; readonly code: number }
  /** It could not be run. */
  | { readonly is: "failed"; readonly message: string }
  /** The API server let nobody in. */
  | { readonly is: "refused"; readonly code: number; readonly message: string }
  /** The connection was cut off, whatever became of the command. */
  | { readonly is: "lost" };

/** Where the API server opens such a session. Pure. */
export function commandPath({ namespace, pod, container, command, tty, stdin }: CommandWish): string {
  const query = new URLSearchParams(command?.map((word) => ["command", word]));
  query.set("container", container);
  for (const name of [...(stdin ? ["stdin"] : []), "stdout", tty ? "tty" : "stderr"]) query.set(name, "true");
  const at = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(pod)}`;
  return `${at}/${command === undefined ? "attach" : "exec"}?${query}`;
}

export type Heard =
  | { readonly is: "output"; readonly bytes: Uint8Array }
  | { readonly is: "ending"; readonly ending: Ending };

/** What a frame from the container says; undefined for one that says nothing to us. Pure. */
export function readFrame(frame: Uint8Array): Heard | undefined {
  const bytes = frame.subarray(1);
  switch (frame[0]) {
    case channel.stdout:
    case channel.stderr:
      return { is: "output", bytes };
    case channel.error:
      return { is: "ending", ending: endingOf(new TextDecoder().decode(bytes)) };
    default:
      return undefined;
  }
}

/** What a Status tells of the end. Pure. */
export function endingOf(text: string): Ending {
  try {
    const { status, reason, message, details } = JSON.parse(text) as {
      readonly status?: string;
      readonly reason?: string;
      readonly message?: string;
      readonly details?: {
        readonly causes?: readonly { readonly reason?: string; readonly message?: string }[];
      };
    };
    if (status === "Success") return { is: "exit", code: 0 };
    const code = details?.causes?.find((cause) => cause.reason === "ExitCode")?.message ?? "";
    if (reason === "NonZeroExitCode" && /^\d+$/.test(code)) return { is: "exit", code: Number(code) };
    return { is: "failed", message: message ?? text };
  } catch {
    return { is: "failed", message: text };
  }
}

export const stdinFrame = (bytes: Uint8Array): Uint8Array<ArrayBuffer> => frameOf(channel.stdin, bytes);

export const resizeFrame = (columns: number, rows: number): Uint8Array<ArrayBuffer> =>
  frameOf(channel.resize, new TextEncoder().encode(JSON.stringify({ Width: columns, Height: rows })));

function frameOf(to: number, bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const frame = new Uint8Array(bytes.length + 1);
  frame[0] = to;
  frame.set(bytes, 1);
  return frame;
}
