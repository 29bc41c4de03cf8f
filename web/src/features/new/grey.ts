// How bright each pixel of a picture is, small enough to be looked through.

const MOST_PIXELS = 600_000;

export type Grey = { width: number; height: number; bytes: Uint8Array };

export function grey(source: CanvasImageSource, width: number, height: number): Grey | null {
  const scale = Math.min(1, Math.sqrt(MOST_PIXELS / (width * height)));
  const wide = Math.max(1, Math.floor(width * scale));
  const high = Math.max(1, Math.floor(height * scale));
  const context = new OffscreenCanvas(wide, high).getContext('2d', { willReadFrequently: true });
  if (!context) return null;
  context.drawImage(source, 0, 0, wide, high);
  const pixels = context.getImageData(0, 0, wide, high).data;
  const bytes = new Uint8Array(wide * high);
  for (let at = 0; at < bytes.length; at += 1) {
    const from = at * 4;
    bytes[at] = ((pixels[from] ?? 0) * 77 + (pixels[from + 1] ?? 0) * 150 + (pixels[from + 2] ?? 0) * 29) >> 8;
  }
  return { width: wide, height: high, bytes };
}
