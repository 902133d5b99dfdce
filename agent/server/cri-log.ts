/** One line of a container's log as it stands in the file: `<RFC 3339> stdout|stderr F|P <text>`. */
export interface LogLine {
  readonly time: string;
  readonly stream: "stdout" | "stderr";
  /** The text went on in the next record. */
  readonly partial: boolean;
  readonly text: Buffer;
}

const space = 0x20;

/** Undefined for what is no such line (a torn write after a full disk). */
export function parseLogLine(line: Buffer): LogLine | undefined {
  const first = line.indexOf(space);
  const second = line.indexOf(space, first + 1);
  const third = line.indexOf(space, second + 1);
  if (first < 0 || second < 0 || third < 0) return undefined;
  const stream = line.toString("latin1", first + 1, second);
  const tag = line.toString("latin1", second + 1, third);
  if ((stream !== "stdout" && stream !== "stderr") || !/^[FP]/.test(tag)) return undefined;
  return {
    time: line.toString("latin1", 0, first),
    stream,
    partial: tag[0] === "P",
    text: line.subarray(third + 1),
  };
}

/** Splits chunks into lines, keeping what is not yet ended. */
export class LineSplitter {
  #rest = Buffer.alloc(0);

  *push(chunk: Buffer): Generator<Buffer> {
    let data = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    for (let end = data.indexOf(10); end >= 0; end = data.indexOf(10)) {
      yield data.subarray(0, end);
      data = data.subarray(end + 1);
    }
    this.#rest = Buffer.from(data);
  }
}
