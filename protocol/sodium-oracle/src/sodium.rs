//! The functions of libsodium that the protocol is made of, with slices instead of pointers.

use core::ffi::{CStr, c_char, c_int, c_ulonglong};
use core::{fmt, ptr};
use std::sync::LazyLock;

use libsodium_sys as ffi;

const TAG: usize = 16;
const SEAL_OVERHEAD: usize = 48;
const CHUNK_OVERHEAD: usize = 17;

/// What `sodium_init` said: 0 the first time. Every function here reads it before anything else.
static READY: LazyLock<c_int> = LazyLock::new(|| {
    // SAFETY: takes nothing; may be called at any time, from any thread.
    unsafe { ffi::sodium_init() }
});

fn ready() {
    assert!(*READY >= 0, "libsodium cannot be initialised");
}

/// No `usize` is wider than 64 bits.
fn length(bytes: &[u8]) -> c_ulonglong {
    bytes.len() as c_ulonglong
}

/// For calls that only fail when they are used wrongly.
fn must(status: c_int) {
    assert_eq!(status, 0, "libsodium refuses what it must accept");
}

/// The version of the library, as `1.0.22`.
#[must_use]
pub fn version() -> String {
    ready();
    // SAFETY: takes nothing and gives a pointer to a constant of the library.
    let text = unsafe { ffi::sodium_version_string() };
    // SAFETY: the constant ends with a zero byte and lives as long as the program.
    let text = unsafe { CStr::from_ptr(text) };
    text.to_string_lossy().into_owned()
}

/// An Ed25519 key pair: public key, and seed with public key behind it.
#[must_use]
pub fn sign_keypair(seed: &[u8; 32]) -> ([u8; 32], [u8; 64]) {
    ready();
    let (mut public, mut secret) = ([0; 32], [0; 64]);
    // SAFETY: writes 32 and 64 bytes, reads 32; all three arrays have these lengths.
    must(unsafe {
        ffi::crypto_sign_seed_keypair(public.as_mut_ptr(), secret.as_mut_ptr(), seed.as_ptr())
    });
    (public, secret)
}

/// An Ed25519 signature.
#[must_use]
pub fn sign(secret: &[u8; 64], message: &[u8]) -> [u8; 64] {
    ready();
    let mut signature = [0; 64];
    // SAFETY: writes 64 bytes, reads the message by its length and 64 bytes of key; the length of
    // the signature may be left out.
    must(unsafe {
        ffi::crypto_sign_detached(
            signature.as_mut_ptr(),
            ptr::null_mut(),
            message.as_ptr(),
            length(message),
            secret.as_ptr(),
        )
    });
    signature
}

/// Whether an Ed25519 signature is accepted.
#[must_use]
pub fn verify(public: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> bool {
    ready();
    // SAFETY: reads 64 bytes of signature, the message by its length and 32 bytes of key.
    let status = unsafe {
        ffi::crypto_sign_verify_detached(
            signature.as_ptr(),
            message.as_ptr(),
            length(message),
            public.as_ptr(),
        )
    };
    status == 0
}

/// The X25519 form of an Ed25519 public key.
#[must_use]
pub fn public_to_x25519(public: &[u8; 32]) -> Option<[u8; 32]> {
    ready();
    let mut out = [0; 32];
    // SAFETY: writes 32 bytes and reads 32.
    let status =
        unsafe { ffi::crypto_sign_ed25519_pk_to_curve25519(out.as_mut_ptr(), public.as_ptr()) };
    (status == 0).then_some(out)
}

/// The X25519 form of an Ed25519 secret key.
#[must_use]
pub fn secret_to_x25519(secret: &[u8; 64]) -> [u8; 32] {
    ready();
    let mut out = [0; 32];
    // SAFETY: writes 32 bytes and reads 64.
    must(unsafe { ffi::crypto_sign_ed25519_sk_to_curve25519(out.as_mut_ptr(), secret.as_ptr()) });
    out
}

/// X25519; `None` where it refuses to give an all-zero secret.
#[must_use]
pub fn x25519(secret: &[u8; 32], public: &[u8; 32]) -> Option<[u8; 32]> {
    ready();
    let mut out = [0; 32];
    // SAFETY: writes 32 bytes, reads 32 and 32.
    let status =
        unsafe { ffi::crypto_scalarmult(out.as_mut_ptr(), secret.as_ptr(), public.as_ptr()) };
    (status == 0).then_some(out)
}

/// The X25519 public key of a secret one.
#[must_use]
pub fn x25519_base(secret: &[u8; 32]) -> [u8; 32] {
    ready();
    let mut out = [0; 32];
    // SAFETY: writes 32 bytes and reads 32.
    must(unsafe { ffi::crypto_scalarmult_base(out.as_mut_ptr(), secret.as_ptr()) });
    out
}

/// The X25519 key pair of `crypto_box` that follows from a seed: public, secret.
#[must_use]
pub fn box_keypair(seed: &[u8; 32]) -> ([u8; 32], [u8; 32]) {
    ready();
    let (mut public, mut secret) = ([0; 32], [0; 32]);
    // SAFETY: writes 32 and 32 bytes, reads 32.
    must(unsafe {
        ffi::crypto_box_seed_keypair(public.as_mut_ptr(), secret.as_mut_ptr(), seed.as_ptr())
    });
    (public, secret)
}

/// The key that `crypto_box` uses between two X25519 keys; `None` where there is no shared secret.
#[must_use]
pub fn box_key(public: &[u8; 32], secret: &[u8; 32]) -> Option<[u8; 32]> {
    ready();
    let mut out = [0; 32];
    // SAFETY: writes 32 bytes, reads 32 and 32.
    let status =
        unsafe { ffi::crypto_box_beforenm(out.as_mut_ptr(), public.as_ptr(), secret.as_ptr()) };
    (status == 0).then_some(out)
}

/// An anonymous sealed box; `None` for recipients of small order.
#[must_use]
pub fn seal(recipient: &[u8; 32], message: &[u8]) -> Option<Vec<u8>> {
    ready();
    let mut out = vec![0; message.len().saturating_add(SEAL_OVERHEAD)];
    // SAFETY: writes the message's length and 48 bytes, which `out` has; reads the message by its
    // length and 32 bytes of key.
    let status = unsafe {
        ffi::crypto_box_seal(
            out.as_mut_ptr(),
            message.as_ptr(),
            length(message),
            recipient.as_ptr(),
        )
    };
    (status == 0).then_some(out)
}

/// Opens an anonymous sealed box.
#[must_use]
pub fn open_sealed(public: &[u8; 32], secret: &[u8; 32], sealed: &[u8]) -> Option<Vec<u8>> {
    ready();
    let mut out = vec![0; sealed.len().saturating_sub(SEAL_OVERHEAD)];
    // SAFETY: writes the box's length less 48 bytes, nothing when the box is shorter than that;
    // reads the box by its length, 32 and 32 bytes of keys.
    let status = unsafe {
        ffi::crypto_box_seal_open(
            out.as_mut_ptr(),
            sealed.as_ptr(),
            length(sealed),
            public.as_ptr(),
            secret.as_ptr(),
        )
    };
    (status == 0).then_some(out)
}

/// XChaCha20-Poly1305 without associated data: ciphertext and tag.
#[must_use]
pub fn xchacha_seal(key: &[u8; 32], nonce: &[u8; 24], message: &[u8]) -> Vec<u8> {
    ready();
    let mut out = vec![0; message.len().saturating_add(TAG)];
    // SAFETY: writes the message's length and 16 bytes, which `out` has; reads the message by its
    // length, no associated data, 24 bytes of nonce and 32 of key; `nsec` is not used and the
    // length of the result may be left out.
    must(unsafe {
        ffi::crypto_aead_xchacha20poly1305_ietf_encrypt(
            out.as_mut_ptr(),
            ptr::null_mut(),
            message.as_ptr(),
            length(message),
            ptr::null(),
            0,
            ptr::null(),
            nonce.as_ptr(),
            key.as_ptr(),
        )
    });
    out
}

/// Opens what [`xchacha_seal`] made.
#[must_use]
pub fn xchacha_open(key: &[u8; 32], nonce: &[u8; 24], sealed: &[u8]) -> Option<Vec<u8>> {
    ready();
    let mut out = vec![0; sealed.len().saturating_sub(TAG)];
    // SAFETY: writes the input's length less 16 bytes, nothing when it is shorter than that; reads
    // the input by its length, no associated data, 24 bytes of nonce and 32 of key.
    let status = unsafe {
        ffi::crypto_aead_xchacha20poly1305_ietf_decrypt(
            out.as_mut_ptr(),
            ptr::null_mut(),
            ptr::null_mut(),
            sealed.as_ptr(),
            length(sealed),
            ptr::null(),
            0,
            nonce.as_ptr(),
            key.as_ptr(),
        )
    };
    (status == 0).then_some(out)
}

/// BLAKE2b; `None` for lengths of output or key that the library does not take.
#[must_use]
pub fn blake2b(size: usize, key: &[u8], message: &[u8]) -> Option<Vec<u8>> {
    ready();
    let mut out = vec![0; size];
    // SAFETY: writes `size` bytes, which `out` has; reads message and key by their lengths.
    let status = unsafe {
        ffi::crypto_generichash_blake2b(
            out.as_mut_ptr(),
            out.len(),
            message.as_ptr(),
            length(message),
            key.as_ptr(),
            key.len(),
        )
    };
    (status == 0).then_some(out)
}

/// BLAKE2b with a personalisation and no salt; `None` for lengths that the library does not take.
#[must_use]
pub fn blake2b_personal(
    size: usize,
    key: &[u8],
    personal: &[u8; 16],
    message: &[u8],
) -> Option<Vec<u8>> {
    ready();
    let mut out = vec![0; size];
    // SAFETY: writes `size` bytes, which `out` has; reads message and key by their lengths and 16
    // bytes of personalisation; the salt may be left out.
    let status = unsafe {
        ffi::crypto_generichash_blake2b_salt_personal(
            out.as_mut_ptr(),
            out.len(),
            message.as_ptr(),
            length(message),
            key.as_ptr(),
            key.len(),
            ptr::null(),
            personal.as_ptr(),
        )
    };
    (status == 0).then_some(out)
}

/// SHA-512.
#[must_use]
pub fn sha512(message: &[u8]) -> [u8; 64] {
    ready();
    let mut out = [0; 64];
    // SAFETY: writes 64 bytes and reads the message by its length.
    must(unsafe { ffi::crypto_hash_sha512(out.as_mut_ptr(), message.as_ptr(), length(message)) });
    out
}

/// XSalsa20-Poly1305: tag and ciphertext.
#[must_use]
pub fn secretbox(key: &[u8; 32], nonce: &[u8; 24], message: &[u8]) -> Vec<u8> {
    ready();
    let mut out = vec![0; message.len().saturating_add(TAG)];
    // SAFETY: writes the message's length and 16 bytes, which `out` has; reads the message by its
    // length, 24 bytes of nonce and 32 of key.
    must(unsafe {
        ffi::crypto_secretbox_easy(
            out.as_mut_ptr(),
            message.as_ptr(),
            length(message),
            nonce.as_ptr(),
            key.as_ptr(),
        )
    });
    out
}

/// Opens what [`secretbox`] made.
#[must_use]
pub fn open_secretbox(key: &[u8; 32], nonce: &[u8; 24], sealed: &[u8]) -> Option<Vec<u8>> {
    ready();
    let mut out = vec![0; sealed.len().saturating_sub(TAG)];
    // SAFETY: writes the input's length less 16 bytes, nothing when it is shorter than that; reads
    // the input by its length, 24 bytes of nonce and 32 of key.
    let status = unsafe {
        ffi::crypto_secretbox_open_easy(
            out.as_mut_ptr(),
            sealed.as_ptr(),
            length(sealed),
            nonce.as_ptr(),
            key.as_ptr(),
        )
    };
    (status == 0).then_some(out)
}

/// Argon2id, version 1.3, one lane, 32 bytes of output; `memory` in bytes.
#[must_use]
pub fn argon2id(password: &[u8], salt: &[u8; 16], passes: u32, memory: usize) -> Option<[u8; 32]> {
    const ALGORITHM: c_int = 2;
    ready();
    let mut out = [0; 32];
    // SAFETY: writes 32 bytes, reads the password by its length and 16 bytes of salt.
    let status = unsafe {
        ffi::crypto_pwhash_argon2id(
            out.as_mut_ptr(),
            length(&out),
            password.as_ptr().cast::<c_char>(),
            length(password),
            salt.as_ptr(),
            passes.into(),
            memory,
            ALGORITHM,
        )
    };
    (status == 0).then_some(out)
}

/// A 64-byte number modulo the group order.
#[must_use]
pub fn scalar_reduce(wide: &[u8; 64]) -> [u8; 32] {
    ready();
    let mut out = [0; 32];
    // SAFETY: writes 32 bytes and reads 64.
    unsafe { ffi::crypto_core_ed25519_scalar_reduce(out.as_mut_ptr(), wide.as_ptr()) };
    out
}

/// The product of two scalars modulo the group order.
#[must_use]
pub fn scalar_mul(x: &[u8; 32], y: &[u8; 32]) -> [u8; 32] {
    ready();
    let mut out = [0; 32];
    // SAFETY: writes 32 bytes, reads 32 and 32.
    unsafe { ffi::crypto_core_ed25519_scalar_mul(out.as_mut_ptr(), x.as_ptr(), y.as_ptr()) };
    out
}

/// The negative of a scalar modulo the group order.
#[must_use]
pub fn scalar_negate(x: &[u8; 32]) -> [u8; 32] {
    ready();
    let mut out = [0; 32];
    // SAFETY: writes 32 bytes and reads 32.
    unsafe { ffi::crypto_core_ed25519_scalar_negate(out.as_mut_ptr(), x.as_ptr()) };
    out
}

/// A multiple of a point, the scalar taken as it is; `None` for points that are not of the
/// prime-order group and for scalars that give the neutral point.
#[must_use]
pub fn point_mul(scalar: &[u8; 32], point: &[u8; 32]) -> Option<[u8; 32]> {
    ready();
    let mut out = [0; 32];
    // SAFETY: writes 32 bytes, reads 32 and 32.
    let status = unsafe {
        ffi::crypto_scalarmult_ed25519_noclamp(out.as_mut_ptr(), scalar.as_ptr(), point.as_ptr())
    };
    (status == 0).then_some(out)
}

/// One side of a secretstream.
pub struct Stream(ffi::crypto_secretstream_xchacha20poly1305_state);

impl Stream {
    /// The tag of all chunks but the last.
    pub const MESSAGE: u8 = 0;
    /// The tag of the last chunk.
    pub const FINAL: u8 = 3;

    /// Begins a stream with a given header. Both sides begin alike; the library's own function for
    /// the sending one differs in nothing but drawing the header.
    #[must_use]
    pub fn new(key: &[u8; 32], header: &[u8; 24]) -> Self {
        ready();
        let mut state = ffi::crypto_secretstream_xchacha20poly1305_state {
            k: [0; 32],
            nonce: [0; 12],
            _pad: [0; 8],
        };
        // SAFETY: writes the state, which is all ours; reads 24 bytes of header and 32 of key.
        must(unsafe {
            ffi::crypto_secretstream_xchacha20poly1305_init_pull(
                &raw mut state,
                header.as_ptr(),
                key.as_ptr(),
            )
        });
        Self(state)
    }

    /// Begins a stream to send, with a header that the library draws.
    #[must_use]
    pub fn begin(key: &[u8; 32]) -> ([u8; 24], Self) {
        ready();
        let mut header = [0; 24];
        let mut stream = Self::new(key, &header);
        // SAFETY: writes the state, which is all ours, and 24 bytes; reads 32.
        must(unsafe {
            ffi::crypto_secretstream_xchacha20poly1305_init_push(
                &raw mut stream.0,
                header.as_mut_ptr(),
                key.as_ptr(),
            )
        });
        (header, stream)
    }

    /// Encrypts the next chunk.
    #[must_use]
    pub fn push(&mut self, tag: u8, message: &[u8]) -> Vec<u8> {
        let mut out = vec![0; message.len().saturating_add(CHUNK_OVERHEAD)];
        // SAFETY: the state was initialised by `new`; writes the message's length and 17 bytes,
        // which `out` has; reads the message by its length and no associated data.
        must(unsafe {
            ffi::crypto_secretstream_xchacha20poly1305_push(
                &raw mut self.0,
                out.as_mut_ptr(),
                ptr::null_mut(),
                message.as_ptr(),
                length(message),
                ptr::null(),
                0,
                tag,
            )
        });
        out
    }

    /// Opens the next chunk: its tag and message.
    #[must_use]
    pub fn pull(&mut self, chunk: &[u8]) -> Option<(u8, Vec<u8>)> {
        let mut out = vec![0; chunk.len().saturating_sub(CHUNK_OVERHEAD)];
        let mut tag = 0;
        // SAFETY: the state was initialised by `new`; writes the chunk's length less 17 bytes,
        // nothing when it is shorter than that, and one byte of tag; reads the chunk by its length
        // and no associated data.
        let status = unsafe {
            ffi::crypto_secretstream_xchacha20poly1305_pull(
                &raw mut self.0,
                out.as_mut_ptr(),
                ptr::null_mut(),
                &raw mut tag,
                chunk.as_ptr(),
                length(chunk),
                ptr::null(),
                0,
            )
        };
        (status == 0).then_some((tag, out))
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream").finish_non_exhaustive()
    }
}
