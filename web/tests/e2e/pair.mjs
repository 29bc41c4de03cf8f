// Anna and Boris, each with a program of their own, and how they come to know one another.
import { after, before } from 'node:test';

import { bubble, create, launch, openNew, ownId, send, visit } from './pages.mjs';
import { App, endAll, network } from './programs.mjs';

/** Starts a network, two programs and a browser before the tests of a file, and ends them after.
 * `fill` finds two empty folders instead of programs that run, and starts what the tests need.
 * `args` describe the network further. */
export function twoPrograms(fill = ({ annaApp, borisApp }) => Promise.all([annaApp.start(), borisApp.start()]), args = []) {
  const two = {};
  before(async () => {
    two.net = await network(args);
    two.annaApp = new App(two.net);
    two.borisApp = new App(two.net);
    await fill(two);
    two.browser = await launch();
  });
  after(async () => {
    await two.browser?.close();
    await endAll();
    two.annaApp?.remove();
    two.borisApp?.remove();
  });
  return two;
}

/** Makes their accounts; Anna writes a note to herself and to Boris, who accepts and answers. */
export async function introduce({ browser, annaApp, borisApp }) {
  const anna = await visit(browser, annaApp.link.url);
  const boris = await visit(browser, borisApp.link.url, { colorScheme: 'dark' });
  await create(anna.page, 'Anna');
  await create(boris.page, 'Boris');
  const annaId = await ownId(anna.page);
  const borisId = await ownId(boris.page);
  await openNew(anna.page, annaId);
  await send(anna.page, 'A note');
  await openNew(anna.page, borisId);
  await send(anna.page, 'The first of all');
  await boris.page.getByRole('button', { name: '1 message request' }).click();
  await boris.page.getByRole('button', { name: /Anna/ }).click();
  await boris.page.getByRole('button', { name: 'Accept' }).click();
  await send(boris.page, 'Good morning');
  await bubble(anna.page, 'Good morning').waitFor();
  return { anna, boris, annaId, borisId };
}
