// Where a menu or popover goes: beside its opener, inside the window.

const MARGIN = 8;
const GAP = 4;

export type Anchor = { left: number; top: number; right: number; bottom: number };

/** Puts a popover under or over an anchor, at its start or end side, without leaving the window. */
export function place(box: HTMLElement, anchor: Anchor, side: 'start' | 'end' = 'start'): void {
  const width = box.offsetWidth;
  const height = box.offsetHeight;
  const rtl = getComputedStyle(box).direction === 'rtl';
  const fromLeft = (side === 'start') !== rtl;
  const wantX = fromLeft ? anchor.left : anchor.right - width;
  const below = anchor.bottom + GAP;
  const above = anchor.top - GAP - height;
  const wantY = below + height + MARGIN <= innerHeight || above < MARGIN ? below : above;
  const x = Math.max(MARGIN, Math.min(wantX, innerWidth - width - MARGIN));
  const y = Math.max(MARGIN, Math.min(wantY, innerHeight - height - MARGIN));
  box.style.setProperty('inset', 'auto');
  box.style.setProperty('translate', `${Math.round(x)}px ${Math.round(y)}px`);
  box.style.setProperty('inset-block-start', '0');
  box.style.setProperty(rtl ? 'inset-inline-end' : 'inset-inline-start', '0');
}

/** The place of a press, or of the element when a key was used. */
export function anchorOf(event: MouseEvent | KeyboardEvent): Anchor {
  const element = event.currentTarget as HTMLElement;
  if (event instanceof MouseEvent && event.type === 'contextmenu' && (event.clientX !== 0 || event.clientY !== 0)) {
    return { left: event.clientX, right: event.clientX, top: event.clientY, bottom: event.clientY };
  }
  return element.getBoundingClientRect();
}
