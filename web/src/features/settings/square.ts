// A square part of a picture, small enough for a profile.

const SIDE = 600;

export type Part = { x: number; y: number; side: number };

/** The largest square around a point that is inside the picture; `zoom` of 2 takes half of its side. */
export function partAround(width: number, height: number, x: number, y: number, zoom: number): Part {
  const side = Math.min(width, height) / Math.max(1, zoom);
  const within = (middle: number, length: number) => Math.max(0, Math.min(length - side, middle - side / 2));
  return { x: within(x, width), y: within(y, height), side };
}

export async function squared(picture: ImageBitmap, part: Part, seeThrough: boolean): Promise<Blob> {
  const size = Math.max(1, Math.round(Math.min(SIDE, part.side)));
  const canvas = new OffscreenCanvas(size, size);
  canvas.getContext('2d')?.drawImage(picture, part.x, part.y, part.side, part.side, 0, 0, size, size);
  return canvas.convertToBlob(seeThrough ? { type: 'image/png' } : { type: 'image/jpeg', quality: 0.9 });
}
