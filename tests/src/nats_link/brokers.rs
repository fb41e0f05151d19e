//! Who may use a broker, and which broker can be used: logins, certificates, versions.

use std::io::{Read, Write};

use realm::role::{Cluster, Password};
use realm::{Clock, Nats, NatsError};
use tests::broker::Broker;

use super::{run, two};
use crate::probe::{cluster, within};

async fn refused(cluster: &Cluster) -> String {
    match within(Nats::connect(cluster, Clock::machine())).await {
        Ok(_) => panic!("the connection should be refused"),
        Err(error) => format!("{error} {error:?}"),
    }
}

const SECRET: &str = "hen-and-egg";

#[test]
fn a_server_that_asks_for_a_login_gets_it_and_a_wrong_one_is_told_without_the_password() {
    run(async {
        let broker = Broker::with(["--jetstream", "--user", "realm", "--pass", SECRET]);
        let mut cluster = cluster(&broker);
        let without = refused(&cluster).await;
        assert!(
            without.contains("REALM_NATS_USER") && without.contains("without a user"),
            "who gives no user should be told where to: {without}"
        );
        cluster.user = Some("realm".to_owned());
        cluster.password = Some(Password("egg-and-hen".to_owned()));
        let wrong = refused(&cluster).await;
        assert!(
            wrong.contains("user 'realm'") && wrong.contains("REALM_NATS_PASSWORD"),
            "who gives a wrong password should be told what to set: {wrong}"
        );
        cluster.password = Some(Password(SECRET.to_owned()));
        let (here, mut there) = two(&cluster).await;
        assert_eq!(here.send(2, 5, 10), Ok(()), "there is room");
        assert_eq!(there.next().await, 5, "mail should go with the right login");
        let shown = format!("{without} {wrong} {cluster:?}");
        assert!(
            !shown.contains("egg"),
            "no password should be shown: {shown}"
        );
    });
}

#[test]
fn a_server_with_a_password_in_its_address_is_refused_and_not_shown() {
    run(async {
        let mut cluster = cluster(&Broker::start());
        cluster.nats = vec![format!("nats://realm:{SECRET}@127.0.0.1:4222")];
        let error = refused(&cluster).await;
        assert!(
            error.contains("REALM_NATS_PASSWORD") && !error.contains(SECRET),
            "the address should be refused and not shown: {error}"
        );
    });
}

/// A key and what signs it, for `localhost`, in files.
fn certificates(folder: &std::path::Path) -> [String; 3] {
    let key = || rcgen::KeyPair::generate().expect("a key should be made");
    let mut ca = rcgen::CertificateParams::default();
    ca.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let ca_key = key();
    let ca_file = ca
        .self_signed(&ca_key)
        .expect("a certificate should be made");
    let issuer = rcgen::Issuer::new(ca, ca_key);
    let server_key = key();
    let server = rcgen::CertificateParams::new(vec!["localhost".to_owned()])
        .and_then(|server| server.signed_by(&server_key, &issuer))
        .expect("a certificate should be signed");
    let write = |name: &str, text: String| {
        let file = folder.join(name);
        std::fs::write(&file, text).expect("a file should be written");
        file.display().to_string()
    };
    [
        write("ca.pem", ca_file.pem()),
        write("server.pem", server.pem()),
        write("server.key", server_key.serialize_pem()),
    ]
}

#[test]
fn a_server_is_spoken_to_in_secret_if_who_signed_for_it_is_known_and_else_not_at_all() {
    run(async {
        let folder = tempfile::tempdir().expect("a test needs a folder");
        let [ca, server, key] = certificates(folder.path());
        let flags = [
            "--jetstream",
            "--tls",
            "--tlscert",
            &server,
            "--tlskey",
            &key,
        ];
        let broker = Broker::with(flags);
        let mut cluster = cluster(&broker);
        cluster.nats = vec![format!("tls://{}", broker.at()).replace("127.0.0.1", "localhost")];
        let unknown = refused(&cluster).await;
        assert!(
            unknown.contains("`ca`"),
            "an unknown signer should be told, and what to set: {unknown}"
        );
        cluster.ca = Some(ca.into());
        let (here, mut there) = two(&cluster).await;
        assert_eq!(here.send(2, 5, 10), Ok(()), "there is room");
        assert_eq!(there.next().await, 5, "mail should go in secret");
        let open = Broker::start();
        cluster.nats = vec![open.url().replace("127.0.0.1", "localhost")];
        let error = refused(&cluster).await;
        assert!(
            error.contains("NATS"),
            "with `ca`, a server that offers no secrecy should be refused: {error}"
        );
    });
}

#[test]
fn a_broker_that_cannot_be_used_is_refused_by_what_it_lacks() {
    run(async {
        let mut nowhere = cluster(&Broker::start());
        nowhere.nats = vec![format!("nats://127.0.0.1:{}", tests::broker::free_port())];
        let error = refused(&nowhere).await;
        assert!(
            error.contains(&nowhere.nats[0]) && error.contains("REALM_NATS"),
            "a server that is not there should be named: {error}"
        );
        let plain = Broker::with([""; 0]);
        let error = refused(&cluster(&plain)).await;
        assert!(
            error.contains("--jetstream"),
            "a server that keeps nothing should be told how to start: {error}"
        );
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port should be free");
        let mut old = nowhere;
        let port = listener.local_addr().expect("it has an address").port();
        old.nats = vec![format!("nats://127.0.0.1:{port}")];
        let server = std::thread::spawn(move || old_server(&listener));
        let error = match Nats::connect(&old, Clock::machine()).await {
            Err(error @ NatsError::TooOld { .. }) => error.to_string(),
            other => panic!("it should be too old, not {:?}", other.err()),
        };
        assert!(
            error.contains("2.9.10") && error.contains("2.12"),
            "a server that is too old should be told what is needed: {error}"
        );
        server.join().expect("the server should end");
    });
}

/// Says what Debian's server says, until its client goes.
fn old_server(listener: &std::net::TcpListener) {
    let (mut client, _) = listener.accept().expect("a client should come");
    let info = r#"INFO {"server_id":"old","version":"2.9.10","host":"127.0.0.1","port":4222,"max_payload":1048576,"proto":1,"headers":true,"jetstream":true}"#;
    let hello = format!("{info}\r\n");
    client
        .write_all(hello.as_bytes())
        .expect("the client should listen");
    let mut bytes = [0; 4096];
    while let Ok(len @ 1..) = client.read(&mut bytes) {
        if bytes[..len].windows(4).any(|word| word == b"PING") {
            let _ = client.write_all(b"PONG\r\n");
        }
    }
}
