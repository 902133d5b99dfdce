import { parseAddress } from "../../../base/ip-range.ts";
import { parseIpv4 } from "../../../base/ipv4.ts";
import type { ElementFields, Field } from "../nft-ruleset.ts";
import { type AttributeWriter, addressBytes, littleEndian } from "./attributes.ts";
import { writeValue, writeVerdict } from "./expressions.ts";

/** Elements of sets and maps, from nft's words for them to the kernel's bytes. Each field takes whole registers of four bytes. */

const fieldBytes = { address4: 4, address6: 16, protocol: 4, port: 4, number: 4 } as const satisfies Record<
  Field,
  number
>;
const protocolNumbers: Readonly<Record<string, number>> = { tcp: 6, udp: 17, sctp: 132 };

export function lengthOf(fields: readonly Field[]): number {
  return fields.reduce((sum, field) => sum + fieldBytes[field], 0);
}

/** `10.96.0.1 . tcp . 80`, or with a value behind a colon. Throws where it is none of these fields. */
export function writeElement(writer: AttributeWriter, { key, value }: ElementFields, text: string): void {
  const element = writer.open(1);
  const colon = value === undefined ? -1 : text.indexOf(" : ");
  writeValue(writer, 1, fieldsBytes(key, colon < 0 ? text : text.slice(0, colon)));
  // What deletes an element has its key alone.
  if (value !== undefined && colon >= 0) {
    const rest = text.slice(colon + 3);
    if (value !== "verdict") writeValue(writer, 2, fieldsBytes(value, rest));
    else if (rest === "drop") writeVerdict(writer, 2, "drop");
    else if (/^goto [a-z][a-z0-9-]*$/.test(rest)) writeVerdict(writer, 2, "goto", rest.slice(5));
    else throw new Error(`${rest} is no verdict of an element`);
  }
  writer.close(element);
}

/** Good until the next is written. */
const scratch = new Uint8Array(64);
const scratchView = new DataView(scratch.buffer);

function fieldsBytes(fields: readonly Field[], text: string): Uint8Array {
  const words = text.split(" . ");
  if (words.length !== fields.length) throw new Error(`${text} has not ${fields.length} fields`);
  let at = 0;
  scratch.fill(0);
  for (let n = 0; n < fields.length; n++) {
    const field = fields[n] ?? "number";
    writeField(scratchView, at, field, words[n] ?? "");
    at += fieldBytes[field];
  }
  return scratch.subarray(0, at);
}

function writeField(view: DataView, at: number, field: Field, word: string): void {
  switch (field) {
    case "address4":
      view.setUint32(at, parseIpv4(word) ?? refuse(field, word));
      break;
    case "address6": {
      const address = parseAddress(word);
      if (address?.family !== 6) refuse(field, word);
      else scratch.set(addressBytes(address.value, 16), at);
      break;
    }
    case "protocol":
      view.setUint8(at, protocolNumbers[word] ?? refuse(field, word));
      break;
    case "port":
      view.setUint16(at, wholeNumber(field, word, 0xffff));
      break;
    case "number":
      view.setUint32(at, wholeNumber(field, word, 0xffff_ffff), littleEndian);
      break;
  }
}

function wholeNumber(field: Field, word: string, max: number): number {
  const number = Number(word);
  return /^\d{1,10}$/.test(word) && number <= max ? number : refuse(field, word);
}

function refuse(field: Field, word: string): never {
  throw new Error(`${JSON.stringify(word)} is no ${field}`);
}
