// Steps that build on one another: after one that fails the others are not tried.
import { join } from 'node:path';
import { it } from 'node:test';

/** `shown` gives the pages of those who take part. With E2E_PICTURES=<folder> a failure leaves pictures there. */
export function steps(shown) {
  let failed = false;
  return (name, run) =>
    it(name, async (test) => {
      if (failed) return test.skip('an earlier step failed');
      try {
        await run();
      } catch (cause) {
        failed = true;
        const folder = process.env.E2E_PICTURES;
        for (const [who, visited] of Object.entries(folder ? shown() : {})) {
          await visited?.page.screenshot({ path: join(folder, `${who}.png`) }).catch(() => {});
          test.diagnostic(`${who}: ${visited?.faults.join('; ')}`);
        }
        throw cause;
      }
    });
}
