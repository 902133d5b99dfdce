import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

export interface LoadShape {
  readonly name: string;
  readonly words: readonly string[];
  readonly isTls: boolean;
}

export const shapes: readonly LoadShape[] = [
  { name: "HTTP/1.1", words: ["--h1", "-c64"], isTls: false },
  { name: "HTTP/2 with TLS", words: ["-c8", "-m8"], isTls: true },
];

export interface LoadResult {
  readonly perSecond: number;
  readonly p99Ms: number;
}

/** Rejects where a request was not answered with 200. */
export async function runLoad(shape: LoadShape, port: number, requests: number): Promise<LoadResult> {
  const folder = await mkdtemp(join(tmpdir(), "pintle-h2load-"));
  const file = join(folder, "log");
  try {
    const url = `${shape.isTls ? "https" : "http"}://bench.test:${port}/some/path`;
    const words = [
      ...shape.words,
      `-n${requests}`,
      `--log-file=${file}`,
      `--connect-to=127.0.0.1:${port}`,
      url,
    ];
    const { stdout } = await promisify(execFile)("h2load", words);
    const perSecond = Number(/, ([\d.]+) req\/s/.exec(stdout)?.[1]);
    const ok = Number(/status codes: (\d+) 2xx/.exec(stdout)?.[1]);
    if (ok !== requests) throw new Error(`${shape.name}: not all of ${requests} were answered: ${stdout}`);
    const lines = (await readFile(file, "utf8")).trim().split("\n");
    const micros = lines.map((line) => Number(line.split("\t")[2])).sort((a, b) => a - b);
    return { perSecond, p99Ms: (micros[Math.floor(micros.length * 0.99)] ?? Number.NaN) / 1000 };
  } finally {
    await rm(folder, { recursive: true });
  }
}
