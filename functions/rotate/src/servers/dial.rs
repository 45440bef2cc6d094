//! The TCP connection. Every address of a name is tried: `localhost` and a failed-over endpoint have several.

use std::fmt::Display;
use std::net::SocketAddr;
use std::time::Duration;

use nightshift_core::ports::{PortError, PortErrorKind, PortResult};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

/// Connects; an address that does not answer leaves the others their share of the time.
pub(crate) async fn dial(operation: &str, host: &str, port: u16, limit: Duration) -> PortResult<TcpStream> {
    let unavailable = |problem: &dyn Display, remedy: &str| {
        let message = format!("no connection to {host}:{port}: {problem}; {remedy}");
        PortError::new(PortErrorKind::Unavailable, operation, message)
    };
    let addresses: Vec<SocketAddr> = match lookup_host((host, port)).await {
        Ok(addresses) => addresses.collect(),
        Err(error) => return Err(unavailable(&error, "is the host right, and can the function's subnets resolve it?")),
    };
    let share = limit / u32::try_from(addresses.len()).unwrap_or(u32::MAX).max(1);
    let mut problem = "the name has no address".to_owned();
    for address in addresses {
        match timeout(share, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                // Questions and answers of a few bytes: waiting to fill a packet would only cost time.
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Ok(Err(error)) => problem = error.to_string(),
            Err(_) => problem = "no answer".to_owned(),
        }
    }
    Err(unavailable(&problem, "is it up, and does its security group let the function in?"))
}
