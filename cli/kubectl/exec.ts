import { UsageError } from "../../base/os/flags.ts";
import type { ExecSession } from "../../client/exec.ts";
import { type CommandIo, command } from "../command.ts";
import { clusterFlags, namespaceOf } from "./flags.ts";
import { chooseContainer, choosePod } from "./pod-choice.ts";

const flags = {
  ...clusterFlags,
  stdin: { kind: "boolean", short: "i", help: "pass our input on" },
  tty: { kind: "boolean", short: "t", help: "with a terminal" },
  it: { kind: "boolean", help: "-i and -t" },
  container: { kind: "string", short: "c", value: "NAME", help: "which container (the first)" },
} as const;

export const execCommand = command({
  name: "exec",
  summary: "run a command in a container",
  usage: "POD | KIND/NAME -- COMMAND [ARGUMENT...]",
  words: ["pod", "none"],
  flags,
  examples: ["pintle exec web-1 -- ls /", "pintle exec -it deployment/web -- sh"],
  async run({ flags: given, words, rest }, io) {
    if (words.length === 0) throw new UsageError("in which pod? For example: web-1 -- ls");
    if (rest.length === 0) throw new UsageError("which command? It comes after --, for example: web-1 -- ls");
    const client = io.client(given);
    const pod = await choosePod(client, words, namespaceOf(given, client));
    const tty = Boolean(given.tty || given.it) && io.stdin.isTTY === true;
    const stdin = Boolean(given.stdin || given.it);
    if ((given.tty || given.it) && !tty) io.stderr("Unable to use a TTY - input is not a terminal\n");
    const [out, err] = [new TextDecoder(), new TextDecoder()];
    const session = await client.exec(
      pod.metadata,
      {
        command: rest,
        container: chooseContainer(pod, given.container),
        stdin,
        tty,
        onStdout: (bytes) => io.stdout(out.decode(bytes, { stream: true })),
        onStderr: (bytes) => io.stderr(err.decode(bytes, { stream: true })),
      },
      io.signal,
    );
    const release = connectTerminal(session, { stdin, tty }, io);
    try {
      const code = await session.exitCode;
      if (code !== 0) io.stderr(`command terminated with exit code ${code}\n`);
      return code;
    } finally {
      release();
    }
  },
});

/** Joins our input and window size to the session; the returned function gives the terminal back. */
export function connectTerminal(
  session: ExecSession,
  options: { readonly stdin: boolean; readonly tty: boolean },
  { stdin }: Pick<CommandIo, "stdin">,
): () => void {
  const onData = (chunk: Buffer | string) => {
    if (session.write(Buffer.from(chunk))) return;
    stdin.pause();
    session.drained().then(() => stdin.resume());
  };
  const onEnd = () => session.closeStdin();
  const onResize = () => {
    const { columns, rows } = process.stdout;
    if (columns && rows) session.resize({ width: columns, height: rows });
  };
  if (options.stdin) {
    stdin.on("data", onData);
    stdin.once("end", onEnd);
    stdin.resume();
  }
  if (options.tty) {
    stdin.setRawMode(true);
    onResize();
    process.stdout.on("resize", onResize);
  }
  return () => {
    stdin.off("data", onData);
    stdin.off("end", onEnd);
    if (options.tty) {
      stdin.setRawMode(false);
      process.stdout.off("resize", onResize);
    }
    stdin.pause();
    if (options.stdin) stdin.unref();
  };
}
