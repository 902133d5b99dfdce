import { join } from "node:path";
import type { Os, Running } from "../base/os/os.ts";
import { RamDisk } from "../base/os/ram-disk.ts";
import { TaskScope } from "../base/os/task-scope.ts";
import { type BufferRules, DiskBuffer } from "./buffer/disk-buffer.ts";
import type { ShippingConfig } from "./config/read-config.ts";
import type { LineFormat } from "./format.ts";
import type { LineSource } from "./line-source.ts";
import { shipmentCounts } from "./metrics.ts";
import { openReceiver } from "./receivers/open-receiver.ts";
import type { Source } from "./record.ts";
import type { Selection } from "./selection.ts";
import { Shipment } from "./shipment.ts";

export interface ShippingParts {
  readonly config: ShippingConfig;
  /** Whose logs these are, for the metrics. */
  readonly component: string;
  /** Where buffers are, one folder a receiver. */
  readonly folder: string;
  /** What comes from here. */
  readonly sources: readonly Source[];
  readonly formats: readonly LineFormat[];
  /** Where lines can be read again, those that wait are in memory, so many bytes for each receiver; absent: they are on disk. */
  readonly memoryBytesMax?: number;
  /** Lines for one receiver. */
  readonly open: (about: SourceAbout) => LineSource;
}

export interface SourceAbout {
  readonly receiver: string;
  readonly selections: readonly Selection[];
  /** Up to where a file was read, by its identity. */
  readonly endOf: (file: string) => number | undefined;
}

/** Ships what comes from here to every receiver that wants some of it. Rejects where a buffer's folder cannot be used. */
export async function startShipping(parts: ShippingParts, os: Os): Promise<Running> {
  const { config, component, folder, sources, open } = parts;
  const log = os.log.child("log-shipping");
  const tasks = new TaskScope(log);
  const formats = new Map(parts.formats.map((format) => [format.name, format]));
  for (const { name, selections, receiver: choice, sending, buffer: rules } of config.shipments) {
    const wanted = selections.filter(({ source }) => source === undefined || sources.includes(source));
    if (wanted.length === 0) continue;
    const counts = shipmentCounts(os.metrics, { component, receiver: name });
    const onLost = counts.dropped;
    const place = bufferPlace(parts, rules, os);
    const buffer = await DiskBuffer.open(place.rules, { ...place, folder: join(folder, name), log, onLost });
    const source = open({ receiver: name, selections: wanted, endOf: (file) => buffer.ends.get(file) });
    const receiver = await openReceiver(choice, os);
    const { clock, random } = os;
    const shipment = new Shipment({
      ...{ name, selections: wanted, rules: sending, source, formats, buffer, receiver },
      ...{ clock, random, log, counts },
    });
    tasks.run(`logs to ${name}`, (signal) => shipment.run(signal));
    log.info("logs are shipped", { receiver: name, waitingBytes: buffer.bytes });
  }
  return { done: tasks.untilStopped(), stop: () => tasks.stop() };
}

/** In memory nothing is dropped: reading stops, and what was not read is still there later. */
function bufferPlace({ memoryBytesMax }: ShippingParts, rules: BufferRules, { disk }: Os) {
  if (memoryBytesMax === undefined) return { disk, rules };
  const bytesMax = Math.min(memoryBytesMax, rules.bytesMax);
  const segmentBytes = Math.floor(bytesMax / 8);
  return { disk: new RamDisk(), rules: { bytesMax, segmentBytes, whenFull: "stop-reading" } as const };
}
