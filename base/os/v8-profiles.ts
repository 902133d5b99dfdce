import { type HeapProfiler, type Profiler, Session } from "node:inspector/promises";
import { encodeProfile, type Frame, type StackSample } from "../pprof.ts";

/** One is under way already. */
export class ProfilerBusyError extends Error {
  override readonly name = "ProfilerBusyError";

  constructor() {
    super("Could not enable CPU profiling: cpu profiling already in use");
  }
}

const cpuIntervalMicroseconds = 1_000;
/** As Go's: one sample for so many bytes allocated. */
const heapIntervalBytes = 512 * 1024;
/** What V8 calls the time in which the thread waits. */
const idle = "(idle)";

/** Profiles of this thread, by V8's samplers, in the form that `go tool pprof` reads. */
export class V8Profiles {
  #session: Session | undefined;
  #isCpuBusy = false;

  /** Begins to sample what is allocated. */
  async start(): Promise<void> {
    const session = new Session();
    session.connect();
    this.#session = session;
    await session.post("Profiler.enable");
    await session.post("Profiler.setSamplingInterval", { interval: cpuIntervalMicroseconds });
    await session.post("HeapProfiler.enable");
    await session.post("HeapProfiler.startSampling", { samplingInterval: heapIntervalBytes });
  }

  stop(): void {
    this.#session?.disconnect();
    this.#session = undefined;
  }

  /** Profiles the CPU until `over` resolves. Throws ProfilerBusyError. */
  async cpu(over: Promise<void>, startMs: number): Promise<Uint8Array> {
    if (this.#isCpuBusy) throw new ProfilerBusyError();
    this.#isCpuBusy = true;
    try {
      const session = this.#connected;
      await session.post("Profiler.start");
      await over;
      const { profile } = await session.post("Profiler.stop");
      return encodeCpu(profile, startMs);
    } finally {
      this.#isCpuBusy = false;
    }
  }

  /** What is allocated and still there. @param collect Collects garbage first. */
  async heap(collect: boolean, nowMs: number): Promise<Uint8Array> {
    const session = this.#connected;
    if (collect) await session.post("HeapProfiler.collectGarbage");
    const { profile } = await session.post("HeapProfiler.getSamplingProfile");
    return encodeProfile({
      measures: [["inuse_space", "bytes"]],
      samples: heapSamples(profile.head, []),
      startMs: nowMs,
      tookMs: 0,
      period: { measure: ["space", "bytes"], value: heapIntervalBytes },
    });
  }

  get #connected(): Session {
    if (this.#session === undefined) throw new Error("the profiler is not running");
    return this.#session;
  }
}

interface CallFrame {
  readonly functionName: string;
  readonly url: string;
  readonly lineNumber: number;
}

const frameOf = ({ functionName, url, lineNumber }: CallFrame): Frame => ({
  name: functionName || "(anonymous)",
  file: url,
  line: lineNumber + 1,
});

function encodeCpu(
  { nodes, samples = [], timeDeltas = [], startTime, endTime }: Profiler.Profile,
  startMs: number,
) {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const parents = new Map(nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id])));
  const times = new Map<number, { count: number; microseconds: number }>();
  for (const [at, id] of samples.entries()) {
    const time = times.get(id) ?? { count: 0, microseconds: 0 };
    time.count++;
    time.microseconds += Math.max(0, timeDeltas[at] ?? 0);
    times.set(id, time);
  }
  const stackOf = (leaf: number): readonly Frame[] => {
    const stack: Frame[] = [];
    for (let id: number | undefined = leaf; id !== undefined; id = parents.get(id)) {
      const node = byId.get(id);
      if (node !== undefined && parents.has(id)) stack.push(frameOf(node.callFrame)); // the root is no function
    }
    return stack;
  };
  const busy = [...times].filter(([id]) => byId.get(id)?.callFrame.functionName !== idle);
  return encodeProfile({
    measures: [
      ["samples", "count"],
      ["cpu", "nanoseconds"],
    ],
    samples: busy.map(([id, { count, microseconds }]) => ({
      stack: stackOf(id),
      values: [count, microseconds * 1_000],
    })),
    startMs,
    tookMs: (endTime - startTime) / 1_000,
    period: { measure: ["cpu", "nanoseconds"], value: cpuIntervalMicroseconds * 1_000 },
  });
}

function* heapSamples(
  node: HeapProfiler.SamplingHeapProfileNode,
  callers: readonly Frame[],
): Generator<StackSample> {
  const isRoot = node.callFrame.functionName === "(root)";
  const stack = isRoot ? callers : [frameOf(node.callFrame), ...callers];
  if (node.selfSize > 0) yield { stack, values: [node.selfSize] };
  for (const child of node.children) yield* heapSamples(child, stack);
}
