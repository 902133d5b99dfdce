import { useMemo, useRef } from "preact/hooks";
import { toneSigns } from "../../../../client/rules/tone.ts";
import { type Kind, kindKey, kindNamed, kindOf, kindPath } from "../api/discovery.ts";
import type { KubeObject } from "../api/object-feed.ts";
import { draftOf } from "../editor/drafts.ts";
import { objectKey } from "../editor/keys.ts";
import { logQuery } from "../model/log-sources.ts";
import { titleOf } from "../model/menu.ts";
import { containersOf } from "../model/pods.ts";
import { type Related, relatedTo } from "../model/related.ts";

import { usesSomething } from "../model/usage.ts";

import { param, setParams, to } from "../route.ts";
import { Actions } from "../ui/actions.tsx";
import { EditButton } from "../ui/edit-button.tsx";
import { FilesView } from "../ui/files-view.tsx";
import { Late } from "../ui/late.tsx";
import { LogView } from "../ui/log-view.tsx";
import { ObjectCharts } from "../ui/object-charts.tsx";
import { PlainTable } from "../ui/plain-table.tsx";
import { Ports } from "../ui/ports.tsx";
import { Age, FeedTable, Value } from "../ui/table.tsx";
import { TerminalView } from "../ui/terminal-view.tsx";
import { Tree } from "../ui/tree.tsx";
import { useObjects, useTable } from "../ui/use-feed.ts";
import { Why } from "../ui/why.tsx";
import { YamlView } from "../ui/yaml-view.tsx";

interface ObjectProps {
  readonly kind: Kind;
  /** `""` for kinds that are in none. */
  readonly namespace: string;
  readonly name: string;
}

/** They take the height there is. */
const fullTabs = new Set(["logs", "terminal"]);
const rolling = ["revisions"];
/** Beside those that every kind has. */
const tabsOf: Readonly<Record<string, readonly string[]>> = {
  "core/pods": ["terminal", "files"],
  "core/nodes": ["drain"],
  "apps/deployments": rolling,
  "apps/statefulsets": rolling,
  "apps/daemonsets": rolling,
};
const loadRevisions = () => import("../ui/revisions-view.tsx").then(({ RevisionsView }) => RevisionsView);
/** On a narrow screen there is not room for all tabs. */
const intoSight = (tab: HTMLElement | null) => tab?.scrollIntoView({ block: "nearest", inline: "nearest" });

const loadDrain = () => import("../drain/drain-view.tsx").then(({ DrainView }) => DrainView);
const loadEditor = () => import("../editor/edit-object.tsx").then(({ EditObject }) => EditObject);

/** One object, live. */
export function ObjectPage({ kind, namespace, name }: ObjectProps) {
  const feed = useObjects(kindPath(kind, namespace), { fieldSelector: `metadata.name=${name}` });
  void feed.version.value;
  const found = feed.items.get(`${namespace}/${name}`);
  // Items of a list come without what they are.
  const apiVersion = kind.group === "" ? kind.version : `${kind.group}/${kind.version}`;
  const object = useMemo(() => found && { apiVersion, kind: kind.kind, ...found }, [found, apiVersion, kind]);
  const state = feed.state.value;
  const key = kindKey(kind);
  const usage = usesSomething(key) ? ["charts"] : [];
  const logs = object && logQuery(key, object);
  const tabs = ["overview", ...usage, "yaml", ...(logs ? ["logs"] : []), ...(tabsOf[key] ?? [])];
  const tab = tabs.find((one) => one === param("tab")) ?? "overview";
  const wasThere = useRef(false);
  wasThere.current ||= object !== undefined;
  const draftKey = objectKey(kind, namespace, name);
  // An editor stays when its object goes.
  const isEditing =
    tab === "yaml" && param("edit") === "1" && (wasThere.current || draftOf(draftKey) !== undefined);
  const isFull = fullTabs.has(tab) || isEditing;
  return (
    <section class={isFull ? "page page-list" : "page"}>
      <nav class="crumbs" aria-label="Where this is">
        <a href={to(["k", ...key.split("/")])}>{titleOf(kind)}</a>
        {namespace && <span class="quiet"> / {namespace}</span>}
      </nav>
      <div class="page-head">
        <h1>{name}</h1>
        {object && <Actions kind={kind} object={object} />}
      </div>
      {state.is === "refused" && (
        <p class="banner banner-bad" role="alert">
          {state.why}
        </p>
      )}
      {state.is === "live" && object === undefined && !isEditing && (
        <p class="banner banner-warn" role="status">
          There is no such object (any more).
        </p>
      )}
      {isEditing && (
        <Late
          key={draftKey}
          load={loadEditor}
          props={{
            kind,
            namespace,
            name,
            draftKey,
            live: object,
            isGone: state.is === "live" && object === undefined,
          }}
        />
      )}
      {object && !isEditing && (
        <>
          <div class="tabs" role="tablist">
            {tabs.map((one) => (
              <button
                key={one}
                type="button"
                role="tab"
                id={`tab-${one}`}
                aria-selected={one === tab}
                aria-controls="tab-panel"
                ref={one === tab ? intoSight : null}
                onClick={() => setParams({ tab: one === "overview" ? "" : one })}
              >
                {one === "yaml" ? "YAML" : `${one[0]?.toUpperCase()}${one.slice(1)}`}
              </button>
            ))}
          </div>
          <div
            id="tab-panel"
            role="tabpanel"
            aria-labelledby={`tab-${tab}`}
            class={isFull ? "panel panel-full" : "panel"}
          >
            {tab === "overview" && <Overview kind={kind} object={object} />}
            {tab === "charts" && <ObjectCharts kind={key} object={object} />}
            {tab === "yaml" && (
              <YamlView object={object} edit={<EditButton kind={kind} where={namespace} name={name} />} />
            )}
            {tab === "logs" && logs && <LogView namespace={namespace} query={logs} />}
            {tab === "revisions" && <Late load={loadRevisions} props={{ kind, object }} />}
            {tab === "drain" && <Late load={loadDrain} props={{ node: object }} />}
            {tab === "terminal" && <TerminalView pod={object} />}
            {tab === "files" && <FilesView pod={object} />}
          </div>
        </>
      )}
    </section>
  );
}

function Overview({ kind, object }: { readonly kind: Kind; readonly object: KubeObject }) {
  const { metadata } = object;
  const key = kindKey(kind);
  return (
    <>
      <Why key={metadata.uid} kind={kind} object={object} />
      <dl class="facts">
        <dt>Created</dt>
        <dd>
          <Age of={metadata.creationTimestamp} /> ago
        </dd>
        {metadata.deletionTimestamp && (
          <>
            <dt>Being deleted</dt>
            <dd>
              since <Age of={metadata.deletionTimestamp} />
              {metadata.finalizers?.length ? `, held by ${metadata.finalizers.join(", ")}` : ""}
            </dd>
          </>
        )}
        <Owners object={object} />
        <Pairs title="Labels" pairs={metadata.labels} />
        <Pairs title="Annotations" pairs={withoutBulk(metadata.annotations)} />
      </dl>
      {key === "core/pods" && <Containers pod={object} />}
      <Ports kindKey={key} object={object} />
      <Conditions object={object} />
      <Tree key={`tree ${metadata.uid}`} kind={kind} object={object} />
      {relatedTo(key, object).map((related) => (
        <RelatedTable key={related.title} related={related} object={object} />
      ))}
      <Events kind={kind} object={object} />
    </>
  );
}

function Owners({ object: { metadata } }: { readonly object: KubeObject }) {
  if (!metadata.ownerReferences?.length) return null;
  return (
    <>
      <dt>Owned by</dt>
      <dd>
        {metadata.ownerReferences.map(({ apiVersion, kind: kindName, name, uid }) => {
          const kind = kindNamed(apiVersion, kindName);
          const text = `${kindName} ${name}`;
          if (kind === undefined) return <span key={uid}>{text} </span>;
          const where = kind.namespaced ? (metadata.namespace ?? "_") : "_";
          return (
            <a key={uid} href={to(["k", ...kindKey(kind).split("/"), where, name])}>
              {text}{" "}
            </a>
          );
        })}
      </dd>
    </>
  );
}

function Pairs({
  title,
  pairs = {},
}: {
  readonly title: string;
  readonly pairs: Readonly<Record<string, string>> | undefined;
}) {
  const entries = Object.entries(pairs);
  if (entries.length === 0) return null;
  return (
    <>
      <dt>{title}</dt>
      <dd class="chips">
        {entries.map(([name, value]) => (
          <span key={name} class="chip mono">
            {name}={value.length > 120 ? `${value.slice(0, 120)}…` : value}
          </span>
        ))}
      </dd>
    </>
  );
}

/** The whole object as it was applied says nothing that the YAML does not. */
function withoutBulk(annotations: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> {
  const { "kubectl.kubernetes.io/last-applied-configuration": _, ...rest } = annotations;
  return rest;
}

function Containers({ pod }: { readonly pod: KubeObject }) {
  return (
    <section>
      <h2>Containers</h2>
      <PlainTable heads={["Name", "State", "Restarts", "Image", "Note"]}>
        {containersOf(pod).map(({ name, part, state, tone, restarts, image, note }) => (
          <tr key={name}>
            <td>
              {name}
              {part !== "main" && <span class="quiet"> ({part})</span>}
            </td>
            <td class={`tone-${tone}`}>
              <span aria-hidden="true">{toneSigns[tone]} </span>
              {state}
            </td>
            <td>{restarts}</td>
            <td class="mono">{image}</td>
            <td class="quiet">{note}</td>
          </tr>
        ))}
      </PlainTable>
    </section>
  );
}

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
  readonly message?: string;
  readonly lastTransitionTime?: string;
}

function Conditions({ object: { status } }: { readonly object: KubeObject }) {
  const conditions = Array.isArray(status?.conditions) ? (status.conditions as readonly Condition[]) : [];
  if (conditions.length === 0) return null;
  return (
    <section>
      <h2>Conditions</h2>
      <PlainTable heads={["Type", "Status", "Since", "Reason", "Message"]}>
        {conditions.map(({ type, status: is, reason, message, lastTransitionTime }) => (
          <tr key={type}>
            <td>{type}</td>
            <td>{is}</td>
            <td>
              <Age of={lastTransitionTime} />
            </td>
            <td>{reason}</td>
            <td class="quiet">{message}</td>
          </tr>
        ))}
      </PlainTable>
    </section>
  );
}

function RelatedTable({ related, object }: { readonly related: Related; readonly object: KubeObject }) {
  const kind = kindOf(related.kind);
  if (kind === undefined) return null;
  return <RelatedRows related={related} object={object} kind={kind} />;
}

function RelatedRows({
  related,
  object,
  kind,
}: {
  readonly related: Related;
  readonly object: KubeObject;
  readonly kind: Kind;
}) {
  const { uid, namespace } = object.metadata;
  const feed = useTable(kindPath(kind, namespace), related.query);
  void feed.version.value;
  const isOurs = related.isOwned
    ? (row: { readonly object: { readonly metadata: KubeObject["metadata"] } }) =>
        row.object.metadata.ownerReferences?.some((owner) => owner.uid === uid) ?? false
    : undefined;
  return (
    <section>
      <h2>{related.title}</h2>
      <FeedTable
        feed={feed}
        label={related.title}
        showsNamespace={namespace === undefined && kind.namespaced}
        isPart
        {...(isOurs && { isShown: isOurs })}
        hrefOf={({ object: { metadata } }) =>
          to(["k", ...kindKey(kind).split("/"), metadata.namespace ?? "_", metadata.name])
        }
      />
    </section>
  );
}

interface EventOf extends KubeObject {
  readonly type?: string;
  readonly reason?: string;
  readonly message?: string;
  readonly count?: number;
  readonly lastTimestamp?: string;
  readonly eventTime?: string;
}

function Events({ kind: of, object: { metadata } }: { readonly kind: Kind; readonly object: KubeObject }) {
  const kind = kindOf("core/events");
  const path = kind === undefined ? "/api/v1/events" : kindPath(kind, metadata.namespace ?? "default");
  const feed = useObjects(path, {
    fieldSelector: `involvedObject.kind=${of.kind},involvedObject.name=${metadata.name}`,
  });
  void feed.version.value;
  const whenOf = (event: EventOf) =>
    event.lastTimestamp ?? event.eventTime ?? event.metadata.creationTimestamp ?? "";
  const events = ([...feed.items.values()] as EventOf[]).sort((a, b) => whenOf(b).localeCompare(whenOf(a)));
  return (
    <section>
      <h2>Events</h2>
      {events.length === 0 ? (
        <p class="empty">
          {feed.state.value.is === "refused" ? feed.state.value.why : "None of the last hour."}
        </p>
      ) : (
        <PlainTable>
          {events.slice(0, 100).map((event) => (
            <tr key={event.metadata.name}>
              <td>
                <Age of={whenOf(event)} />
              </td>
              <td>
                <Value column="Type" text={event.type ?? ""} />
              </td>
              <td>
                {event.reason}
                {(event.count ?? 1) > 1 && <span class="quiet"> ×{event.count}</span>}
              </td>
              <td class="quiet">{event.message}</td>
            </tr>
          ))}
        </PlainTable>
      )}
    </section>
  );
}
