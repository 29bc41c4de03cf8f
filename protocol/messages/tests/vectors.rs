//! The reference vectors of message framing, every case of each section, in both directions.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

#[path = "vectors/community.rs"]
mod community;
#[path = "vectors/direct.rs"]
mod direct;
#[path = "vectors/file.rs"]
mod file;
#[path = "vectors/group.rs"]
mod group;
#[path = "vectors/pro.rs"]
mod pro;

use file::{File, bytes, check_keys, data};
use session_encoding::padding;

#[test]
fn session_protocol() {
    let file = File::load("session_protocol.json");
    file.check_sections(&[
        "about",
        "pro_backend_seed",
        "pro_backend_pk",
        "pad",
        "unpad",
        "rotating_seed",
        "proofs",
        "one_to_one",
        "group",
        "community",
    ]);
    for case in file.section("pad") {
        check_keys(case, &["data", "padded"]);
        assert_eq!(padding::pad(&data(case, "data")), data(case, "padded"));
        assert_eq!(padding::unpad(&data(case, "padded")), data(case, "data"));
    }
    for case in file.section("unpad") {
        check_keys(case, &["data", "padded"]);
        assert_eq!(padding::unpad(&data(case, "padded")), data(case, "data"));
    }
    let backend = session_crypto::Ed25519Secret::from_seed(bytes(file.top("pro_backend_seed")));
    assert_eq!(
        *backend.public().as_bytes(),
        bytes(file.top("pro_backend_pk"))
    );
    for case in file.section("rotating_seed") {
        pro::rotating_seed(case);
    }
    for case in file.section("proofs") {
        pro::proof(case, &backend);
    }
    for case in file.section("one_to_one") {
        direct::case(case, backend.public());
    }
    for case in file.section("group") {
        group::case(case, backend.public());
    }
    for case in file.section("community") {
        community::case(case, backend.public());
    }
}
