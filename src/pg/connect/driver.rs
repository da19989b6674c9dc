//! The half of a connection that does the talking, whatever it runs over.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::Stream;
use futures_util::stream::{self, StreamExt};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_postgres::{AsyncMessage, Connection, Error};

type Messages = Pin<Box<dyn Stream<Item = Result<AsyncMessage, Error>> + Send>>;

/// Moves a connection's bytes. As a future it runs until the connection ends and drops the server's notices; as a
/// stream of messages ([`messages`](Self::messages)) it hands them out.
pub struct ConnectionDriver {
    messages: Messages,
    encrypted: bool,
}

impl ConnectionDriver {
    pub(super) fn new<S, T>(mut connection: Connection<S, T>, encrypted: bool) -> ConnectionDriver
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let messages = stream::poll_fn(move |context| connection.poll_message(context));
        ConnectionDriver { messages: Box::pin(messages), encrypted }
    }

    /// Whether the connection is encrypted.
    pub fn is_encrypted(&self) -> bool {
        self.encrypted
    }

    /// The server's notices and notifications, which come as long as this is polled.
    pub fn messages(self) -> impl Stream<Item = Result<AsyncMessage, Error>> + Send {
        self.messages
    }
}

impl Future for ConnectionDriver {
    type Output = Result<(), Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            match self.messages.poll_next_unpin(context) {
                Poll::Ready(Some(Ok(_notice))) => {}
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Err(error)),
                Poll::Ready(None) => return Poll::Ready(Ok(())),
                Poll::Pending => return Poll::Pending,
            }
        }
    }
}

impl std::fmt::Debug for ConnectionDriver {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("ConnectionDriver").field("encrypted", &self.encrypted).finish_non_exhaustive()
    }
}
