// Files chosen to be sent, with what is wrong with them. The core keeps copies of them with the
// draft and names them by a number.

import type { DraftFile, FileToSend } from '../../api/api.gen';
import { MOST_BYTES, upload } from '../../api/upload';

export const MOST_FILES = 32;
const PICTURE = /^image\/(png|jpeg|webp|gif)$/;

export type Staged = {
  id: number;
  name: string;
  size: number;
  mime: string;
  /** What was chosen here; nothing of what the draft brought back. */
  file: File | null;
  url: string | null;
  voice: boolean;
  asFile: boolean;
  problem: 'large' | null;
};

let next = 1;

export class Tray {
  files = $state.raw<readonly Staged[]>([]);
  full = $state(false);
  /** Sent byte for byte and not shown: a choice for all that are in the tray. */
  asFiles = $state(false);
  /** The numbers of the copies the core has. */
  readonly copies = new Map<number, number>();
  /** The first that cannot be sent. */
  bad = $derived(this.files.find((staged) => staged.problem !== null));
  good = $derived(this.files.length > 0 && !this.bad);

  add(list: Iterable<File>, voice = false): void {
    const added = Array.from(list, (file): Staged => ({
      id: next++,
      name: file.name,
      size: file.size,
      mime: file.type,
      file,
      url: PICTURE.test(file.type) ? URL.createObjectURL(file) : null,
      voice,
      asFile: false,
      problem: file.size > MOST_BYTES ? 'large' : null,
    }));
    const all = [...this.files, ...added];
    this.full = all.length > MOST_FILES;
    release(all.slice(MOST_FILES));
    this.files = all.slice(0, MOST_FILES);
  }

  /** Puts in what a draft has kept, before what was chosen meanwhile. */
  bring(kept: readonly DraftFile[], picture: (file: DraftFile) => Promise<string | null>): void {
    const brought = kept.map((file): Staged => ({
      id: next++,
      name: file.name ?? '',
      size: file.size,
      mime: file.mime ?? '',
      file: null,
      url: null,
      voice: file.voice,
      asFile: file.as_file,
      problem: null,
    }));
    this.learn(brought, kept);
    this.restore(brought);
    kept.forEach((file, index) => {
      if (!PICTURE.test(file.mime ?? '')) return;
      picture(file)
        .then((url) => {
          const id = brought[index]?.id;
          if (this.files.some((staged) => staged.id === id)) this.change(id, { url });
          else if (url) URL.revokeObjectURL(url);
        })
        .catch(() => {});
    });
  }

  /** Learns the numbers of copies, in the order in which the files were given. */
  learn(given: readonly Staged[], kept: readonly DraftFile[]): void {
    given.forEach((staged, index) => {
      const copy = kept[index];
      if (copy) this.copies.set(staged.id, copy.id);
    });
  }

  remove(id: number): void {
    release(this.files.filter((staged) => staged.id === id));
    this.files = this.files.filter((staged) => staged.id !== id);
    if (this.files.length === 0) this.asFiles = false;
    this.full = false;
  }

  move(id: number, by: number): void {
    const at = this.files.findIndex((staged) => staged.id === id);
    const to = at + by;
    const one = this.files[at];
    const other = this.files[to];
    if (!one || !other) return;
    this.files = this.files.map((staged, index) => (index === at ? other : index === to ? one : staged));
  }

  /** What is in it, as it is to be sent. */
  marked(): readonly Staged[] {
    return this.files.map((staged) => ({ ...staged, asFile: this.asFiles && !staged.voice }));
  }

  /** Takes everything out, to be sent. */
  take(): readonly Staged[] {
    const all = this.marked();
    this.files = [];
    this.asFiles = false;
    this.full = false;
    return all;
  }

  /** Puts back what could not be sent, before what was added since. */
  restore(files: readonly Staged[]): void {
    this.asFiles ||= files.some((staged) => staged.asFile);
    this.files = [...files, ...this.files].slice(0, MOST_FILES);
  }

  clear(): void {
    release(this.take());
  }

  private change(id: number | undefined, change: Partial<Staged>): void {
    this.files = this.files.map((staged) => (staged.id === id ? { ...staged, ...change } : staged));
  }
}

export function release(files: readonly Staged[]): void {
  for (const staged of files) if (staged.url) URL.revokeObjectURL(staged.url);
}

/** Gives files to the program, one after another; of those it has copies of, their numbers. */
export async function toSend(files: readonly Staged[], tray: Tray): Promise<FileToSend[]> {
  const given: FileToSend[] = [];
  for (const staged of files) {
    const { name, mime, voice, asFile, file } = staged;
    const draft = tray.copies.get(staged.id);
    if (draft !== undefined) given.push({ draft, as_file: asFile });
    else if (file) given.push({ name, mime: mime || undefined, voice, as_file: asFile, upload: await upload(file) });
  }
  return given;
}
