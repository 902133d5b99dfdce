import type { KubeObject } from "../../../client/types.ts";
import type { ApiError } from "../api-error.ts";
import type { Encodings } from "../cache/encodings.ts";
import type { Notice } from "../cache/watch-cursor.ts";
import { type JsonObject, jsonText, toKubeObject } from "../json.ts";
import type { ServedKind } from "../registry/kind-table.ts";
import { ownBytes } from "../registry/packed-bytes.ts";
import type { FieldRequirement } from "../registry/selectors.ts";
import { meetsShown } from "../registry/shown-selection.ts";
import { knowing } from "../registry/slow-conversion.ts";
import type { StoredObject } from "../registry/stored-object.ts";
import { encodeKubernetesProtobuf } from "../schema/protobuf-envelope.ts";
import { writtenForm } from "../schema/written-form.ts";
import type { Call } from "./call.ts";
import { mediaTypes } from "./negotiate.ts";
import { eventProtobuf, objectProtobuf } from "./protobuf-answer.ts";
import {
  type IncludeObject,
  includeObjectOf,
  kindView,
  metadataAlone,
  partialMetadata,
  servedObject,
  table,
} from "./shapes.ts";
import type { Framing } from "./watch-framing.ts";

const frameHeads = {
  ADDED: Buffer.from('{"type":"ADDED","object":'),
  MODIFIED: Buffer.from('{"type":"MODIFIED","object":'),
  DELETED: Buffer.from('{"type":"DELETED","object":'),
};
const frameEnd = Buffer.from("}\n");

export interface WatchEncoderOptions {
  readonly encodings: Encodings;
  readonly wallMs: () => number;
  /** What objects must say in the version asked for, where others convert them. */
  readonly shown: readonly FieldRequirement[];
}

/** The frames of one watch, in the form the client asked for: a line of JSON per change, or a message of protobuf and its
 *  length before it. */
export class WatchEncoder {
  readonly contentType: string;
  readonly #call: Pick<Call, "served" | "output">;
  /** Frames take their time, since others are asked to convert: see `frames`. */
  readonly isSlow: boolean;
  readonly #include: IncludeObject;
  readonly #encodings: Encodings;
  readonly #wallMs: () => number;
  /** Watchers of the same form are told the same bytes. */
  readonly #form: string;
  readonly #isProtobuf: boolean;
  readonly #shown: readonly FieldRequirement[];
  #columnsTold = false;

  constructor(
    call: Pick<Call, "served" | "output" | "query">,
    { encodings, wallMs, shown }: WatchEncoderOptions,
  ) {
    this.#call = call;
    this.#shown = shown;
    this.isSlow = call.served.slow !== undefined && (call.output.as !== "metadata" || shown.length > 0);
    this.#include = includeObjectOf(call.query);
    this.#encodings = encodings;
    this.#wallMs = wallMs;
    const { format, as, version } = call.output;
    this.#isProtobuf = format === "protobuf";
    this.contentType = this.#isProtobuf ? `${mediaTypes.protobuf};stream=watch` : mediaTypes.json;
    this.#form = `${format} ${as} ${version} ${call.served.apiVersion}`;
  }

  /** One frame serves all watchers of an event, but for tables, which tell ages. */
  frame(notice: Notice, framing: Framing): Buffer {
    const { type, object, revision, isEvent } = notice;
    const make = () => framing.wrap(this.#made(notice));
    if (!isEvent || this.#call.output.as === "table") return make();
    return this.#encodings.of(object, `${type} ${revision} ${this.#form} ${framing.name}`, make);
  }

  #made({ type, object, revision }: Notice): Buffer {
    const { served, output } = this.#call;
    // The last state of what is gone carries the revision at which it went.
    const moved = revision !== object.revision;
    if (this.#isProtobuf && !moved)
      return eventProtobuf(type, objectProtobuf(object, { served, output, encodings: this.#encodings }));
    if (!this.#isProtobuf && output.as === "object" && served.convert === undefined && !moved)
      return Buffer.concat([frameHeads[type], object.jsonHead, object.bareJson().subarray(1), frameEnd]);
    const shown = moved ? withRevision(object.object, revision) : object.object;
    return this.#frameOf(type, this.#shape(shown, served));
  }

  #frameOf(type: string, object: object): Buffer {
    if (this.#isProtobuf) return eventProtobuf(type, encodeKubernetesProtobuf({ ...object }));
    return ownBytes(`${jsonText({ type, object })}\n`);
  }

  /** What ends a watch before its time. */
  error(error: ApiError): Buffer {
    return this.#frameOf("ERROR", error.status());
  }

  /** The frames of several changes, converted at once; of those that enter or leave what is wanted by what they then say too. */
  async frames(notices: readonly Notice[]): Promise<readonly Buffer[]> {
    const selects = this.#shown.length > 0;
    const changes = notices.map(({ type, object, previous, revision }) => ({
      type,
      object: atRevision(object, revision),
      ...(selects && previous && { previous: atRevision(previous, revision) }),
    }));
    const served = await knowing(
      this.#call.served,
      changes.flatMap(({ object, previous }) => (previous === undefined ? [object] : [object, previous])),
    );
    return changes.flatMap((change) => {
      const told = selects ? this.#selected(change, served) : change;
      if (told === undefined) return [];
      const { type, object } = told;
      return [Buffer.from(`${jsonText({ type, object: this.#shape(object, served) })}\n`)];
    });
  }

  /** The change as it is seen by somebody who wants only what meets the requirements. */
  #selected({ type, object, previous }: Change, served: ServedKind): Change | undefined {
    const now = meetsShown(served, this.#shown, object);
    if (type !== "MODIFIED" || previous === undefined) return now ? { type, object } : undefined;
    const before = meetsShown(served, this.#shown, previous);
    if (now) return { type: before ? "MODIFIED" : "ADDED", object };
    return before ? { type: "DELETED", object: previous } : undefined;
  }

  /** Tells the client how far it is: there were no more changes for it up to `revision`. */
  bookmark(revision: number, initialEnd: boolean): Buffer {
    const annotations = initialEnd ? { "k8s.io/initial-events-end": "true" } : undefined;
    const metadata = { resourceVersion: String(revision), ...(annotations && { annotations }) };
    return this.#frameOf("BOOKMARK", this.#bookmarkShape(metadata));
  }

  /** A bookmark in a watch of tables or metadata takes that form too. */
  #bookmarkShape(metadata: JsonObject): JsonObject {
    const { output, served } = this.#call;
    const partial = partialMetadata(metadata, output.version);
    if (output.as !== "table" && output.as !== "object") return partial;
    const empty = writtenForm({ kind: served.kind.kind, apiVersion: served.apiVersion, metadata });
    if (output.as === "object") return empty;
    const { resourceVersion } = metadata;
    const options = this.#tableOptions();
    // What it is not named its columns show, too.
    const named = toKubeObject({ ...empty, metadata: { name: "", ...metadata } });
    const rows = [
      {
        cells: options.view.cells(named, options.nowMs),
        object: this.#include === "None" ? null : this.#include === "Object" ? empty : partial,
      },
    ];
    return { ...table(options, [], { resourceVersion }), rows };
  }

  #shape(object: KubeObject, served: ServedKind): JsonObject {
    const { output } = this.#call;
    if (output.as === "table")
      return table(this.#tableOptions(served), [object], {
        resourceVersion: object.metadata.resourceVersion,
      });
    return output.as === "object"
      ? servedObject(served, object)
      : metadataAlone(served.kind, object, output.version);
  }

  /** Only the first table of a watch tells the columns. */
  #tableOptions(served = this.#call.served) {
    const { version } = this.#call.output;
    const columnsKnown = this.#columnsTold;
    this.#columnsTold = true;
    return {
      view: kindView(served),
      version,
      include: this.#include,
      nowMs: this.#wallMs(),
      columnsKnown,
    };
  }
}

interface Change {
  readonly type: Notice["type"];
  readonly object: KubeObject;
  readonly previous?: KubeObject;
}

function atRevision({ object, revision }: StoredObject, wanted: number): KubeObject {
  return revision === wanted ? object : withRevision(object, wanted);
}

function withRevision(object: KubeObject, revision: number): KubeObject {
  return { ...object, metadata: { ...object.metadata, resourceVersion: String(revision) } };
}
