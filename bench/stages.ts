/** A CPU profile of V8 (`--cpu-prof`), of which this is what we read. Times are microseconds of the monotonic clock. */
export interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: CallFrame;
    readonly children?: readonly number[];
  }[];
  readonly startTime: number;
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

/** Lines and columns count from 0; `url` is empty for what is not JavaScript. */
export interface CallFrame {
  readonly functionName: string;
  readonly url: string;
  readonly lineNumber: number;
  readonly columnNumber: number;
}

/** The stages of a request on its way through a member, in their order, with the sources of each. */
const sources = [
  ["peers", /^store\/transport\/peer\//],
  ["framing, gRPC", /^(base\/http2|store\/(transport|rpc|gateway|thread|client))\//],
  ["codecs", /^(base\/(protobuf|wire|varint)|proto\/|store\/entry)/],
  ["propose", /^store\/propose\//],
  ["raft", /^store\/(raft|driver|membership)\//],
  ["WAL", /^(store\/wal\/|base\/crc32c)/],
  ["apply, MVCC", /^(store\/(apply|mvcc|lease|auth)|base\/(ordered-map|arena|slabs))/],
  ["backend", /^(store\/(backend|snapshot)\/|node_modules\/(classic|abstract)-level\/)/],
  ["watch", /^store\/watch\//],
  ["Node.js", /^node:/],
] as const;
const systemCalls =
  /^(write|writev|writeBuffer|writeUtf8String|writeLatin1String|read|fdatasync|fsync|open|close)$/;

export const stages = [...sources.map(([stage]) => stage), "collector", "system calls", "other"] as const;
export type Stage = (typeof stages)[number];

/** Microseconds of each stage within [fromUs, toUs), as the profile's samples have them.
 *  @param sourceOf The path of the source that a frame is of, from the root of the repository; or a URL of Node.js. */
export function timeByStage(
  profile: CpuProfile,
  window: { readonly fromUs: number; readonly toUs: number },
  sourceOf: (frame: CallFrame) => string,
): Map<Stage, number> {
  const stageOf = stagesOfNodes(profile, sourceOf);
  const time = new Map<Stage, number>();
  let atUs = profile.startTime;
  for (const [i, id] of profile.samples.entries()) {
    const deltaUs = profile.timeDeltas[i] ?? 0;
    atUs += deltaUs;
    const stage = stageOf.get(id);
    if (stage === undefined || atUs < window.fromUs || atUs >= window.toUs) continue;
    time.set(stage, (time.get(stage) ?? 0) + deltaUs);
  }
  return time;
}

/** What waits has no stage. What V8 itself does for a function, such as copying bytes, is of that function's stage. */
function stagesOfNodes(profile: CpuProfile, sourceOf: (frame: CallFrame) => string): Map<number, Stage> {
  const parents = new Map<number, number>();
  for (const { id, children } of profile.nodes) for (const child of children ?? []) parents.set(child, id);
  const frames = new Map(profile.nodes.map(({ id, callFrame }) => [id, callFrame]));
  const found = new Map<number, Stage>();
  for (const { id, callFrame } of profile.nodes) {
    if (callFrame.functionName === "(idle)") continue;
    let at: number | undefined = id;
    let stage = stageOfFrame(callFrame, sourceOf);
    while (stage === undefined && at !== undefined) {
      at = parents.get(at);
      const frame = at === undefined ? undefined : frames.get(at);
      if (frame !== undefined) stage = stageOfFrame(frame, sourceOf);
    }
    found.set(id, stage ?? "other");
  }
  return found;
}

/** Undefined where the caller's stage counts. */
function stageOfFrame(frame: CallFrame, sourceOf: (frame: CallFrame) => string): Stage | undefined {
  if (frame.functionName === "(garbage collector)") return "collector";
  if (frame.url === "") return systemCalls.test(frame.functionName) ? "system calls" : undefined;
  const source = sourceOf(frame);
  return sources.find(([, pattern]) => pattern.test(source))?.[0] ?? "other";
}
