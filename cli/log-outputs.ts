import { openSync, writeSync } from "node:fs";
import { OperatorError } from "./command.ts";

/** Where a log's lines go, as etcd's --log-outputs names it: stderr (also "default"), stdout, and files, to which is added. */
export function logWriter(outputs: readonly string[]): (line: string) => void {
  const writers = (outputs.length === 0 ? ["default"] : outputs).map(writerOf);
  return (line) => {
    for (const write of writers) write(line);
  };
}

function writerOf(output: string): (line: string) => void {
  if (output === "default" || output === "stderr") return (line) => process.stderr.write(line);
  if (output === "stdout") return (line) => process.stdout.write(line);
  if (output.startsWith("systemd/"))
    throw new OperatorError(`--log-outputs: ${output} is not supported; let systemd read stderr`);
  try {
    const file = openSync(output, "a", 0o600);
    return (line) => writeSync(file, line);
  } catch (cause) {
    throw new OperatorError(`--log-outputs: cannot write ${output}`, { cause });
  }
}
