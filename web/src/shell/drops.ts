// Files that are dragged over the page.

export function holdsFiles(event: DragEvent): boolean {
  return event.dataTransfer?.types.includes('Files') ?? false;
}

export type Dropped = { files: File[]; folder: boolean };

/** What was dropped, and whether a folder was among it. */
export function dropped(event: DragEvent): Dropped {
  const items = Array.from(event.dataTransfer?.items ?? []);
  const isFolder = (item: DataTransferItem) => item.webkitGetAsEntry()?.isDirectory ?? false;
  const files = items.filter((item) => !isFolder(item)).map((item) => item.getAsFile());
  return { files: files.filter((file) => file !== null), folder: items.some(isFolder) };
}

/** A file that is dropped where nobody takes it is not opened in place of the page. */
export function refuseDrops(): void {
  const refuse = (event: DragEvent) => {
    if (event.defaultPrevented || !holdsFiles(event)) return;
    event.preventDefault();
    if (event.dataTransfer) event.dataTransfer.dropEffect = 'none';
  };
  for (const kind of ['dragenter', 'dragover', 'drop'] as const) addEventListener(kind, refuse);
}
