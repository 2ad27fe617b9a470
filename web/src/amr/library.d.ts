/** The part of the library that runs in a worker: AMR-NB from OpenCORE, compiled to plain JavaScript. */
declare module 'benz-amr-recorder/src/amrnb.js' {
  export default function listen(): void;
}
