// Pictures and other contents become addresses the page can show. Only types that cannot run
// anything do; the oldest go when there are too many.

import type { ContentPart } from './api.gen';
import type { Rpc } from './rpc';

const SHOWN = /^(image\/(png|jpeg|webp|gif)|audio\/[a-z0-9.+-]+|video\/[a-z0-9.+-]+)$/;
const MOST_BYTES = 64 * 1024 * 1024;

type Kept = { url: string; size: number };
const blobs = new Map<string, Blob>();
const kept = new Map<string, Promise<Kept | null>>();
let total = 0;

/** A small picture of a file. */
export function thumbnail(rpc: Rpc, account: string, message: number, index: number): Promise<string | null> {
  return remember(`t:${account}:${message}:${index}`, async () => {
    const small = await rpc.call('files.thumbnail', { account, message_id: message, index, side: 400 });
    return keep([bytes(small.content)], small.mime);
  });
}

/** The content of a file whose type may be shown. */
export function content(rpc: Rpc, account: string, message: number, index: number, mime: string): Promise<string | null> {
  return remember(`c:${account}:${message}:${index}`, async () => {
    if (!SHOWN.test(mime)) return null;
    return keep(await all(rpc, account, message, index), mime);
  });
}

/** Any content, to be saved: it is never shown as a page. */
export async function download(rpc: Rpc, account: string, message: number, index: number, name: string): Promise<void> {
  save(new Blob(await all(rpc, account, message, index), { type: 'application/octet-stream' }), name);
}

/** A text, to be saved. */
export function saveText(text: string, name: string): void {
  save(new Blob([text], { type: 'text/plain' }), name);
}

function save(blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob);
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/** The picture of a person: one number stands for one picture. */
export function picture(rpc: Rpc, account: string, person: string, revision: number): Promise<string | null> {
  return remember(`p:${account}:${person}:${revision}`, async () => {
    const first = (await rpc.call('pictures.get', { account, person })).picture;
    if (!first?.part || !first.mime || !SHOWN.test(first.mime)) return null;
    const parts = [bytes(first.part.content)];
    let have = parts[0]?.length ?? 0;
    while (have < first.part.size) {
      const next = (await rpc.call('pictures.get', { account, person, from: have })).picture?.part;
      if (!next) return null;
      const part = bytes(next.content);
      if (part.length === 0) return null;
      parts.push(part);
      have += part.length;
    }
    return keep(parts, first.mime);
  });
}

/** An address of a small picture; whoever asks revokes it. */
export function shownImage(content: string, mime: string): string | null {
  return SHOWN.test(mime) ? URL.createObjectURL(new Blob([bytes(content)], { type: mime })) : null;
}

/** What is behind an address made here. */
export function blobOf(url: string): Blob {
  return blobs.get(url) ?? new Blob();
}

/** Lets everything of an account go. */
export function clearMedia(account: string): void {
  for (const key of [...kept.keys()]) if (key.split(':')[1] === account) drop(key);
}

async function all(rpc: Rpc, account: string, message: number, index: number): Promise<Uint8Array<ArrayBuffer>[]> {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let have = 0;
  for (;;) {
    const part: ContentPart = await rpc.call('files.content', { account, message_id: message, index, from: have });
    const next = bytes(part.content);
    parts.push(next);
    have += next.length;
    if (have >= part.size || next.length === 0) return parts;
  }
}

function remember(key: string, get: () => Promise<Kept | null>): Promise<string | null> {
  let entry = kept.get(key);
  if (entry) {
    kept.delete(key);
  } else {
    entry = get().catch(() => null);
    entry
      .then((found) => {
        if (!found) kept.delete(key);
      })
      .catch(() => {});
  }
  kept.set(key, entry);
  return entry.then((found) => found?.url ?? null);
}

function keep(parts: Uint8Array<ArrayBuffer>[], type: string): Kept {
  const blob = new Blob(parts, { type });
  total += blob.size;
  for (const key of kept.keys()) {
    if (total <= MOST_BYTES || kept.size <= 1) break;
    drop(key);
  }
  const url = URL.createObjectURL(blob);
  blobs.set(url, blob);
  return { url, size: blob.size };
}

function drop(key: string): void {
  const entry = kept.get(key);
  kept.delete(key);
  entry
    ?.then((found) => {
      if (!found) return;
      URL.revokeObjectURL(found.url);
      blobs.delete(found.url);
      total -= found.size;
    })
    .catch(() => {});
}

function bytes(base64: string): Uint8Array<ArrayBuffer> {
  const text = atob(base64);
  const out = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at += 1) out[at] = text.charCodeAt(at);
  return out;
}

/** Bytes as the API takes them. */
export function base64(data: Uint8Array): string {
  let text = '';
  for (let at = 0; at < data.length; at += 0x8000) text += String.fromCharCode(...data.subarray(at, at + 0x8000));
  return btoa(text);
}
