// Pictures, a video and a voice that belong to nobody, drawn in the browser: the demo world is not in the repository.

const hill = (y, bend, colour) => `<path d="M0 ${y} C 300 ${y - bend}, 560 ${y + bend}, 900 ${y - bend / 2} S 1400 ${y + bend / 2}, 1600 ${y - bend} V 1000 H 0 Z" fill="${colour}"/>`;
const leaf = (x, y, size, turn, colour) => `<g transform="translate(${x} ${y}) rotate(${turn}) scale(${size})"><path d="M0 0 C 40 -60, 40 -140, 0 -200 C -40 -140, -40 -60, 0 0 Z" fill="${colour}"/><path d="M0 0 V -185" stroke="#0003" stroke-width="3"/></g>`;
const flower = (x, y, size, petal, heart) => `<g transform="translate(${x} ${y}) scale(${size})">${[0, 60, 120, 180, 240, 300].map((turn) => `<ellipse cx="0" cy="-70" rx="38" ry="70" fill="${petal}" transform="rotate(${turn})" opacity=".93"/>`).join('')}<circle r="30" fill="${heart}"/></g>`;
const sky = (id, ...stops) => `<defs><linearGradient id="${id}" x2="0" y2="1">${stops.map(([at, colour]) => `<stop offset="${at}" stop-color="${colour}"/>`).join('')}</linearGradient></defs><rect width="1600" height="1000" fill="url(#${id})"/>`;

/** Scenes by name, 1600 by 1000. */
const SCENES = {
  evening: sky('s', [0, '#3f6aa1'], [0.55, '#e9b692'], [1, '#f7e3bd']) + '<circle cx="1180" cy="470" r="70" fill="#fff3d6"/>' + hill(620, 80, '#8c8aa3') + hill(700, 60, '#5f7378') + hill(800, 70, '#3b5750') + hill(900, 30, '#22392f'),
  magnolia: sky('s', [0, '#cfe0ee'], [1, '#f2f5f3']) + '<path d="M-20 980 C 400 760, 640 700, 900 420 S 1300 120, 1500 60" stroke="#6b5546" stroke-width="34" fill="none"/>' + flower(520, 650, 1.9, '#fbf4f2', '#d9b7a8') + flower(900, 420, 2.3, '#fdf7f5', '#d3a999') + flower(1270, 220, 1.6, '#f7ecec', '#cfa49a') + flower(260, 860, 1.2, '#f4e6e8', '#cfa49a'),
  willow: sky('s', [0, '#dcebea'], [1, '#b9d3cd']) + '<rect y="700" width="1600" height="300" fill="#8db3ad"/>' + Array.from({ length: 26 }, (_, n) => `<path d="M${n * 66} -20 C ${n * 66 + 40} 260, ${n * 66 - 40} 420, ${n * 66 + 24} ${620 + (n * 37) % 140}" stroke="#9fb24a" stroke-width="7" fill="none" opacity=".85"/>`).join(''),
  violet: sky('s', [0, '#5d7a4a'], [1, '#39532f']) + Array.from({ length: 34 }, (_, n) => leaf((n * 157) % 1600, 1040 - ((n * 83) % 260), 1 + (n % 4) / 4, (n * 41) % 80 - 40, n % 2 ? '#54743f' : '#6a8d4f')).join('') + Array.from({ length: 13 }, (_, n) => flower(110 + n * 118, 300 + ((n * 211) % 420), 0.75 + (n % 3) / 5, n % 2 ? '#a98bd6' : '#c4aee8', '#f5e9b0')).join(''),
  notebook: sky('s', [0, '#e9e2d4'], [1, '#d8cdb8']) + '<g transform="rotate(-4 800 500)"><rect x="310" y="150" width="980" height="720" rx="14" fill="#fffdf7"/>' + Array.from({ length: 11 }, (_, n) => `<path d="M370 ${250 + n * 54} H 1230" stroke="#d9dfe6" stroke-width="3"/>`).join('') + leaf(1060, 760, 2.1, 24, '#7c9a5c') + leaf(930, 780, 1.6, -18, '#9bb377') + '</g><rect x="150" y="560" width="520" height="26" rx="13" fill="#c7743f" transform="rotate(-28 400 570)"/>',
  night: sky('s', [0, '#0e1a33'], [1, '#2c4263']) + Array.from({ length: 90 }, (_, n) => `<circle cx="${(n * 389) % 1600}" cy="${(n * 241) % 620}" r="${1 + (n % 3)}" fill="#fff" opacity="${0.35 + (n % 5) / 8}"/>`).join('') + '<circle cx="1240" cy="230" r="90" fill="#f3ecd2"/>' + hill(760, 60, '#1a2a3f') + hill(860, 40, '#0f1c2b'),
};

/** JPEGs of all scenes by name, drawn on a page of `browser`. */
export async function pictures(browser) {
  const page = await browser.newPage({ viewport: { width: 1600, height: 1000 } });
  const drawn = {};
  for (const [name, scene] of Object.entries(SCENES)) {
    await page.setContent(`<body style="margin:0"><svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1600 1000" width="1600" height="1000">${scene}</svg>`);
    drawn[name] = await page.screenshot({ type: 'jpeg', quality: 82 });
  }
  await page.setViewportSize({ width: 480, height: 300 });
  await page.setContent(`<body style="margin:0"><svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1600 1000" width="480" height="300">${SCENES.magnolia}</svg>`);
  drawn.thumb = await page.screenshot({ type: 'jpeg', quality: 80 });
  await page.close();
  return drawn;
}

/** Two seconds of a moving lake as MP4, or `null` where this browser writes none. */
export async function video(browser) {
  const page = await browser.newPage();
  const encoded = await page.evaluate(async () => {
    const type = ['video/mp4;codecs=avc1', 'video/mp4;codecs=vp9', 'video/mp4'].find((one) => MediaRecorder.isTypeSupported(one));
    if (!type) return null;
    const canvas = Object.assign(document.createElement('canvas'), { width: 640, height: 360 });
    const pen = canvas.getContext('2d');
    const recorder = new MediaRecorder(canvas.captureStream(25), { mimeType: type });
    const parts = [];
    recorder.ondataavailable = (event) => parts.push(event.data);
    const ended = new Promise((done) => { recorder.onstop = done; });
    recorder.start();
    for (let frame = 0; frame < 50; frame += 1) {
      pen.fillStyle = '#86a8bd'; pen.fillRect(0, 0, 640, 360);
      pen.fillStyle = '#4b6b5d'; pen.fillRect(0, 150, 640, 40);
      pen.fillStyle = '#5d8aa0'; pen.fillRect(0, 190, 640, 170);
      pen.strokeStyle = '#cfe2ea'; pen.lineWidth = 2;
      for (let wave = 0; wave < 9; wave += 1) {
        pen.beginPath();
        for (let x = 0; x <= 640; x += 8) pen.lineTo(x, 210 + wave * 16 + Math.sin(x / 40 + frame / 6 + wave) * 4);
        pen.stroke();
      }
      await new Promise((done) => { setTimeout(done, 40); });
    }
    recorder.stop();
    await ended;
    const bytes = new Uint8Array(await new Blob(parts).arrayBuffer());
    return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''));
  }).catch(() => null);
  await page.close();
  return encoded && Buffer.from(encoded, 'base64');
}

/** Some seconds of silence as MP3: frames of 128 kbit/s at 44.1 kHz with nothing in them. */
export function voice(seconds) {
  const frame = Buffer.alloc(417);
  frame.set([0xff, 0xfb, 0x90, 0x64]);
  return Buffer.concat(Array.from({ length: Math.floor(seconds * 38.28) }, () => frame));
}
