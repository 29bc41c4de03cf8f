// All messages are one stop on the way of the Tab key. Inside a message, which Enter opens, it goes
// through the controls of that message.

const CONTROLS = 'a[href], button, input, [role="slider"]';
const STOPS = `${CONTROLS}, textarea, select, [tabindex="0"]`;

const usable = (element: HTMLElement) =>
  element.tabIndex >= 0 && !element.matches(':disabled') && element.checkVisibility({ visibilityProperty: true });

let tabbing = false;

/** Hears every key of the window: what moves the focus by itself is not the Tab key. */
export const heard = (event: KeyboardEvent) => (tabbing = event.key === 'Tab');

/** Takes a press of Tab within `box`. */
export function tab(event: KeyboardEvent, box: HTMLElement): void {
  if (event.key !== 'Tab' || event.altKey || event.ctrlKey || event.metaKey) return;
  const from = event.target as HTMLElement;
  const message = from.closest<HTMLElement>('[data-item]');
  if (!message) return;
  const next = from === message ? undefined : within(message, from, event.shiftKey);
  const target = next ?? (event.shiftKey && from !== message ? message : beside(box, event.shiftKey));
  if (!target) return;
  event.preventDefault();
  target.focus();
}

/** Takes the focus that a key brought into `box` from outside. */
export function entered(event: FocusEvent, box: HTMLElement): void {
  const to = event.target as HTMLElement;
  if (event.relatedTarget instanceof Node && box.contains(event.relatedTarget)) return;
  const message = to.closest<HTMLElement>('[data-item]');
  if (!tabbing || !message || to === message || !to.matches(':focus-visible')) return;
  (box.querySelector<HTMLElement>('[data-item][tabindex="0"]') ?? message).focus();
}

function within(message: HTMLElement, from: HTMLElement, back: boolean): HTMLElement | undefined {
  const all = Array.from(message.querySelectorAll<HTMLElement>(CONTROLS)).filter(usable);
  return all[all.indexOf(from) + (back ? -1 : 1)];
}

/** The stop before or after all messages. */
function beside(box: HTMLElement, back: boolean): HTMLElement | undefined {
  const side = back ? Node.DOCUMENT_POSITION_PRECEDING : Node.DOCUMENT_POSITION_FOLLOWING;
  const all = Array.from(document.querySelectorAll<HTMLElement>(STOPS)).filter(
    (element) =>
      (box.compareDocumentPosition(element) & side) !== 0 &&
      !box.contains(element) &&
      !element.contains(box) &&
      usable(element),
  );
  return back ? all.at(-1) : all[0];
}
