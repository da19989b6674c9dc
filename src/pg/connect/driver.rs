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
    version_num: i32,
}

impl ConnectionDriver {
    pub(super) fn new<S, T>(mut connection: Connection<S, T>, encrypted: bool) -> ConnectionDriver
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let version_num = connection.parameter("server_version").map_or(0, version_num);
        let messages = stream::poll_fn(move |context| connection.poll_message(context));
        ConnectionDriver { messages: Box::pin(messages), encrypted, version_num }
    }

    /// The server's version as it greeted us with it, as `server_version_num` counts: 150018. 0: it said none.
    pub fn version_num(&self) -> i32 {
        self.version_num
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

/// `15.18 (Debian 15.18-1)`, `18beta1`: the number in front and the one after its dot, as libpq's `PQserverVersion` does.
fn version_num(text: &str) -> i32 {
    let number = |text: &str| text.split(|c: char| !c.is_ascii_digit()).next().and_then(|digits| digits.parse().ok());
    let (major, minor) = text.split_once('.').unwrap_or((text, ""));
    number(major).unwrap_or(0) * 10_000 + number(minor).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::version_num;

    #[test]
    fn a_greeting_gives_the_version_as_a_number() {
        let greetings = ["15.18 (Debian 15.18-1.pgdg13+1)", "18beta1", "13.23", "17devel", "16.1-vendor.5", "none"];
        assert_eq!(greetings.map(version_num), [150_018, 180_000, 130_023, 170_000, 160_001, 0]);
    }
}
