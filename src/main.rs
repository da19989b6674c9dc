//! mvtop: parse the command line, do what it says, end with its exit code.

use std::process::ExitCode;

use clap::Parser;
use mvtop::cli::Cli;
use mvtop::{program, term};

fn main() -> ExitCode {
    if let Err(error) = term::install_panic_hook() {
        return program::fail(&error.to_string());
    }
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return program::misread(&error),
    };
    let patience = cli.patience();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    match runtime {
        Ok(runtime) => {
            let code = runtime.block_on(program::run(cli));
            runtime.shutdown_timeout(patience);
            code
        }
        Err(error) => program::fail(&format!("the program could not start its tasks: {error}")),
    }
}
