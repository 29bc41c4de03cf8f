// Gives bytes to the program beside the calls, for a handle that one call can use.

import { sessionKey } from './launch';
import { Failure } from './rpc';

export const MOST_BYTES = 10_000_000;

export async function upload(data: Blob): Promise<string> {
  let answer: Response;
  try {
    answer = await fetch('/upload', {
      method: 'POST',
      headers: { 'Content-Type': 'application/octet-stream', 'X-Session-Key': sessionKey() },
      body: data,
    });
  } catch {
    throw new Failure('page.disconnected');
  }
  if (answer.status === 413) throw new Failure('api.content_too_long');
  if (answer.status === 507) throw new Failure('page.uploads_full');
  if (!answer.ok) throw new Failure('page.disconnected');
  return ((await answer.json()) as { upload: string }).upload;
}
