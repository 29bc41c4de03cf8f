import { describe, expect, it } from 'vitest';

import { readAccountId, readName } from '../../src/text/account-id';

const ID = `05${'a1b2c3d4'.repeat(8)}`;

const problem = (text: string) => {
  const read = readAccountId(text);
  return 'problem' in read ? read.problem : 'none';
};

describe('readAccountId', () => {
  it('takes an id as people paste it', () => {
    for (const text of [ID, ID.toUpperCase(), ` ${ID}\n`, ID.replace(/(.{6})/g, '$1 '), `session:${ID}`, `\u200e${ID}`]) {
      expect(readAccountId(text)).toEqual({ id: ID });
    }
  });

  it('says what is wrong', () => {
    expect(problem('')).toBe('empty');
    expect(problem('05a1')).toBe('short');
    expect(problem(`${ID}ab`)).toBe('long');
    expect(problem(`15${ID.slice(2)}`)).toBe('blinded');
    expect(problem(`25${ID.slice(2)}`)).toBe('blinded');
    expect(problem(`03${ID.slice(2)}`)).toBe('group');
    expect(problem(`07${ID.slice(2)}`)).toBe('prefix');
    expect(problem('https://open.example/room?public_key=00')).toBe('community');
    expect(problem('Anna Petrova')).toBe('name');
  });

  it('names the letter that does not belong, and where it is', () => {
    const cyrillic = `${ID.slice(0, 10)}а${ID.slice(11)}`;
    expect(readAccountId(cyrillic)).toMatchObject({ problem: 'letter', letter: 'а', at: 11 });
    const wide = `${ID.slice(0, 4)}１${ID.slice(5)}`;
    expect(readAccountId(wide)).toMatchObject({ problem: 'letter', letter: '１', at: 5 });
  });

  it('knows what may be a registered name', () => {
    for (const name of ['anna', 'dad', 'a_b-9', 'x', '15th_street', '_', 'x'.repeat(64)]) expect(readName(name)).toBe(name);
    expect(readName(' Anna ')).toBe('anna');
    for (const other of ['', 'Anna Petrova', '-a', 'a-', 'ännä', 'x'.repeat(65), '05a1', ID, `${ID}a`, ID.slice(1)]) {
      expect(readName(other)).toBeNull();
    }
  });
});
