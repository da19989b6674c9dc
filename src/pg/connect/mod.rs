//! Connecting to a [`Target`]: each host, each of its addresses, with and without TLS, in libpq's order.
//!
//! What ends the search is libpq's rule too: a host that cannot be reached or is of the wrong kind sends us to the next,
//! a server that answers "no" (wrong password, no such database) is the answer.

mod dial;
mod driver;
mod error;
mod watched;

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::io;
use std::net::IpAddr;
use std::sync::OnceLock;

use tokio_postgres::Client;

use super::conninfo::{Candidate, Place, SessionAttrs, Target};
use dial::{Address, Dial};
pub use driver::ConnectionDriver;
use error::Failure;
pub use error::{ConnectError, Reason};

impl Target {
    /// Connects. The driver must be spawned or polled for the client to get anywhere.
    ///
    /// `extra_options` is appended to the user's `options`; `application_name` is used unless the user set one.
    ///
    /// # Errors
    /// [`ConnectError`] holds what happened at each host tried.
    pub async fn connect(
        &self,
        extra_options: Option<&str>,
        application_name: &str,
    ) -> Result<(Client, ConnectionDriver), ConnectError> {
        let options = self.all_options(extra_options);
        let dial = Dial { target: self, tls: OnceLock::new(), options, application_name };
        let order = self.order();
        let mut failures = Vec::new();
        for wanted in self.session_attrs.passes() {
            for candidate in &order {
                match dial_host(&dial, candidate, *wanted).await {
                    Ok(connected) => return Ok(connected),
                    Err(failure) => failures.push(failure),
                }
                if failures.last().is_some_and(Failure::is_final) {
                    return Err(ConnectError::new(failures));
                }
            }
        }
        Err(ConnectError::new(failures))
    }

    fn all_options(&self, extra: Option<&str>) -> Option<String> {
        let all: Vec<&str> = self.options.as_deref().into_iter().chain(extra).collect();
        (!all.is_empty()).then(|| all.join(" "))
    }

    fn order(&self) -> Vec<&Candidate> {
        let mut order: Vec<&Candidate> = self.candidates.iter().collect();
        if self.shuffle {
            shuffle(&mut order);
        }
        order
    }
}

impl SessionAttrs {
    /// What to look for in each round over the hosts: preferring a standby means to look again for anything.
    fn passes(self) -> &'static [SessionAttrs] {
        match self {
            SessionAttrs::Any => &[SessionAttrs::Any],
            SessionAttrs::ReadWrite => &[SessionAttrs::ReadWrite],
            SessionAttrs::ReadOnly => &[SessionAttrs::ReadOnly],
            SessionAttrs::Primary => &[SessionAttrs::Primary],
            SessionAttrs::Standby => &[SessionAttrs::Standby],
            SessionAttrs::PreferStandby => &[SessionAttrs::Standby, SessionAttrs::Any],
        }
    }
}

/// Tries each address of one host; gives the last failure, which is the one that ended the search there.
async fn dial_host(
    dial: &Dial<'_>,
    candidate: &Candidate,
    wanted: SessionAttrs,
) -> Result<(Client, ConnectionDriver), Failure> {
    let at = candidate.to_string();
    let addresses = match within(dial.target, addresses(candidate, dial.target.shuffle)).await {
        Ok(Ok(addresses)) => addresses,
        Ok(Err(error)) => return Err(Failure { at, reason: Reason::Unresolved(error.to_string()) }),
        Err(reason) => return Err(Failure { at, reason }),
    };
    let mut last = Reason::Unresolved("it has no address".to_owned());
    for address in addresses {
        last = match within(dial.target, dial.address(candidate, &address, wanted)).await {
            Ok(Ok(connected)) => return Ok(connected),
            Ok(Err(reason)) | Err(reason) => reason,
        };
        if !last.is_about_address() {
            break;
        }
    }
    Err(Failure { at, reason: last })
}

/// Runs one attempt, to its end or to the connect timeout: TLS and login count, not only the socket.
async fn within<T>(target: &Target, attempt: impl Future<Output = T>) -> Result<T, Reason> {
    match target.connect_timeout {
        None => Ok(attempt.await),
        Some(limit) => tokio::time::timeout(limit, attempt).await.map_err(|_| Reason::TimedOut(limit)),
    }
}

async fn addresses(candidate: &Candidate, mix: bool) -> io::Result<Vec<Address>> {
    let name = match &candidate.place {
        Place::Socket(dir) => return Ok(vec![Address::Socket(dir.clone())]),
        Place::Address(address) => return Ok(vec![Address::Ip(*address)]),
        Place::Name(name) => name,
    };
    let found = tokio::net::lookup_host((name.as_str(), candidate.port)).await?;
    let mut found: Vec<IpAddr> = found.map(|address| address.ip()).collect();
    if mix {
        shuffle(&mut found);
    }
    Ok(found.into_iter().map(Address::Ip).collect())
}

/// Mixes a list, with the seed that the standard library draws for its hash maps.
fn shuffle<T>(list: &mut [T]) {
    for last in (1..list.len()).rev() {
        let random = RandomState::new().build_hasher().finish();
        let below = u64::try_from(last).unwrap_or(u64::MAX).saturating_add(1);
        list.swap(last, usize::try_from(random % below).unwrap_or(0));
    }
}
