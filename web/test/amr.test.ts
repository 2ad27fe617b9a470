import { expect, test } from 'vitest';
import { wav } from '../src/core/amr';

test('samples become a WAV file of one channel, 16 bits and 8 kHz', () => {
  const view = new DataView(wav(new Float32Array([0, 1, -1, 2])));
  const text = (at: number): string => String.fromCharCode(...new Uint8Array(view.buffer, at, 4));
  expect([text(0), text(8), text(12), text(36)]).toEqual(['RIFF', 'WAVE', 'fmt ', 'data']);
  expect(view.getUint32(4, true)).toBe(view.byteLength - 8);
  expect(view.getUint32(24, true)).toBe(8_000);
  expect(view.getUint32(40, true)).toBe(8);
  expect([44, 46, 48, 50].map((at) => view.getInt16(at, true))).toEqual([0, 32_767, -32_767, 32_767]);
});
