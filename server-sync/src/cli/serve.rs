use crate::cli::say;
use crate::config::{Config, LogConfig, LogFormat};
use crate::server::Server;
use crate::state::ServerError;
use std::io::{IsTerminal, Write};
use tracing_subscriber::EnvFilter;

pub(super) fn serve(config: Config, out: &mut dyn Write) -> Result<(), ServerError> {
    start_logging(&config.log, &config.log.filter)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|e| ServerError::Internal(format!("runtime: {e}")))?;
    runtime.block_on(run(config, out))
}

async fn run(config: Config, out: &mut dyn Write) -> Result<(), ServerError> {
    let server = Server::start(config).await?;
    say(out, &format!("listening on http://{}", server.addr))?;
    say(out, &format!("operators on http://{}", server.admin_addr))?;
    out.flush().map_err(crate::store::StoreError::from)?;
    told_to_stop().await?;
    server.shutdown().await;
    Ok(())
}

async fn told_to_stop() -> Result<(), ServerError> {
    let failed = |e: std::io::Error| ServerError::Internal(format!("signals: {e}"));
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
        tokio::select! {
            interrupted = tokio::signal::ctrl_c() => interrupted.map_err(failed),
            _ = terminate.recv() => Ok(()),
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await.map_err(failed)
}

/// Log lines go to standard error, so that standard output stays for what the command says.
pub(super) fn start_logging(log: &LogConfig, filter: &str) -> Result<(), ServerError> {
    let filter = EnvFilter::try_new(filter)
        .map_err(|e| ServerError::Internal(format!("log.filter: {e}")))?;
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    let started = match log.format {
        LogFormat::Text => lines.try_init(),
        LogFormat::Json => lines.json().try_init(),
    };
    started.map_err(|e| ServerError::Internal(format!("log: {e}")))
}
