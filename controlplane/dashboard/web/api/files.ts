import { keyHeaders, Refusal, refusalOf } from "./session.ts";

/** A folder or file of a container. */
export interface FilePlace {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
  readonly path: string;
}

export interface FolderEntry {
  readonly name: string;
  readonly kind: "folder" | "file" | "link" | "other";
  readonly sizeBytes?: number;
  readonly changedS?: number;
}

async function ask<T>(what: "list" | "out", body: object): Promise<T> {
  let answer: Response;
  try {
    answer = await fetch(`/files/${what}`, {
      method: "POST",
      headers: { ...keyHeaders(), "content-type": "application/json" },
      body: JSON.stringify(body),
    });
  } catch {
    throw new Refusal(0, "the dashboard's server does not answer");
  }
  if (!answer.ok) throw refusalOf(answer.status, await answer.text());
  return (await answer.json()) as T;
}

/** What is in a folder. Rejects with Refusal. */
export const listFolder = (
  place: FilePlace,
): Promise<{ readonly entries: readonly FolderEntry[]; readonly left: number }> => ask("list", place);

/** Has the browser save a file, or a folder as an archive, which shows its progress and can cancel it. Rejects with Refusal. */
export async function copyOut(place: FilePlace, isFolder: boolean): Promise<void> {
  const { path, fileName } = await ask<{ readonly path: string; readonly fileName: string }>("out", {
    ...place,
    isFolder,
  });
  const link = document.createElement("a");
  link.href = path;
  link.download = fileName;
  link.click();
}

/** Sends a file into a folder. `cancel` ends it; the promise then rejects with Refusal, code 0. */
export function copyIn(
  place: FilePlace,
  file: File,
  onSent: (bytes: number) => void,
): { readonly done: Promise<void>; cancel(): void } {
  const request = new XMLHttpRequest();
  const done = new Promise<void>((resolve, reject) => {
    request.open("POST", `/files/in?${new URLSearchParams({ ...place, name: file.name })}`);
    for (const [name, value] of Object.entries(keyHeaders())) request.setRequestHeader(name, value);
    request.upload.addEventListener("progress", ({ loaded }) => onSent(loaded));
    request.addEventListener("load", () => {
      if (request.status === 200) resolve();
      else reject(refusalOf(request.status, request.responseText));
    });
    request.addEventListener("error", () => reject(new Refusal(0, "the connection was lost")));
    request.addEventListener("abort", () =>
      reject(new Refusal(0, "cancelled; what came of it may be there")),
    );
    request.send(file);
  });
  return { done, cancel: () => request.abort() };
}
