import type { RestClient } from "../../client/rest.ts";
import type { Ref } from "../../client/types.ts";
import { connectTerminal } from "../kubectl/exec.ts";

/** bash where there is one, else sh: fixed words, nothing of them is of the pod. */
const command = ["sh", "-c", "command -v bash >/dev/null 2>&1 && exec bash || exec sh"];

/** A shell in a container on this terminal. Answers how it ended, where that is not as usual. */
export async function runShell(client: RestClient, ref: Ref, container: string): Promise<string | undefined> {
  const { stdin, stdout } = process;
  stdout.write(`\x1b[2J\x1b[H${ref.name}/${container}: exit ends the shell\r\n`);
  const session = await client.exec(ref, {
    command,
    container,
    stdin: true,
    tty: true,
    onStdout: (bytes) => void stdout.write(bytes),
    onStderr: (bytes) => void stdout.write(bytes),
  });
  const release = connectTerminal(session, { stdin: true, tty: true }, { stdin });
  try {
    const code = await session.exitCode;
    return code === 0 ? undefined : `the shell ended with exit code ${code}`;
  } finally {
    release();
  }
}
