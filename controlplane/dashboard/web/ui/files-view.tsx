import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { copyOut, type FilePlace, type FolderEntry, listFolder } from "../api/files.ts";
import type { KubeObject } from "../api/object-feed.ts";
import { allows, rightsIn } from "../api/rights.ts";
import { cleanPath, foldersTo, inFolder, sizeText } from "../model/files.ts";
import { terminalContainers } from "../model/terminal-containers.ts";
import { param, setParams } from "../route.ts";
import { CopiesIn, type CopyIn } from "./copies-in.tsx";
import { PlainTable } from "./plain-table.tsx";

const shownMost = 500;

type Listing =
  | { readonly is: "loading" }
  | { readonly is: "here"; readonly entries: readonly FolderEntry[]; readonly left: number }
  | { readonly is: "refused"; readonly why: string };

const text = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** The files of a container: a folder to look at, copies out of it and into it. */
export function FilesView({ pod }: { readonly pod: KubeObject }) {
  const { namespace = "", name } = pod.metadata;
  const containers = terminalContainers(pod).filter(({ isRunning }) => isRunning);
  const container = containers.find((one) => one.name === param("c")) ?? containers[0];
  const path = cleanPath(param("dir"));
  const listing = useSignal<Listing>({ is: "loading" });
  const round = useSignal(0);
  const words = useSignal("");
  const why = useSignal("");
  const copies = useSignal<readonly CopyIn[]>([]);
  const picker = useRef<HTMLInputElement>(null);
  const may = allows(rightsIn(namespace), { verb: "create", group: "", resource: "pods/exec", name });
  const place: FilePlace | undefined = container && { namespace, pod: name, container: container.name, path };
  const key = may && place ? `${place.container} ${path} ${round.value}` : "";
  useEffect(() => {
    if (place === undefined || key === "") return;
    let isGone = false;
    listing.value = { is: "loading" };
    const show = (now: Listing) => {
      if (!isGone) listing.value = now;
    };
    listFolder(place).then(
      (now) => show({ is: "here", ...now }),
      (error: unknown) => show({ is: "refused", why: text(error) }),
    );
    return () => {
      isGone = true;
    };
  }, [namespace, name, key]);
  if (!may)
    return (
      <p class="banner banner-warn" role="status">
        You may not create pods/exec here, by which files are copied.
      </p>
    );
  if (place === undefined || container === undefined)
    return (
      <p class="banner banner-warn" role="status">
        No container runs whose files could be looked at.
      </p>
    );
  const save = async (entry: Pick<FolderEntry, "name" | "kind"> | undefined) => {
    why.value = "";
    try {
      const isFolder = entry === undefined || entry.kind === "folder";
      await copyOut({ ...place, path: entry === undefined ? path : inFolder(path, entry.name) }, isFolder);
    } catch (error) {
      why.value = text(error);
    }
  };
  const take = (files: Iterable<File>) => {
    const here = listing.value.is === "here" ? listing.value.entries : [];
    copies.value = [
      ...copies.value,
      ...[...files].map((file) => ({
        place,
        file,
        replaces: here.some((entry) => entry.name === file.name),
      })),
    ];
  };
  const found = listing.value;
  const wanted = words.value.toLowerCase();
  const entries =
    found.is === "here" ? found.entries.filter((entry) => entry.name.toLowerCase().includes(wanted)) : [];
  const go = (to: string) => setParams({ dir: to === "/" ? "" : to });
  return (
    <section
      class="files"
      aria-label={`Files of ${container.name}`}
      onDragOver={(event) => event.preventDefault()}
      onDrop={(event) => {
        event.preventDefault();
        take(event.dataTransfer?.files ?? []);
      }}
    >
      <div class="tools tools-left">
        {containers.length > 1 && (
          <select
            aria-label="Container"
            value={container.name}
            onChange={(event) => setParams({ c: event.currentTarget.value })}
          >
            {containers.map((one) => (
              <option key={one.name}>{one.name}</option>
            ))}
          </select>
        )}
        <input
          class="mono"
          aria-label="Folder"
          value={path}
          onChange={(event) => go(cleanPath(event.currentTarget.value))}
        />
        <input
          type="search"
          aria-label="Filter"
          placeholder="Filter"
          value={words.value}
          onInput={(event) => (words.value = event.currentTarget.value)}
        />
        <button type="button" onClick={() => picker.current?.click()}>
          Copy in…
        </button>
        <input
          type="file"
          multiple
          hidden
          ref={picker}
          onChange={({ currentTarget }) => {
            take(currentTarget.files ?? []);
            currentTarget.value = "";
          }}
        />
        <button type="button" onClick={() => void save(undefined)}>
          Copy folder out
        </button>
        <button type="button" onClick={() => round.value++}>
          Look again
        </button>
      </div>
      <nav class="crumbs mono" aria-label="Folders">
        {foldersTo(path).map((folder, at) => (
          <button key={folder.path} type="button" class="link" onClick={() => go(folder.path)}>
            {at > 1 ? `/${folder.name}` : folder.name}
          </button>
        ))}
      </nav>
      {why.value && (
        <p class="banner banner-bad" role="alert">
          {why.value}
        </p>
      )}
      <CopiesIn copies={copies} onDone={() => round.value++} />
      {found.is === "loading" && <p class="empty">Looking…</p>}
      {found.is === "refused" && (
        <p class="banner banner-bad" role="alert">
          {found.why}
        </p>
      )}
      {found.is === "here" && entries.length === 0 && <p class="empty">Nothing here.</p>}
      {entries.length > 0 && (
        <PlainTable heads={["Name", "Size", "Changed", "Copy"]}>
          {entries.slice(0, shownMost).map((entry) => (
            <tr key={entry.name}>
              <td class="mono">
                {entry.kind === "folder" || entry.kind === "link" ? (
                  <button type="button" class="link" onClick={() => go(inFolder(path, entry.name))}>
                    {entry.name}
                    {entry.kind === "folder" ? "/" : ""}
                  </button>
                ) : (
                  entry.name
                )}
                {entry.kind === "link" && <span class="quiet"> (link)</span>}
              </td>
              <td>{entry.kind === "file" && entry.sizeBytes !== undefined && sizeText(entry.sizeBytes)}</td>
              <td>
                {entry.changedS !== undefined &&
                  new Date(entry.changedS * 1000).toISOString().slice(0, 19).replace("T", " ")}
              </td>
              <td>
                {entry.kind !== "other" && (
                  <button
                    type="button"
                    aria-label={`Copy out ${entry.name}`}
                    onClick={() => void save(entry)}
                  >
                    Copy out
                  </button>
                )}
              </td>
            </tr>
          ))}
        </PlainTable>
      )}
      {found.is === "here" && entries.length + found.left > shownMost && (
        <p class="quiet">
          {(entries.length + found.left - shownMost).toLocaleString("en")} more are not shown: filter by a
          part of their name.
        </p>
      )}
    </section>
  );
}
