/** Who is let in, and for how long. */
import { describe, expect, it } from 'vitest';
import { mayComplain, PeerTable } from '../../../../daemon/transport/peers.js';

const ID = '0123456789abcdef0123456789abcdef';

function idOf(n: number): string {
  return n.toString(16).padStart(32, '0');
}

describe('the table of peers', () => {
  it('remembers what the kernel says', () => {
    const peers = new PeerTable();
    expect(peers.admit(ID, 'agent', 'localhost:1000:100:4711', 5)).toBeUndefined();
    expect(peers.find('agent', ID)).toMatchObject({ uid: 1000, gid: 100, pid: 4711 });
    expect(peers.find('control', ID)).toBeUndefined();
  });

  it.each(['', 'abc', ID.toUpperCase(), `${ID}0`, `${ID.slice(1)}\n`, `${ID.slice(1)}g`])(
    'refuses the user name %j',
    (name) => {
      expect(new PeerTable().admit(name, 'agent', 'localhost:1:1:1', 0)).toMatch(
        /^a user name has to be 32 lower-case hexadecimal digits, received /,
      );
    },
  );

  it('refuses whom the kernel does not name, and domains that it does not know', () => {
    const peers = new PeerTable();
    expect(peers.admit(ID, 'agent', '127.0.0.1', 0)).toMatch(/does not say who "127\.0\.0\.1" is/);
    expect(peers.admit(ID, 'other', 'localhost:1:1:1', 0)).toBe("there is no socket 'other'");
  });

  it('refuses an id that is in use, except to who uses it', () => {
    const peers = new PeerTable();
    peers.admit(ID, 'agent', 'localhost:1:1:10', 0);
    expect(peers.admit(ID, 'agent', 'localhost:1:1:11', 0)).toMatch(/in use by pid 10/);
    expect(peers.admit(ID, 'control', 'localhost:1:1:10', 0)).toMatch(/in use by pid 10/);
    expect(peers.admit(ID, 'agent', 'localhost:1:1:10', 0)).toBeUndefined();
    peers.drop(ID, 0);
    expect(peers.admit(ID, 'agent', 'localhost:1:1:11', 0)).toBeUndefined();
  });

  it('knows for ten seconds whose last words may still come', () => {
    const living = new Set([10]);
    const peers = new PeerTable((pid) => living.has(pid));
    peers.admit(ID, 'agent', 'localhost:1:1:10', 0);
    peers.drop(ID, 1000);
    peers.drop(idOf(1), 1000);
    // A living process that goes on with a link that was replaced is told apart.
    expect(peers.isOfTheDead(ID)).toBe(false);
    living.clear();
    expect([peers.isOfTheDead(ID), peers.isOfTheDead(idOf(1))]).toEqual([true, false]);
    peers.sweep(11_000);
    expect(peers.isOfTheDead(ID)).toBe(true);
    peers.sweep(11_001);
    expect(peers.isOfTheDead(ID)).toBe(false);
  });

  it('gives up links that nobody says HELLO on', () => {
    const peers = new PeerTable();
    peers.admit(idOf(1), 'agent', 'localhost:1:1:1', 0);
    peers.admit(idOf(2), 'agent', 'localhost:1:1:1', 0);
    const kept = peers.find('agent', idOf(2));
    if (kept !== undefined) kept.kept = true;
    peers.sweep(10_000);
    expect(peers.size).toBe(2);
    peers.sweep(10_001);
    expect(peers.find('agent', idOf(1))).toBeUndefined();
    expect(peers.find('agent', idOf(2))).toBeDefined();
  });

  it('keeps the links of controllers for as long as their process lives', () => {
    const living = new Set([7]);
    const peers = new PeerTable((pid) => living.has(pid));
    peers.admit(idOf(1), 'control', 'localhost:1:1:7', 0);
    peers.sweep(1e9);
    expect(peers.size).toBe(1);
    living.clear();
    peers.sweep(1e9);
    expect(peers.size).toBe(0);
  });

  it('keeps the newest 64 links of a controller', () => {
    const peers = new PeerTable();
    for (let n = 0; n < 70; n++) peers.admit(idOf(n), 'control', 'localhost:1:1:7', n);
    peers.admit(idOf(100), 'control', 'localhost:1:1:8', 100);
    expect(peers.size).toBe(65);
    expect(peers.find('control', idOf(5))).toBeUndefined();
    expect(peers.find('control', idOf(6))).toBeDefined();
  });

  it('limits the links of one user that say nothing, and leaves room for others', () => {
    const peers = new PeerTable();
    for (let n = 0; n < 1024; n++) {
      expect(peers.admit(idOf(n), 'agent', 'localhost:7:1:1', 0)).toBeUndefined();
    }
    expect(peers.admit(idOf(5000), 'agent', 'localhost:7:1:1', 0)).toBe(
      '1024 links of uid 7 have not said HELLO yet',
    );
    expect(peers.admit(idOf(5001), 'agent', 'localhost:8:1:1', 0)).toBeUndefined();
  });

  it('complains ten times a second at most', () => {
    const peers = new PeerTable();
    peers.admit(ID, 'agent', 'localhost:1:1:1', 0);
    const peer = peers.find('agent', ID);
    if (peer === undefined) throw new Error('it was not let in');
    const count = (now: number) =>
      Array.from({ length: 50 }, () => mayComplain(peer, now)).filter(Boolean).length;
    expect(count(0)).toBe(10);
    expect(count(999)).toBe(0);
    expect(count(1000)).toBe(10);
  });
});
