//! Somebody at work in the demo: mensajes, new conversaciones and reassignments at a human pace.
//!
//! Osmara's numbers never change: nobody is reassigned from or to her, and none of hers starts a chat.

use std::time::Duration;

use tokio::time::sleep;
use tokio_postgres::{Client, Error, NoTls, Statement};

const MESSAGE: &str = include_str!("sql/traffic/message.sql");
const CONVERSATION: &str = include_str!("sql/traffic/conversation.sql");
const REASSIGN: &str = include_str!("sql/traffic/reassign.sql");

/// How long after a lost connection the next one is tried.
const RECONNECT_AFTER: Duration = Duration::from_secs(1);

/// Works until it is aborted. A server that goes away is waited for, quietly and for ever.
pub(super) async fn run(conninfo: String, seed: u64) {
    let conninfo = format!("{conninfo} application_name='mvtop demo traffic' connect_timeout=5");
    let mut dice = Dice(seed);
    loop {
        let lost = work(&conninfo, &mut dice).await;
        tracing::debug!(?lost, "demo traffic waits for the server");
        sleep(RECONNECT_AFTER).await;
    }
}

/// One connection's life: ends only with an error.
async fn work(conninfo: &str, dice: &mut Dice) -> Result<(), Error> {
    let (client, connection) = tokio_postgres::connect(conninfo, NoTls).await?;
    tokio::select! {
        lost = connection => lost,
        failed = keep_busy(&client, dice) => failed,
    }
}

/// A mensaje every one to two seconds, a chat about every ten, a reassignment about every thirty.
async fn keep_busy(client: &Client, dice: &mut Dice) -> Result<(), Error> {
    let message = client.prepare(MESSAGE).await?;
    let conversation = client.prepare(CONVERSATION).await?;
    let reassign = client.prepare(REASSIGN).await?;
    loop {
        sleep(Duration::from_millis(1_000 + dice.below(1_000))).await;
        act(client, &message, dice).await?;
        match dice.below(20) {
            0 => act(client, &reassign, dice).await?,
            1..=3 => act(client, &conversation, dice).await?,
            _ => {}
        }
    }
}

async fn act(client: &Client, statement: &Statement, dice: &mut Dice) -> Result<(), Error> {
    client.execute(statement, &[&dice.number()]).await.map(drop)
}

/// SplitMix64: a page of statistics is not at stake, the same seed giving the same choices is.
#[derive(Debug)]
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    /// A number for SQL: not negative.
    fn number(&mut self) -> i64 {
        (self.next() >> 1).cast_signed()
    }
}
