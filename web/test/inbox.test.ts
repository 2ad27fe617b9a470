import { describe, expect, it } from 'vitest';
import * as inbox from '../src/core/inbox';
import { account, entry, page } from './make';

function known(unread = 0) {
  const box = inbox.emptyInbox();
  inbox.takeAccounts(box, { accounts: [account('wx1', unread, entry(2)), account('wx2', 0, entry(1, 'wx2'))], unread, position: 'P' });
  inbox.takePage(box, inbox.ALL, page([entry(2), entry(1), entry(1, 'wx2')], 'next'), true);
  return box;
}

const ids = (box: inbox.Inbox, key = inbox.ALL) => inbox.entriesOf(box, key).map((each) => each.id);

describe('pages', () => {
  it('i08 a further page repeats nothing that the one before or the live feed brought', () => {
    const box = known();
    inbox.arrive(box, entry(3));
    inbox.takePage(box, inbox.ALL, page([entry(1, 'wx2'), entry(0)]), false);
    expect(ids(box)).toEqual(['wx1-3', 'wx1-2', 'wx1-1', 'wx2-1', 'wx1-0']);
    expect(box.feeds[inbox.ALL]?.next).toBeNull();
  });

  it('a first page takes the place of what was kept', () => {
    const box = inbox.emptyInbox();
    inbox.takeKept(box, [entry(9), entry(8)]);
    expect(ids(box)).toEqual(['wx1-9', 'wx1-8']);
    expect(ids(box, inbox.accountFeed('wx1'))).toEqual(['wx1-9', 'wx1-8']);
    inbox.takePage(box, inbox.ALL, page([entry(9)]), true);
    inbox.takeKept(box, [entry(8)]);
    expect(ids(box)).toEqual(['wx1-9']);
  });
});

describe('what arrives', () => {
  it('i08 is there once, however often it comes', () => {
    const box = known(1);
    expect(inbox.arrive(box, entry(3))).toBe(true);
    expect(inbox.arrive(box, entry(3))).toBe(false);
    expect(inbox.arrive(box, entry(2))).toBe(false);
    expect(ids(box)).toEqual(['wx1-3', 'wx1-2', 'wx1-1', 'wx2-1']);
    expect(inbox.unreadTotal(box)).toBe(2);
  });

  it('brings its account to the top', () => {
    const box = known();
    inbox.arrive(box, entry(2, 'wx2'));
    expect(box.accounts.map((each) => [each.account, each.unread, each.latest?.id])).toEqual([['wx2', 1, 'wx2-2'], ['wx1', 0, 'wx1-2']]);
  });

  it('is counted once when the accounts knew of it before the stream told it', () => {
    const box = known(1);
    inbox.takeAccounts(box, { accounts: [account('wx1', 2, entry(3))], unread: 2, position: 'P' });
    inbox.arrive(box, entry(3));
    expect(inbox.unreadTotal(box)).toBe(2);
  });
});

describe('unread', () => {
  it('are the newest of each account, as many as its count says', () => {
    const box = known(1);
    expect([...inbox.unreadIds(box)]).toEqual(['wx1-2']);
    inbox.takeUnread(box, { unread: 3, accounts: { wx1: 2, wx2: 1 } });
    expect([...inbox.unreadIds(box)].sort()).toEqual(['wx1-1', 'wx1-2', 'wx2-1']);
  });

  it('leave the total when the account is muted', () => {
    const box = known(2);
    inbox.takeAccount(box, account('wx1', 2, entry(2), true));
    expect(inbox.unreadTotal(box)).toBe(0);
  });

  it('end with what was read and never grow by it', () => {
    const box = known(2);
    inbox.readUpTo(box, 'wx1-1');
    expect(inbox.unreadTotal(box)).toBe(1);
    inbox.readUpTo(box, 'wx1-2');
    inbox.readUpTo(box, 'wx1-1');
    inbox.readUpTo(box, 'unknown');
    expect(inbox.unreadTotal(box)).toBe(0);
  });
});

describe('i15 a recalled entry', () => {
  it('goes from every feed, the counts and the account, and does not come back', () => {
    const box = known(1);
    inbox.takePage(box, inbox.accountFeed('wx1'), page([entry(2), entry(1)]), true);
    expect(inbox.recall(box, 'wx1-2')?.id).toBe('wx1-2');
    expect(ids(box)).toEqual(['wx1-1', 'wx2-1']);
    expect(ids(box, inbox.accountFeed('wx1'))).toEqual(['wx1-1']);
    expect(inbox.unreadTotal(box)).toBe(0);
    expect(box.accounts[0]?.latest?.id).toBe('wx1-1');
    expect(inbox.arrive(box, entry(2))).toBe(false);
    inbox.takePage(box, inbox.ALL, page([entry(2), entry(1)]), true);
    inbox.takeKept(box, [entry(2)]);
    inbox.takeAccounts(box, { accounts: [account('wx1', 0, entry(2))], unread: 0, position: 'P' });
    expect(ids(box)).toEqual(['wx1-1']);
    expect(box.accounts[0]?.latest?.id).toBe('wx1-1');
  });

  it('that was read leaves the count alone', () => {
    const box = known(1);
    inbox.recall(box, 'wx1-1');
    expect(inbox.unreadTotal(box)).toBe(1);
  });
});

it('a changed entry is the new one in every list', () => {
  const box = known();
  inbox.change(box, { ...entry(2), text: 'deleted' });
  expect(inbox.entriesOf(box, inbox.ALL)[0]?.text).toBe('deleted');
  expect(box.accounts[0]?.latest?.text).toBe('deleted');
});
