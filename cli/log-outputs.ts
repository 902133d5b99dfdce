import { openSync, writeSync } from "node:fs";
import { UsageError } from "../base/os/flags.ts";
import { RotatedFile, type Rotation } from "../base/os/rotated-file.ts";
import { OperatorError } from "./command.ts";

const streams: ReadonlySet<string> = new Set(["default", "stderr", "stdout"]);

/** Where a log's lines go, as etcd's --log-outputs names it: stderr (also "default"), stdout, and files, to which is added. With
 *  a rotation one of them must be a file, and no more. */
export function logWriter(outputs: readonly string[], rotation?: Rotation): (line: string) => void {
  const files = outputs.filter((output) => !streams.has(output));
  if (rotation !== undefined && files.length !== 1)
    throw new UsageError(
      "--log-outputs requires a single file path when --log-rotate-config-json is defined",
    );
  const writers = (outputs.length === 0 ? ["default"] : outputs).map((output) => writerOf(output, rotation));
  return (line) => {
    for (const write of writers) write(line);
  };
}

function writerOf(output: string, rotation: Rotation | undefined): (line: string) => void {
  if (output === "default" || output === "stderr") return (line) => process.stderr.write(line);
  if (output === "stdout") return (line) => process.stdout.write(line);
  if (output.startsWith("systemd/"))
    throw new OperatorError(`--log-outputs: ${output} is not supported; let systemd read stderr`);
  try {
    if (rotation !== undefined) {
      const rotated = new RotatedFile(output, rotation);
      return (line) => rotated.write(line);
    }
    const file = openSync(output, "a", 0o600);
    return (line) => writeSync(file, line);
  } catch (cause) {
    throw new OperatorError(`--log-outputs: cannot write ${output}`, { cause });
  }
}
