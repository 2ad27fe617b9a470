// Decodes AMR beside the page, which stays usable meanwhile. The library answers this worker's messages itself:
// `{command: 'decode', buffer}` with `{amr}`, samples at 8 kHz, or `null` for what is no AMR.
import listen from 'benz-amr-recorder/src/amrnb.js';

listen();
