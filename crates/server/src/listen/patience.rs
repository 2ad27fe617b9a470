//! How long a connection may keep us waiting: little inside a request's headers, longer between requests.
//!
//! hyper knows one time for both, which would close idle connections of pooling clients under their hands
//! (clients.md §1 rule 11). Bodies have a time of their own, around the handlers.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use futures::task::AtomicWaker;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep},
};

const HEADERS: u8 = 0;
const SERVING: u8 = 1;
const IDLE: u8 = 2;
const CUT: u8 = 3;

/// Where a connection is; shared between its stream and its service.
#[derive(Clone)]
pub struct Stage(Arc<Shared>);

struct Shared {
    stage: AtomicU8,
    reader: AtomicWaker,
}

impl Stage {
    /// A new connection: headers are to come.
    pub fn new() -> Self {
        Self(Arc::new(Shared {
            stage: AtomicU8::new(HEADERS),
            reader: AtomicWaker::new(),
        }))
    }

    /// A request has begun to be served.
    pub fn serving(&self) -> Serving {
        self.0.stage.store(SERVING, Ordering::Release);
        Serving(self.clone())
    }

    fn get(&self) -> u8 {
        self.0.stage.load(Ordering::Acquire)
    }

    /// Where it is now, unless it was cut off.
    fn connected(&self) -> io::Result<u8> {
        match self.get() {
            CUT => Err(io::ErrorKind::ConnectionAborted.into()),
            stage => Ok(stage),
        }
    }
}

/// A request being served, until dropped.
pub struct Serving(Stage);

impl Serving {
    /// Ends the connection whatever it waits for: its reads and writes fail from now on.
    pub fn cut(&self) {
        let Stage(shared) = &self.0;
        shared.stage.store(CUT, Ordering::Release);
        shared.reader.wake();
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let Stage(shared) = &self.0;
        let served = shared
            .stage
            .compare_exchange(SERVING, IDLE, Ordering::AcqRel, Ordering::Acquire);
        if served.is_ok() {
            // The reader may be waiting without a time; let it set one.
            shared.reader.wake();
        }
    }
}

/// A stream whose reads end with an error when the patience is over.
pub struct Patience<S> {
    stream: S,
    stage: Stage,
    headers: Duration,
    idle: Duration,
    timer: Pin<Box<Sleep>>,
    timed: u8,
}

impl<S> Patience<S> {
    /// The stream of a new connection.
    pub fn new(stream: S, stage: Stage, headers: Duration, idle: Duration) -> Self {
        Self {
            stream,
            stage,
            headers,
            idle,
            timer: Box::pin(sleep(headers)),
            timed: HEADERS,
        }
    }

    fn set_timer(&mut self, stage: u8) {
        let patience = if stage == IDLE { self.idle } else { self.headers };
        self.timer.as_mut().reset(Instant::now() + patience);
        self.timed = stage;
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patience<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        this.stage.0.reader.register(context.waker());
        let stage = this.stage.connected()?;
        if stage != this.timed {
            this.set_timer(stage);
        }
        let before = buffer.filled().len();
        if let Poll::Ready(result) = Pin::new(&mut this.stream).poll_read(context, buffer) {
            if stage == IDLE && buffer.filled().len() > before {
                // The first bytes of the next request.
                this.stage.0.stage.store(HEADERS, Ordering::Release);
                this.set_timer(HEADERS);
            }
            return Poll::Ready(result);
        }
        if stage == SERVING {
            return Poll::Pending;
        }
        ready!(this.timer.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patience<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.stage.connected()?;
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.stage.connected()?;
        Pin::new(&mut self.stream).poll_write_vectored(context, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
