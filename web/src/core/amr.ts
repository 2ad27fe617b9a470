// Voices as phones record them. Browsers play no AMR, so that it is made into WAV where it is heard.

/** Samples a second of AMR (3GPP TS 26.071). */
const RATE = 8_000;
const HEADER_BYTES = 44;
const MAGIC = '#!AMR\n';

/** The address of the same voice as WAV, to be revoked when it is not needed any more; `null` for what is no AMR. */
export async function asWav(src: string): Promise<string | null> {
  const answer = await fetch(src);
  if (!answer.ok) return null;
  const bytes = new Uint8Array(await answer.arrayBuffer());
  if (new TextDecoder().decode(bytes.subarray(0, MAGIC.length)) !== MAGIC) return null;
  const samples = await decode(bytes);
  return samples && URL.createObjectURL(new Blob([wav(samples)], { type: 'audio/wav' }));
}

function decode(bytes: Uint8Array<ArrayBuffer>): Promise<Float32Array | null> {
  const worker = new Worker(new URL('../amr/worker.ts', import.meta.url), { type: 'module' });
  const decoded = new Promise<Float32Array | null>((resolve, reject) => {
    worker.onmessage = (message: MessageEvent<{ amr: Float32Array | null }>) => { resolve(message.data.amr); };
    worker.onerror = (error) => { reject(new Error(error.message)); };
    worker.postMessage({ command: 'decode', buffer: bytes });
  });
  return decoded.finally(() => { worker.terminate(); });
}

/** Samples between -1 and 1 as a WAV file: one channel, 16 bits. */
export function wav(samples: Float32Array): ArrayBuffer {
  const file = new ArrayBuffer(HEADER_BYTES + samples.length * 2);
  const view = new DataView(file);
  const text = (at: number, word: string): void => { for (const [index, letter] of [...word].entries()) view.setUint8(at + index, letter.charCodeAt(0)); };
  text(0, 'RIFF');
  view.setUint32(4, file.byteLength - 8, true);
  text(8, 'WAVEfmt ');
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true); // PCM
  view.setUint16(22, 1, true);
  view.setUint32(24, RATE, true);
  view.setUint32(28, RATE * 2, true);
  view.setUint16(32, 2, true);
  view.setUint16(34, 16, true);
  text(36, 'data');
  view.setUint32(40, samples.length * 2, true);
  for (const [index, sample] of samples.entries()) view.setInt16(HEADER_BYTES + index * 2, Math.round(Math.max(-1, Math.min(1, sample)) * 32_767), true);
  return file;
}
