import type { AttributeWriter } from "./attributes.ts";

/** What a rule is made of in the kernel (`linux/netfilter/nf_tables.h`), as far as rules of ours are. Registers are the kernel's:
 *  1 is the first of 16 bytes, 8 and those after it have 4 each, 8 being the first of 1. */
export type Expression =
  | { readonly kind: "load"; readonly what: "protocol" | "mark"; readonly to: number }
  | { readonly kind: "setMark"; readonly from: number }
  | { readonly kind: "isEqual"; readonly from: number; readonly bytes: Uint8Array }
  | {
      readonly kind: "payload";
      readonly base: "network" | "transport";
      readonly offset: number;
      readonly length: number;
      readonly to: number;
    }
  /** `from & mask ^ xor`, in place. */
  | { readonly kind: "bits"; readonly at: number; readonly mask: Uint8Array; readonly xor: Uint8Array }
  | { readonly kind: "random"; readonly below: number; readonly to: number }
  | { readonly kind: "lookup"; readonly set: string; readonly at: number; readonly to: number }
  | {
      readonly kind: "translate";
      readonly version: 4 | 6;
      readonly address: number;
      readonly port: number;
    }
  | { readonly kind: "goto"; readonly chain: string }
  /** The kind of the sender's address, as routes have it. */
  | { readonly kind: "senderType"; readonly to: number };

export const verdictCodes = { drop: 0, goto: -4 } as const;

const dataValue = 1;
const dataVerdict = 2;

/** As the value of `attribute`. */
export function writeVerdict(
  writer: AttributeWriter,
  attribute: number,
  code: keyof typeof verdictCodes,
  chain?: string,
): void {
  const data = writer.open(attribute);
  const verdict = writer.open(dataVerdict);
  writer.number(1, verdictCodes[code]);
  if (chain !== undefined) writer.text(2, chain);
  writer.close(verdict);
  writer.close(data);
}

export function writeValue(writer: AttributeWriter, attribute: number, bytes: Uint8Array): void {
  const data = writer.open(attribute);
  writer.data(dataValue, bytes);
  writer.close(data);
}

/** As an element of a list of expressions. */
export function writeExpression(writer: AttributeWriter, expression: Expression): void {
  const element = writer.open(1);
  writer.text(1, names[expression.kind]);
  const data = writer.open(2);
  writeParts(writer, expression);
  writer.close(data);
  writer.close(element);
}

const names = {
  load: "meta",
  setMark: "meta",
  isEqual: "cmp",
  payload: "payload",
  bits: "bitwise",
  random: "numgen",
  lookup: "lookup",
  translate: "nat",
  goto: "immediate",
  senderType: "fib",
} as const;

const metaKeys = { mark: 3, protocol: 16 } as const;
const bases = { network: 1, transport: 2 } as const;
const families = { 4: 2, 6: 10 } as const;
const addressTypeResult = 3;
const senderFlag = 1;

function writeParts(writer: AttributeWriter, one: Expression): void {
  switch (one.kind) {
    case "load":
      writer.number(1, one.to);
      writer.number(2, metaKeys[one.what]);
      break;
    case "setMark":
      writer.number(2, metaKeys.mark);
      writer.number(3, one.from);
      break;
    case "isEqual":
      writer.number(1, one.from);
      writer.number(2, 0);
      writeValue(writer, 3, one.bytes);
      break;
    case "payload":
      writer.number(1, one.to);
      writer.number(2, bases[one.base]);
      writer.number(3, one.offset);
      writer.number(4, one.length);
      break;
    case "bits":
      writer.number(1, one.at);
      writer.number(2, one.at);
      writer.number(3, one.mask.length);
      writeValue(writer, 4, one.mask);
      writeValue(writer, 5, one.xor);
      break;
    case "random":
      writer.number(1, one.to);
      writer.number(2, one.below);
      writer.number(3, 1);
      writer.number(4, 0);
      break;
    case "lookup":
      writer.text(1, one.set);
      writer.number(2, one.at);
      writer.number(3, one.to);
      break;
    case "translate":
      writer.number(1, 1);
      writer.number(2, families[one.version]);
      writer.number(3, one.address);
      writer.number(5, one.port);
      break;
    case "goto":
      writer.number(1, 0);
      writeVerdict(writer, 2, "goto", one.chain);
      break;
    case "senderType":
      writer.number(1, one.to);
      writer.number(2, addressTypeResult);
      writer.number(3, senderFlag);
      break;
  }
}
