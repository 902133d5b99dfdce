import type { ElementChange, ElementFields, Field, RulesetChange } from "../nft-ruleset.ts";
import { AttributeWriter } from "./attributes.ts";
import { lengthOf, writeElement } from "./elements.ts";
import { writeExpression } from "./expressions.ts";

/** A change of a table as one batch of nfnetlink messages: the kernel takes it whole or not at all. Pure. */
export interface EncodedChange {
  readonly bytes: Uint8Array;
  /** What each message asks for, by its sequence number; the last is acknowledged. */
  readonly asked: readonly string[];
}

export interface TableName {
  readonly version: 4 | 6;
  readonly name: string;
}

/** Undefined where the change has something whose bytes are not known: a program must read its text. */
export function encodeChange(table: TableName, change: RulesetChange): EncodedChange | undefined {
  const newSets = [...change.newSets.map((one) => ({ ...one, isMap: false })), ...newMaps(change)];
  if (
    newSets.some(({ fields }) => fields === undefined) ||
    change.chains.some(({ chain }) => chain.hook !== undefined || chain.expressions === undefined) ||
    [...change.goneElements, ...change.freshElements].some(({ fields }) => fields === undefined)
  )
    return undefined;
  const batch = new Batch(table);
  for (const { name, fields, isMap } of newSets) if (fields !== undefined) batch.addSet(name, fields, isMap);
  for (const { name, isNew } of change.chains) if (isNew) batch.addChain(name);
  for (const one of change.goneElements) batch.elements(message.deleteElements, 0, one);
  for (const { name, isNew } of change.chains) if (!isNew) batch.flushChain(name);
  for (const name of change.goneChains) batch.flushChain(name);
  for (const { name, chain } of change.chains)
    for (const rule of chain.expressions ?? [])
      batch.add(`add a rule to ${name}`, message.newRule, flags.create | flags.append, (writer) => {
        writer.text(2, name);
        const list = writer.open(4);
        for (const expression of rule) writeExpression(writer, expression);
        writer.close(list);
      });
  for (const one of change.freshElements) batch.elements(message.newElements, flags.create, one);
  for (const name of change.goneChains)
    batch.add(`delete chain ${name}`, message.deleteChain, 0, (writer) => writer.text(3, name));
  for (const name of [...change.goneSets, ...change.goneMaps])
    batch.add(`delete set ${name}`, message.deleteSet, 0, (writer) => writer.text(2, name));
  return batch.end();
}

const newMaps = ({ newMaps: maps }: RulesetChange) => maps.map((one) => ({ ...one, isMap: true }));

/** Asks whether there is such a table: the answer is one, or an error. */
export function encodeTableRequest({ version, name }: TableName): Uint8Array {
  const writer = new AttributeWriter();
  const at = writer.begin(nftables | message.getTable, {
    flags: flags.request,
    sequence: 1,
    family: families[version],
  });
  writer.text(1, name);
  writer.end(at);
  return writer.bytes();
}

const nftables = 10 << 8;
const message = {
  getTable: 1,
  newChain: 3,
  deleteChain: 5,
  newRule: 6,
  deleteRule: 8,
  newSet: 9,
  deleteSet: 11,
  newElements: 12,
  deleteElements: 14,
} as const;
const batchBegin = 0x10;
const batchEnd = 0x11;
const flags = { request: 1, acknowledge: 4, create: 0x400, append: 0x800 } as const;
const families = { 4: 2, 6: 10 } as const;
/** A list of elements has a length of 16 bits. */
const elementsMax = 500;

/** As nft numbers types of keys and values, six bits each in a concatenation. */
const typeIds = { address4: 7, address6: 8, protocol: 12, port: 13, number: 4 } as const satisfies Record<
  Field,
  number
>;
const typeId = (fields: readonly Field[]) => fields.reduce((id, field) => (id << 6) | typeIds[field], 0);
const verdictType = 0xffff_ff00;
const mapFlag = 8;

class Batch {
  readonly #writer = new AttributeWriter();
  readonly #family: number;
  readonly #table: string;
  readonly #asked: string[] = ["begin"];
  #last = 0;
  #sets = 0;

  constructor({ version, name }: TableName) {
    this.#family = families[version];
    this.#table = name;
    this.#frame(batchBegin, 0);
  }

  add(what: string, type: number, more: number, write: (writer: AttributeWriter) => void): void {
    this.#last = this.#writer.begin(nftables | type, {
      flags: flags.request | more,
      sequence: this.#asked.length,
      family: this.#family,
    });
    this.#asked.push(what);
    this.#writer.text(1, this.#table);
    write(this.#writer);
    this.#writer.end(this.#last);
  }

  addChain(name: string): void {
    this.add(`add chain ${name}`, message.newChain, flags.create, (writer) => writer.text(3, name));
  }

  flushChain(name: string): void {
    this.add(`flush chain ${name}`, message.deleteRule, 0, (writer) => writer.text(2, name));
  }

  addSet(name: string, { key, value }: ElementFields, isMap: boolean): void {
    this.add(`add set ${name}`, message.newSet, flags.create, (writer) => {
      writer.text(2, name);
      writer.number(3, isMap ? mapFlag : 0);
      writer.number(4, typeId(key));
      writer.number(5, lengthOf(key));
      if (value === "verdict") writer.number(6, verdictType);
      else if (value !== undefined) {
        writer.number(6, typeId(value));
        writer.number(7, lengthOf(value));
      }
      writer.number(10, ++this.#sets);
    });
  }

  elements(type: number, more: number, { name, fields, elements }: ElementChange): void {
    if (fields === undefined) return;
    const what = `${type === message.newElements ? "add elements to" : "delete elements of"} ${name}`;
    for (let from = 0; from < elements.length; from += elementsMax)
      this.add(what, type, more, (writer) => {
        writer.text(2, name);
        const list = writer.open(3);
        for (const { text } of elements.slice(from, from + elementsMax)) writeElement(writer, fields, text);
        writer.close(list);
      });
  }

  end(): EncodedChange {
    this.#writer.addFlags(this.#last, flags.acknowledge);
    this.#frame(batchEnd, this.#asked.length);
    return { bytes: this.#writer.bytes(), asked: this.#asked };
  }

  #frame(type: number, sequence: number): void {
    const head = { flags: flags.request, sequence, family: 0, resource: nftables >> 8 };
    this.#writer.end(this.#writer.begin(type, head));
  }
}
