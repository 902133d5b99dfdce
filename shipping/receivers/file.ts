import { RotatedFile, type Rotation } from "../../base/os/rotated-file.ts";
import type { LogRecord, Stream } from "../record.ts";
import type { Receiver } from "./receiver.ts";

/** A file of JSON lines, which is put aside when it is full. Lines are on the disk when they count as taken. */
export function fileReceiver(path: string, rotation: Rotation): Receiver {
  let file: RotatedFile | undefined;
  return {
    async send(records) {
      file ??= new RotatedFile(path, rotation);
      // All parts of a cluster on one machine write to it.
      file.lookAgain();
      file.write(fileText(records));
      await file.sync();
      return { kind: "taken" };
    },
    close: async () => file?.close(),
  };
}

/** Each record a line: what holds for its stream stands in each. */
export function fileText(records: readonly LogRecord[]): string {
  const ends = new Map<Stream, string>();
  const lines = records.map(({ stream, ...record }) => {
    let end = ends.get(stream);
    if (end === undefined) {
      const { key: _, ...shown } = stream;
      end = JSON.stringify(shown).slice(1);
      ends.set(stream, end);
    }
    return `${JSON.stringify(record).slice(0, -1)},${end}\n`;
  });
  return lines.join("");
}
