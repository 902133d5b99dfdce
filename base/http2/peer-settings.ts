import { ConnectionError, errorCodes, frameBytesMost, settingIds, windowMost } from "./frames.ts";

/** Bytes that the peer takes of a stream to begin with: what it said last, and the most that it said on the way there. */
export interface InitialWindows {
  readonly last: number;
  readonly most: number;
}

export interface PeerSettings {
  readonly initialWindows: InitialWindows | undefined;
  /** Streams at once. */
  readonly streamsMost: number | undefined;
  /** What the peer keeps of our header fields. */
  readonly tableBytes: number | undefined;
  /** The peer would take pushes, or, if it is a server, make them. */
  readonly isPushOn: boolean | undefined;
}

/** What of a peer's SETTINGS concerns us; throws ConnectionError on values that are not allowed. Larger frames than the
 *  smallest that everybody takes are never sent. */
export function readSettings(payload: Buffer): PeerSettings {
  if (payload.length % 6 !== 0)
    throw new ConnectionError(errorCodes.FRAME_SIZE_ERROR, "SETTINGS of a wrong size");
  let initialWindows: InitialWindows | undefined;
  let streamsMost: number | undefined;
  let tableBytes: number | undefined;
  let isPushOn: boolean | undefined;
  for (let at = 0; at < payload.length; at += 6) {
    const value = payload.readUInt32BE(at + 2);
    switch (payload.readUInt16BE(at)) {
      case settingIds.HEADER_TABLE_SIZE:
        tableBytes = Math.min(value, tableBytes ?? value);
        break;
      case settingIds.ENABLE_PUSH:
        if (value > 1) throw new ConnectionError(errorCodes.PROTOCOL_ERROR, "ENABLE_PUSH is 0 or 1");
        isPushOn = value === 1;
        break;
      case settingIds.INITIAL_WINDOW_SIZE:
        if (value > windowMost)
          throw new ConnectionError(errorCodes.FLOW_CONTROL_ERROR, "a window that is too large");
        initialWindows = { last: value, most: Math.max(value, initialWindows?.most ?? 0) };
        break;
      case settingIds.MAX_CONCURRENT_STREAMS:
        streamsMost = value;
        break;
      case settingIds.MAX_FRAME_SIZE:
        if (value < frameBytesMost || value >= 1 << 24)
          throw new ConnectionError(errorCodes.PROTOCOL_ERROR, "MAX_FRAME_SIZE out of range");
        break;
      default:
        break;
    }
  }
  return { initialWindows, streamsMost, tableBytes, isPushOn };
}
