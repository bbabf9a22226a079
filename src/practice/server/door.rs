//! The listening socket and the connections through it.
//!
//! Here: accepting, TLS, and what an outage looks like from outside: refused or
//! hanging connections, on the same port and with the same certificate
//! afterwards. Not here: what a request means (`Server`).

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    sync::{mpsc, oneshot, watch},
    task::JoinSet,
    time::timeout,
};
use tokio_rustls::TlsAcceptor;

use super::{Server, certificate::Certificate};

/// How the server answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::practice) enum Traffic {
    Open,
    /// As if the process were not there: connections are cut and refused.
    Refused,
    /// As if the process were stopped: connections stay and nothing answers.
    Hung,
}

/// A change of traffic, answered when it holds.
type Order = (Traffic, oneshot::Sender<io::Result<()>>);

/// The door from outside.
pub(in crate::practice) struct Door {
    address: SocketAddr,
    orders: mpsc::Sender<Order>,
}

/// The door from inside: it runs until its other half is dropped.
pub(in crate::practice) struct Gate {
    /// Bound, never listening: it keeps the port while nothing listens on it.
    keeper: TcpSocket,
    address: SocketAddr,
    acceptor: TlsAcceptor,
    orders: mpsc::Receiver<Order>,
    traffic: watch::Sender<Traffic>,
}

fn socket(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    // Two sockets share the port: the keeper and the one that listens.
    #[cfg(unix)]
    socket.set_reuseport(true)?;
    socket.bind(address)?;
    Ok(socket)
}

/// Makes a door on a free port of the loopback address.
pub(in crate::practice) fn make(certificate: &Certificate) -> io::Result<(Door, Gate, watch::Receiver<Traffic>)> {
    let keeper = socket(SocketAddr::from(([127, 0, 0, 1], 0)))?;
    let address = keeper.local_addr()?;
    let (sender, orders) = mpsc::channel(1);
    let (traffic, follow) = watch::channel(Traffic::Open);
    let gate = Gate { keeper, address, acceptor: TlsAcceptor::from(Arc::clone(&certificate.tls)), orders, traffic };
    let door = Door { address, orders: sender };
    Ok((door, gate, follow))
}

impl Door {
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Changes how the server answers. When this returns it does.
    pub async fn set(&self, traffic: Traffic) -> io::Result<()> {
        let gone = || io::Error::other("the practice server has ended");
        let (done, answer) = oneshot::channel();
        self.orders.send((traffic, done)).await.map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }
}

impl Gate {
    /// Starts to listen.
    pub fn listen(&self) -> io::Result<TcpListener> {
        socket(self.address)?.listen(1024)
    }

    /// Accepts connections until the door is dropped, then cuts them all.
    pub async fn run(mut self, listener: TcpListener, server: Arc<Server>) {
        let mut listener = Some(listener);
        let mut connections = JoinSet::new();
        loop {
            let open = *self.traffic.borrow() == Traffic::Open;
            tokio::select! {
                accepted = accept(listener.as_ref()), if open => {
                    // A connection that broke while it was made is the client's loss.
                    if let Ok((stream, _)) = accepted {
                        let acceptor = self.acceptor.clone();
                        connections.spawn(serve(stream, acceptor, Arc::clone(&server)));
                    }
                }
                Some(_) = connections.join_next(), if !connections.is_empty() => {}
                order = self.orders.recv() => match order {
                    Some((traffic, done)) => {
                        let result = self.obey(traffic, &mut listener, &mut connections).await;
                        // Whoever was writing has done when the desk is free.
                        drop(server.store.desk());
                        // Whoever asked may have stopped waiting.
                        let _ = done.send(result);
                    }
                    None => break,
                },
            }
        }
        connections.shutdown().await;
        drop(self.keeper);
    }

    async fn obey(
        &self,
        traffic: Traffic,
        listener: &mut Option<TcpListener>,
        connections: &mut JoinSet<()>,
    ) -> io::Result<()> {
        if traffic == Traffic::Refused {
            self.traffic.send_replace(traffic);
            *listener = None;
            connections.shutdown().await;
            return Ok(());
        }
        if listener.is_none() {
            *listener = Some(self.listen()?);
        }
        self.traffic.send_replace(traffic);
        Ok(())
    }
}

async fn accept(listener: Option<&TcpListener>) -> io::Result<(TcpStream, SocketAddr)> {
    match listener {
        Some(listener) => listener.accept().await,
        None => std::future::pending().await,
    }
}

async fn serve(stream: TcpStream, acceptor: TlsAcceptor, server: Arc<Server>) {
    // Small answers are not to wait for each other.
    let _ = stream.set_nodelay(true);
    let Ok(Ok(stream)) = timeout(Duration::from_secs(10), acceptor.accept(stream)).await else {
        return;
    };
    let service = service_fn(move |request| {
        let server = Arc::clone(&server);
        async move { server.answer(request).await }
    });
    // An error here is a connection the client ended, or a fault cut on purpose.
    let _ = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(None)
        .serve_connection(TokioIo::new(stream), service)
        .await;
}
