import type { Message } from "../base/protobuf.ts";
import { toText } from "../base/protobuf-text.ts";

/** Bytes of these fields are not shown in logs. */
const onlySizes: ReadonlySet<string> = new Set(["value", "password", "hashed_password"]);

/** A request as logs show it: of values and passwords no more than their sizes. */
export const requestText = (type: Message<object>, request: object): string =>
  toText(type, request, onlySizes);
