/** Makes a field as high as its text where the browser does not do so itself (`field-sizing`). */
export function fit(field: HTMLTextAreaElement | undefined): void {
  // The conversation may have been left meanwhile.
  if (!field?.isConnected || CSS.supports('field-sizing', 'content')) return;
  field.style.setProperty('block-size', 'auto');
  field.style.setProperty('block-size', `${field.scrollHeight}px`);
}
